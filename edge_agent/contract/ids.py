"""Identifiers that sort by time and need no coordination."""

import secrets


def uuid7(unix_ms: int) -> str:
    """Return a UUIDv7 (RFC 9562, section 5.7) for the given Unix time in milliseconds.

    48 bits of time, then 74 random bits: ids of one millisecond are unordered, order comes from ``sequence``.
    """
    value = (unix_ms & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76  # version
    value = value & ~(0x3 << 62) | 0x2 << 62  # variant
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
