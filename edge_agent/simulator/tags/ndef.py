"""What is written on the simulated tags: NDEF messages (NFC Forum NDEF 1.0, URI RTD 1.0, Text RTD 1.0)."""

# The longest first: the abbreviation a phone's writer would choose (URI RTD 1.0, table 3).
_PREFIXES = ((2, "https://www."), (1, "http://www."), (4, "https://"), (3, "http://"), (0, ""))


def uri(address: str) -> bytes:
    """Return a message of one URI record."""
    code, prefix = next(pair for pair in _PREFIXES if address.startswith(pair[1]))
    return _record(b"U", bytes([code]) + address[len(prefix) :].encode())


def text(words: str, language: str = "zh") -> bytes:
    """Return a message of one text record in UTF-8."""
    return _record(b"T", bytes([len(language)]) + language.encode() + words.encode())


def _record(kind: bytes, payload: bytes) -> bytes:
    """Return one well-known record that begins and ends a message (MB, ME, TNF 1; SR where the payload is short)."""
    short = len(payload) < 256
    size = bytes([len(payload)]) if short else len(payload).to_bytes(4, "big")
    return bytes([0xD1 if short else 0xC1, len(kind)]) + size + kind + payload
