"""The commands of text displays: how long each is and what the cursor does; ``_linedisplay_text`` tells whose they are.

A measure returns the length of what begins at a position, NEED_MORE while that is not known, INVALID for what is none.
"""

from collections.abc import Callable, Mapping

from edge_agent.decoders._escpos_text import MULTIBYTE

SCROLLED = 80  # the CD5220 takes 40 characters to scroll; clones take twice as many

NEED_MORE = 0
INVALID = -1

Measure = Callable[[bytearray, int], int]


def measure_character(buffer: bytearray, at: int, encoding: str) -> int:
    """Return the length of a character of text."""
    first = buffer[at]
    if first < 0x80:
        return 1
    length = _char_length(buffer, at, encoding)
    if length > 1 and len(buffer) - at < length:
        return NEED_MORE
    return length


def _char_length(buffer: bytearray, at: int, encoding: str) -> int:
    """Return how many bytes the character at ``at`` has; more than there are, while that is not known."""
    first = buffer[at]
    if encoding == "utf_8":
        return 2 if 0xC2 <= first < 0xE0 else 3 if 0xE0 <= first < 0xF0 else 4 if 0xF0 <= first < 0xF5 else INVALID
    codec = MULTIBYTE.get(encoding)
    if codec is None or (codec == "cp932" and 0xA1 <= first <= 0xDF):
        return 1
    if codec == "gb18030" and len(buffer) - at > 1 and 0x30 <= buffer[at + 1] <= 0x39:
        return 4
    return 2


def _exactly(length: int, place: int, allowed: bytes) -> Measure:
    """A command of ``length`` bytes whose byte at ``place`` is one of ``allowed``."""

    def measure(buffer: bytearray, at: int) -> int:
        if len(buffer) - at <= place:
            return NEED_MORE
        if buffer[at + place] not in allowed:
            return INVALID
        return length if len(buffer) - at >= length else NEED_MORE

    return measure


_to_whom_any = _exactly(3, 2, b"\x01\x02\x03123")


def measure_to_whom(buffer: bytearray, at: int) -> int:
    """Away, only ``ESC =`` is looked for."""
    if len(buffer) - at < 2:
        return NEED_MORE
    if buffer[at + 1] != ord("="):
        return 1
    length = _to_whom_any(buffer, at)
    return 1 if length == INVALID else length


def _string_command(buffer: bytearray, at: int) -> int:
    """``ESC Q A/B/C/D text CR``."""
    if len(buffer) - at < 3:
        return NEED_MORE
    if buffer[at + 2] not in b"ABCD":
        return INVALID
    start, most = at + 3, at + 3 + SCROLLED
    for index in range(start, min(len(buffer), most + 1)):
        if buffer[index] == 0x0D:
            return index + 1 - at
        if buffer[index] < 0x20:
            return INVALID
    return NEED_MORE if len(buffer) <= most else INVALID


def _glyphs(buffer: bytearray, at: int) -> int:
    """``ESC & s n m (a p1…)``: characters n to m, each a columns of s bytes."""
    if len(buffer) - at < 5:
        return NEED_MORE
    high, first, last = buffer[at + 2 : at + 5]
    if high not in (1, 2) or not 0x20 <= first <= last:
        return INVALID
    length = 5
    for _ in range(first, last + 1):
        if len(buffer) - at <= length:
            return NEED_MORE
        if buffer[at + length] > 8:
            return INVALID
        length += 1 + high * buffer[at + length]
    return length if len(buffer) - at >= length else NEED_MORE


def _window(parts: int) -> Measure:
    """``ESC W``: on with its corners, or off without."""

    def measure(buffer: bytearray, at: int) -> int:
        if len(buffer) - at < parts:
            return NEED_MORE
        on = buffer[at + parts - 1] & 1
        length = parts + (4 if parts == 4 else 3) * on
        return length if len(buffer) - at >= length else NEED_MORE

    return measure


def _mode_choice(buffer: bytearray, at: int) -> int:
    """``STX ENQ C n ETX``: the command set is chosen, as displays of Aures and Oxhoo want it."""
    known = (b"\x02", b"\x05", b"C", b"0123456789", b"\x03")
    given = buffer[at : at + 5]
    if any(byte not in allowed for byte, allowed in zip(given, known, strict=False)):
        return INVALID
    return 5 if len(given) == 5 else NEED_MORE


LEADS = b"\x1b\x1f\x1c\x02"
MODES = {b"\x1f\x01": "overwrite", b"\x1f\x02": "up", b"\x1f\x03": "left"} | {
    b"\x1b\x11": "overwrite", b"\x1b\x12": "up", b"\x1b\x13": "left"
}  # fmt: skip
PLACES = {
    b"\x08": "back", b"\x09": "on", b"\x0a": "down", b"\x0d": "first", b"\x0b": "home",
    b"\x1f\x0a": "up", b"\x1f\x0d": "last", b"\x1f\x42": "bottom", b"\x1f$": "to", b"\x1bl": "to",
    b"\x1b[A": "up", b"\x1b[B": "down", b"\x1b[C": "on", b"\x1b[D": "back", b"\x1b[H": "home", b"\x1b[L": "first",
    b"\x1b[R": "last", b"\x1b[K": "bottom",
}  # fmt: skip
OPAQUE = (b"\x1f.", b"\x1f,", b"\x1f;", b"\x1bW", b"\x1fT", b"\x1fU", b"\x1f^", b"\x1f@", b"\x1f:")
_SINGLES = dict.fromkeys((bytes((code,)) for code in b"\x08\x09\x0a\x0b\x0c\x0d\x18"), 1)

_BOTH: Mapping[bytes, int | Measure] = {
    **_SINGLES,
    **dict.fromkeys((b"\x1b@", b"\x1f\x01", b"\x1f\x02", b"\x1f\x03", b"\x1f\x0a", b"\x1f\x0d", b"\x1f\x42"), 2),
    **dict.fromkeys((b"\x1f@", b"\x1c&", b"\x1c."), 2),
    **dict.fromkeys((b"\x1bt", b"\x1bR", b"\x1b?", b"\x1b%", b"\x1fE", b"\x1fX", b"\x1fC"), 3),
    b"\x1b=": _to_whom_any,
    b"\x1b&": _glyphs,
    b"\x02\x05": _mode_choice,
}
COMMANDS: Mapping[str, Mapping[bytes, int | Measure]] = {
    "cd5220": {
        **_BOTH,
        **dict.fromkeys((b"\x1b\x11", b"\x1b\x12", b"\x1b\x13"), 2),
        **dict.fromkeys((b"\x1b*", b"\x1b_", b"\x1bf", b"\x1bc", b"\x1b#"), 3),
        b"\x1bl": 4,
        b"\x1bQ": _string_command,
        b"\x1b[": _exactly(3, 2, b"ABCDHLRK"),
        b"\x1bs": _exactly(3, 2, b"\x01"),
        b"\x1bd": _exactly(3, 2, b"\x01"),
        b"\x1bW": _window(3),
    },
    "epson": {
        **_BOTH,
        **dict.fromkeys((b"\x1fU", b"\x1f:"), 2),
        **dict.fromkeys((b"\x1fr", b"\x1f.", b"\x1f,", b"\x1f;"), 3),
        **dict.fromkeys((b"\x1f$", b"\x1fT", b"\x1f#", b"\x1f^"), 4),
        b"\x1bW": _window(4),
    },
}
