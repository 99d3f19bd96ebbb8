"""Frames of the PN532's high-speed UART, both ways (NXP UM0701-02, sections 6.2.1.1 to 6.2.1.5)."""

from collections.abc import Iterator
from enum import Enum

ACK = bytes.fromhex("0000FF00FF00")
ERROR = bytes.fromhex("0000FF01FF7F8100")  # "syntax error": what the chip answers to what it does not know
TO_CHIP, FROM_CHIP = 0xD4, 0xD5

_START = b"\x00\xff"
_SHORT_MAX = 254  # hosts, nfcpy among them, take a length of 255 for the mark of an extended frame
_COMMAND_MAX = 265  # the largest the chip takes, its first byte included


class Signal(Enum):
    """A frame without data. ACK aborts the command in hand, NACK asks for the last response once more."""

    ACK = b"\x00\xff"
    NACK = b"\xff\x00"


def encode(data: bytes) -> bytes:
    """Return the chip's frame around ``data`` (response code and parameters); extended where a short one is too small.

    ``data`` is 1 to 65,534 bytes.
    """
    body = bytes([FROM_CHIP]) + data
    if len(body) <= _SHORT_MAX:
        head = bytes([len(body), -len(body) & 0xFF])
    else:
        size = len(body).to_bytes(2, "big")
        head = b"\xff\xff" + size + bytes([-sum(size) & 0xFF])
    return b"\x00" + _START + head + body + bytes([-sum(body) & 0xFF, 0])


class Splitter:
    """Cuts what the host sends into frames. Wake-up bytes, noise and frames with a wrong checksum are passed over."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes | Signal]:
        """Yield each whole frame: a signal, or a command's code and parameters."""
        self._buffer += data
        while (start := self._buffer.find(_START)) >= 0:
            del self._buffer[:start]
            size, frame = self._first()
            if not size:
                return
            del self._buffer[:size]
            if frame is not None:
                yield frame
        del self._buffer[: -len(_START) + 1]

    def _first(self) -> tuple[int, bytes | Signal | None]:
        """Return the octets that the frame at the start takes (0: not all here) and what it says (None: nothing)."""
        head = bytes(self._buffer[2:7])
        if len(head) < 2:
            return 0, None
        if head[:2] in {signal.value for signal in Signal}:
            return 4, Signal(head[:2])
        if head[:2] == b"\xff\xff":
            if len(head) < 5:
                return 0, None
            first, size, sums = 7, int.from_bytes(head[2:4], "big"), head[2:5]
        else:
            first, size, sums = 4, head[0], head[:2]
        if sum(sums) & 0xFF or size > _COMMAND_MAX:
            return len(_START), None
        if len(self._buffer) < first + size + 1:
            return 0, None
        body = bytes(self._buffer[first : first + size + 1])
        if sum(body) & 0xFF or body[0] != TO_CHIP or size < 2:
            return len(_START), None
        return first + size + 1, body[1:-1]
