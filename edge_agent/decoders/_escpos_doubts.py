"""What a noisy line says and a till would not: a length that takes the next receipt along, half a figure, no cut."""

import re
import sys

# In a picture or a symbol only if its length was read wrong: a receipt's end and the beginning of the next one; in a
# symbol, the next of the commands that print it.
_SWALLOWED = re.compile(rb"\x1dV(?:[\x00\x010-1]|[AB][\x00-\xff]).{0,16}\x1b@", re.DOTALL)
_SWALLOWED_BY_SYMBOL = re.compile(rb"\x1d\(k|" + _SWALLOWED.pattern, re.DOTALL)
_LONGEST = 4 + 16 + 2  # of what is looked for
# Two rows of text, in what silence left of a command.
_SWALLOWED_TEXT = re.compile(rb"(?:[\x20-\x7e\xa1-\xfe]{4,}\r?\n){2}")
# A shorter command takes no receipt along.
_UNDOUBTED = 64

# Digits and the point, and what one flipped bit makes of them (and NUL, of the blank between two of them).
_FIGURES = b"0123456789."
_SPOILT_FIGURES = bytes(range(0x10, 0x1A)) + b"\x0e\x00"

# A receipt that could have ended has so many rows.
LEAST_RECEIPT = 3


def swallows_text(buffer: bytearray, at: int, end: int = sys.maxsize) -> bool:
    """Tell whether a command at ``at`` that silence cut short, or ``end``, holds what was meant to be printed."""
    return _SWALLOWED_TEXT.search(buffer, at + 2, end) is not None


class Doubts:
    """What is remembered of the bytes just read; positions are the buffer's."""

    def __init__(self) -> None:
        self._sought = 0  # bytes of the command at the cursor that hold no receipt's end
        self._spoilt = -1  # where a figure would continue one that lost a digit
        self._troubled = -1  # where the last noise ended

    def forget(self) -> None:
        """Begin anew: the cursor has moved by itself."""
        self._sought, self._spoilt, self._troubled = 0, -1, -1

    def swallows_receipt(self, buffer: bytearray, at: int, length: int) -> bool:
        """Tell whether the command at ``at`` claims bytes that are a receipt's end, as far as they have come."""
        if length <= _UNDOUBTED:
            return False
        pattern = _SWALLOWED_BY_SYMBOL if buffer.startswith(b"\x1d(k", at) else _SWALLOWED
        found = pattern.search(buffer, at + max(2, self._sought - _LONGEST), at + length) is not None
        self._sought = 0 if found or len(buffer) >= at + length else len(buffer) - at
        return found

    def noise_ended(self, at: int) -> None:
        """Take note of noise before ``at``."""
        self._troubled = at

    def is_troubled(self, at: int) -> bool:
        """Tell whether noise ended at ``at``."""
        return self._troubled == at

    def spoils(self, control: bytes | bytearray, before: bytes | bytearray, at: int) -> bool:
        """Tell whether a control byte that ended at ``at`` was part of the figure that ``before`` ends in.

        If it may have been part of one behind it, ``continues_spoilt`` will tell.
        """
        if len(control) > 1 or control[0] not in _SPOILT_FIGURES:
            return False
        behind_figure = bool(before) and before[-1] in _FIGURES
        if control[0] and behind_figure:
            return True
        self._spoilt = at if control[0] or behind_figure else -1
        return False

    def continues_spoilt(self, buffer: bytearray, at: int) -> bool:
        """Tell whether the text at ``at`` begins with what is left of a figure."""
        return self._spoilt == at and buffer[at] in _FIGURES
