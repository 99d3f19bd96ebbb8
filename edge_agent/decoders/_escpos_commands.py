"""The ESC/POS command set: how long each command is. What a command does is told in ``escpos.py``.

Sources: Epson's ESC/POS command reference (TM series) and the programming manuals of the common Chinese printers
(Gprinter, Xprinter, Sprt, wizarPOS) for what these add: ``ESC 7/8/9/B/C/Z``, ``GS Z``, ``FS r``.

A command is known by its first two bytes. Its length is a number, or a function of the bytes that follow: lengths come
from a noisy line and are believed only within what a real printer could mean.
"""

import re
from collections.abc import Callable

NEED_MORE = 0
INVALID = -1

Measure = Callable[[bytearray, int], int]

# Dots across the widest receipt head in use: 4 inches at 300 dpi is 1200, in bytes of 8 dots, with some slack.
MAX_ROW = 160
# 80 mm paper has 576 dots = 72 bytes a row and 8 rows a mm: 512 KiB is a picture 91 cm long; real ones end far before.
MAX_IMAGE = 512 * 1024
# The largest QR code (version 40, digits) holds 7089 characters; three bytes of header stand before them.
MAX_SYMBOL = 7089 + 3
# What the other GS ( commands carry: settings of a few bytes; Epson's longest (key words, positions) stay below this.
MAX_SETTING = 512
# ESC * prints one stripe: Epson allows 2047 columns.
MAX_COLUMNS = 2047


def _word(buffer: bytearray, at: int) -> int:
    return buffer[at] | buffer[at + 1] << 8


def _column_image(buffer: bytearray, at: int) -> int:
    if len(buffer) - at < 5:
        return NEED_MORE
    per_column = {0: 1, 1: 1, 32: 3, 33: 3}.get(buffer[at + 2])
    columns = _word(buffer, at + 3)
    return INVALID if per_column is None or columns > MAX_COLUMNS else 5 + per_column * columns


def _raster_image(buffer: bytearray, at: int) -> int:
    if not buffer.startswith(b"\x1dv0"[: len(buffer) - at], at):
        return INVALID  # said early: nothing behind it has to wait
    if len(buffer) - at < 8:
        return NEED_MORE
    row, rows = _word(buffer, at + 4), _word(buffer, at + 6)
    known = buffer[at + 3] in b"\x00\x01\x02\x030123"
    return 8 + row * rows if known and row <= MAX_ROW and row * rows <= MAX_IMAGE else INVALID


def _downloaded_image(buffer: bytearray, at: int) -> int:
    if len(buffer) - at < 4:
        return NEED_MORE
    columns, rows = buffer[at + 2], buffer[at + 3]
    return 4 + columns * rows * 8 if 0 < columns * rows <= 1536 and rows <= 48 else INVALID


def _stored_images(buffer: bytearray, at: int) -> int:
    if len(buffer) - at < 3:
        return NEED_MORE
    length = 3
    for _ in range(buffer[at + 2]):
        if len(buffer) - at < length + 4:
            return NEED_MORE
        width, height = _word(buffer, at + length), _word(buffer, at + length + 2)
        length += 4 + width * height * 8
        if not (0 < width <= 1023 and 0 < height <= 288) or length > MAX_IMAGE:
            return INVALID
    return length if length > 3 else INVALID


def _windows_bitmap(buffer: bytearray, at: int) -> int:
    if len(buffer) - at < 15:
        return NEED_MORE
    size = int.from_bytes(buffer[at + 11 : at + 15], "little")
    known = buffer[at + 2] == 0x30 and buffer[at + 3] in b"CS" and buffer[at + 9 : at + 11] == b"BM"
    return 9 + size if known and 0 < size <= MAX_IMAGE else INVALID


_GRAPHICS = frozenset(
    b"\x00\x01\x02\x03\x04" + bytes(range(48, 53)) + bytes(range(64, 70)) + bytes(range(80, 86)) + b"pq"
)


def _counted(buffer: bytearray, at: int) -> int:
    """``GS ( X pL pH …``, ``FS ( X …``, ``ESC ( X …``."""
    if len(buffer) - at < 5:
        return NEED_MORE
    kind, count = buffer[at + 2], _word(buffer, at + 3)
    if kind not in b"ABCDEFGHIJKLMNPQVXYZek":
        return INVALID
    if buffer[at] == 0x1D and kind in b"Lk" and count >= 2:
        if len(buffer) - at < 7:
            return NEED_MORE
        group, function = buffer[at + 5], buffer[at + 6]
        if kind == ord("L"):
            return 5 + count if group == 48 and function in _GRAPHICS else INVALID
        most = MAX_SYMBOL if function == 80 else 16  # only storing a symbol's data is long
        return 5 + count if 48 <= group <= 56 and count <= most else INVALID
    return 5 + count if count <= MAX_SETTING else INVALID


def _large_graphics(buffer: bytearray, at: int) -> int:
    if not buffer.startswith(b"\x1d8L"[: len(buffer) - at], at):
        return INVALID
    if len(buffer) - at < 9:
        return NEED_MORE
    count = int.from_bytes(buffer[at + 3 : at + 7], "little")
    known = buffer[at + 7] == 48 and buffer[at + 8] in _GRAPHICS
    return 7 + count if known and 2 <= count <= MAX_IMAGE else INVALID


def _bar_code(buffer: bytearray, at: int) -> int:
    if len(buffer) - at < 4:
        return NEED_MORE
    kind = buffer[at + 2]
    if kind <= 6:
        end = buffer.find(0, at + 3, at + 3 + 256)
        text = buffer[at + 3 : at + 3 + 256 if end < 0 else end]
        if min(text, default=0x20) < 0x20 or (end < 0 and len(text) == 256):
            return INVALID
        return NEED_MORE if end < 0 else end + 1 - at
    if not 65 <= kind <= 79 or not buffer[at + 3]:
        return INVALID
    length = 4 + buffer[at + 3]
    binary = kind in (72, 73)  # CODE93 and CODE128 may carry control characters
    text = buffer[at + 4 : at + length]
    if max(text, default=0) > 0x7F or (not binary and min(text, default=0x20) < 0x20):
        return INVALID  # no bar code holds more than ASCII
    return length


def _cut(buffer: bytearray, at: int) -> int:
    if len(buffer) - at < 3:
        return NEED_MORE
    mode = buffer[at + 2]
    if mode in (0, 1, 48, 49):
        return 3
    return 4 if mode in (65, 66, 97, 98, 103, 104) else INVALID


def _user_glyphs(buffer: bytearray, at: int) -> int:
    if len(buffer) - at < 5:
        return NEED_MORE
    high, first, last = buffer[at + 2 : at + 5]
    if not (1 <= high <= 4 and 32 <= first <= last <= 126):
        return INVALID
    length = 5
    for _ in range(first, last + 1):
        if len(buffer) - at <= length:
            return NEED_MORE
        length += 1 + high * buffer[at + length]
    return length


def _tab_stops(buffer: bytearray, at: int) -> int:
    """Stops rise; NUL ends them, and so does a stop that does not rise (which then is no part of the command)."""
    last = 0
    for index in range(at + 2, at + 2 + 33):
        if index >= len(buffer):
            return NEED_MORE
        if buffer[index] == 0:
            return index + 1 - at
        if buffer[index] <= last:
            return index - at
        last = buffer[index]
    return INVALID


def _real_time(lengths: dict[int, int]) -> Measure:
    def measure(buffer: bytearray, at: int) -> int:
        return lengths.get(buffer[at + 2], INVALID) if len(buffer) - at > 2 else NEED_MORE

    return measure


def _one_of(allowed: bytes, length: int) -> Measure:
    """Return the measure of a fixed-length command whose third byte says which one it is."""

    def measure(buffer: bytearray, at: int) -> int:
        if len(buffer) - at < 3:
            return NEED_MORE
        return length if buffer[at + 2] in allowed else INVALID

    return measure


def _counter(buffer: bytearray, at: int) -> int:
    lengths = {0: 5, 48: 5, 1: 9, 49: 9, 2: 5, 50: 5}
    return lengths.get(buffer[at + 2], INVALID) if len(buffer) - at > 2 else NEED_MORE


def _alarm_or_page_length(buffer: bytearray, at: int) -> int:
    """``ESC C m t n`` sounds a Chinese printer's alarm; ``ESC C n`` sets an impact printer's page length."""
    if len(buffer) - at < 5:
        return NEED_MORE
    return 5 if 0 < buffer[at + 3] < 32 and buffer[at + 4] <= 3 else 3


def _clone_qr(buffer: bytearray, at: int) -> int:
    """``ESC Z m n k dL dH d…``: version, correction level, module size, data."""
    if len(buffer) - at < 7:
        return NEED_MORE
    count = _word(buffer, at + 5)
    plausible = buffer[at + 2] <= 40 and buffer[at + 3] in b"\x00\x01\x02\x03LMQH" and buffer[at + 4] <= 16
    return 7 + count if plausible and 0 < count <= MAX_SYMBOL else INVALID


def _user_memory(buffer: bytearray, at: int) -> int:
    """``FS g 1 m a1–a4 nL nH d…`` writes the user's memory, ``FS g 2 m a1–a4 nL nH`` reads it."""
    if len(buffer) - at < 10:
        return NEED_MORE
    count = _word(buffer, at + 8)
    lengths = {0x31: 10 + count, 0x32: 10}
    return lengths.get(buffer[at + 2], INVALID) if 0 < count <= 1024 else INVALID


def _variable_image(buffer: bytearray, at: int) -> int:
    """``GS Q 0 m xL xH yL yH d…``: an impact printer's variable bitmap, columns of bytes."""
    if len(buffer) - at < 8:
        return NEED_MORE
    size = _word(buffer, at + 4) * _word(buffer, at + 6)
    return 8 + size if buffer[at + 2] == 0x30 and size <= MAX_IMAGE else INVALID


def _table(lead: int, lengths: dict[int, str]) -> dict[bytes, int | Measure]:
    return {bytes((lead, ord(letter))): length for length, letters in lengths.items() for letter in letters}


COMMANDS: dict[bytes, int | Measure] = {
    **_table(0x10, {3: "\x05"}),
    **_table(0x1B, {2: "245<@LSimv\x0c", 3: " !%-3?AEGJKMRTUVadeorstu{9", 4: "$\\Bf8", 5: "p7", 10: "W"}),
    **_table(0x1C, {2: "&.JK\x0e\x0f\x12\x14", 3: "!-CWr", 4: "S?p", 76: "2"}),  # FS 2: one 24 × 24 glyph
    **_table(0x1D, {2: ":c<\x0c", 3: "!/BEHITabfhjrw|Z", 4: "$\\ALPW", 5: "^"}),
    b"\x10\x04": _real_time({1: 3, 2: 3, 3: 3, 4: 3, 5: 3, 6: 3, 7: 4, 8: 4, 18: 4}),
    b"\x10\x14": _real_time({1: 5, 2: 5, 3: 8, 6: 4, 7: 4, 8: 10}),
    b"\x1b&": _user_glyphs,
    b"\x1b(": _counted,
    b"\x1b*": _column_image,
    b"\x1b=": _one_of(b"\x01\x02\x03", 3),  # printer, display, both; one bit makes it of ESC - (underline)
    b"\x1bC": _alarm_or_page_length,
    b"\x1bD": _tab_stops,
    b"\x1bZ": _clone_qr,
    b"\x1bc": _one_of(b"013450", 4),
    b"\x1c(": _counted,
    b"\x1cg": _user_memory,
    b"\x1cq": _stored_images,
    b"\x1d(": _counted,
    b"\x1d*": _downloaded_image,
    b"\x1d8": _large_graphics,
    b"\x1dC": _counter,
    b"\x1dD": _windows_bitmap,
    b"\x1dQ": _variable_image,
    b"\x1dV": _cut,
    b"\x1dg": _one_of(b"02", 6),
    b"\x1dk": _bar_code,
    b"\x1dv": _raster_image,
    b"\x1dz": _one_of(b"0", 5),
}

# A printer skips these: flow control that leaked through, page mode's cancel, the bell.
IGNORED = b"\x07\x11\x13\x18"
# It skips NUL too, and drivers pad with many of them. Few at a time are what a line read at the wrong speed looks like.
PADDING = 8


def patterns(acting: set[bytes], modes: set[bytes]) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    r"""Return the pattern of what needs little thought, tried at every position, and the one that takes runs apart.

    Group 1: text, group 2: the ``\n`` or ``\r\n`` right behind it, group 3: a line end alone, group 4: a run of
    commands of fixed length that print nothing. The second pattern finds the commands of such a run; its group 1: one
    that sets a mode (``modes``). ``acting``: the commands that do something else and so are in no run.
    """
    quiet = [b"[" + re.escape(IGNORED) + b"]", b"\\x00{%d}" % PADDING]
    quiet += _branches({key: length for key, length in _FIXED.items() if key not in acting | modes})
    setting = _branches({key: length for key, length in _FIXED.items() if key in modes})
    text = rb"([\x20-\x7e\x80-\xff]+)(\r?\n)?"
    run = b"((?:" + b"|".join(quiet + setting) + b")+)"
    return re.compile(text + rb"|(\r?\n)|" + run), re.compile(b"(" + b"|".join(setting) + b")|" + b"|".join(quiet))


_FIXED = {key: length for key, length in COMMANDS.items() if isinstance(length, int)}


def _branches(commands: dict[bytes, int]) -> list[bytes]:
    """Return one alternative for each lead byte: within it, the letters of each length."""
    letters: dict[int, dict[int, bytes]] = {}
    for key, length in commands.items():
        by_length = letters.setdefault(key[0], {})
        by_length[length] = by_length.get(length, b"") + re.escape(key[1:])
    return [
        re.escape(bytes((lead,)))
        + b"(?:"
        + b"|".join(b"[%b][\\x00-\\xff]{%d}" % (chars, length - 2) for length, chars in by_length.items())
        + b")"
        for lead, by_length in letters.items()
    ]
