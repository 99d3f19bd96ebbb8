"""NDEF records written by hand (NFC Forum NDEF 1.0, section 3.2): also such as a library would refuse to write."""

WELL_KNOWN, MIME = 1, 2


def record(
    tnf: int, kind: bytes, payload: bytes, *, first: bool = True, last: bool = True, chunk: bool = False
) -> bytes:
    flags = first << 7 | last << 6 | chunk << 5 | (len(payload) < 256) << 4 | tnf
    length = len(payload).to_bytes(1 if len(payload) < 256 else 4, "big")
    return bytes([flags, len(kind)]) + length + kind + payload


def message(*records: tuple[int, bytes, bytes]) -> bytes:
    last = len(records) - 1
    return b"".join(record(*each, first=at == 0, last=at == last) for at, each in enumerate(records))


def uri(text: str, prefix: int = 0) -> tuple[int, bytes, bytes]:
    return WELL_KNOWN, b"U", bytes([prefix]) + text.encode()


def text(words: str, encoding: str = "utf-8", language: bytes = b"zh") -> tuple[int, bytes, bytes]:
    status = len(language) | (0 if encoding == "utf-8" else 0x80)
    return WELL_KNOWN, b"T", bytes([status]) + language + words.encode(encoding)


def poster(*records: tuple[int, bytes, bytes]) -> tuple[int, bytes, bytes]:
    return WELL_KNOWN, b"Sp", message(*records)
