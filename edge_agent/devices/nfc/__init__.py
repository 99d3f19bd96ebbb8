"""An NFC reader, driven by nfcpy in a thread of its own."""
