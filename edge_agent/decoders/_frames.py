"""Frames on a noisy line: found by how they begin, believed by their form, searched for anew where one fails.

A frame that fails costs the bytes up to the next one that may begin inside it, so a lost or false byte never takes the
frame behind it along. A *memo* carries what a decoder remembers between frames to a fresh one, in its ``modes()``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

NEED_MORE = 0
INVALID = -1

# Told at the latest after so much of it: four seconds at 9600 baud.
MAX_NOISE = 4096

# Returns the length of the frame that begins at a position, or NEED_MORE, or INVALID, and why it cannot be used:
# a reason code, or None where it can. What it says of some bytes must not change when more of them come.
Measure = Callable[[bytearray, int], tuple[int, str | None]]

# Made up for ``memo``, never sent by a device: four CAN, a count, so many bytes.
_MEMO = b"\x18\x18\x18\x18"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of the line, in order. ``reason``: None for a frame, ``memo``, else why they are none."""

    data: bytes
    reason: str | None


def memo(payload: bytes) -> bytes:
    """Return the bytes that give a fresh ``Frames`` a ``memo`` piece of at most 255 bytes."""
    return _MEMO + bytes((len(payload),)) + payload


class Frames:
    """Takes a line apart. ``start``: matches where a frame may begin, also at the end of what has come."""

    def __init__(self, start: re.Pattern[bytes], measure: Measure) -> None:
        self._start = start
        self._measure = measure
        self._buffer = bytearray()  # the bytes from ``consumed`` on
        self._at = 0  # before it, the buffer holds no frame
        self._fresh = True
        self.consumed = 0

    def feed(self, data: bytes) -> list[Piece]:
        """Take bytes as they arrive, cut anywhere; return what became certain."""
        self._buffer += data
        return self._read(final=False)

    def idle(self) -> list[Piece]:
        """Return what is left: nothing follows it."""
        return self._read(final=True)

    def unfinished(self) -> bytes:
        """Return the bytes since ``consumed``."""
        return bytes(self._buffer)

    def _read(self, *, final: bool) -> list[Piece]:
        out: list[Piece] = []
        if self._fresh and self._buffer and not self._read_memo(out, final):
            return out
        while start := self._start.search(self._buffer, self._at):
            self._at = start.start()
            length, reason = self._measure(self._buffer, self._at)
            if length == INVALID:
                self._at += 1
                continue
            if length == NEED_MORE:
                if not final:
                    break
                length, reason = len(self._buffer) - self._at, "unfinished"
            self._flush(out, self._at)
            self._take(out, length if reason is None else self._up_to_next(length), reason)
            self._at = 0
        else:
            self._at = len(self._buffer)
        self._flush(out, self._at if final else self._at // MAX_NOISE * MAX_NOISE)
        return out

    def _read_memo(self, out: list[Piece], final: bool) -> bool:
        """Take the memo a stream may begin with; return False if it is not all there yet."""
        buffer = self._buffer
        size = len(_MEMO) + 1
        begun = buffer[:size].startswith(_MEMO[: len(buffer)])
        whole = begun and len(buffer) >= size and len(buffer) >= size + buffer[size - 1]
        if begun and not whole and not final:
            return False
        self._fresh = False
        if whole:
            length = size + buffer[size - 1]
            out.append(Piece(bytes(buffer[size:length]), "memo"))
            del buffer[:length]
            self.consumed += length
        return True

    def _up_to_next(self, length: int) -> int:
        """Return how much of a frame that failed is done with: another one may begin inside it."""
        following = self._start.search(self._buffer, self._at + 1, self._at + length)
        return following.start() - self._at if following else length

    def _flush(self, out: list[Piece], end: int) -> None:
        """Tell the noise before ``end``, in pieces of ``MAX_NOISE``."""
        self._at -= end
        while end > 0:
            length = min(end, MAX_NOISE)
            self._take(out, length, "noise")
            end -= length

    def _take(self, out: list[Piece], length: int, reason: str | None) -> None:
        out.append(Piece(bytes(self._buffer[:length]), reason))
        del self._buffer[:length]
        self.consumed += length
