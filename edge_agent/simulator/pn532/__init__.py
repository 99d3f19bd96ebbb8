"""An NFC reader on a pseudo-terminal: a PN532 that speaks HSU frames."""
