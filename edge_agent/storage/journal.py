"""The bytes of a line that are read and not yet recorded: a killed process loses nothing it has read."""

import errno
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import structlog

# Header: the absolute offset of the first byte behind it, then the CRC32 of that offset (zeros are not a header).
_OFFSET = struct.Struct(">Q")
_HEADER_BYTES = _OFFSET.size + 4
# A consumed head is cut off while the tail is this short: what lies here is not redacted, and most tails are the few
# bytes behind a receipt's cut. With a longer tail, of a receipt under way, it stays until it has this length.
_SHORT_TAIL_BYTES = 4 * 1024
_REWRITE_BYTES = 64 * 1024
# In memory, of what a full disk has not taken: what a line reads ahead (``devices.line.ROOM``) and a receipt under way.
_BEYOND_BYTES = 256 * 1024

_log = structlog.get_logger()


class Journal:
    """A file of one line's unrecorded bytes. Offsets are absolute: bytes since the line was first read.

    Not flushed: the page cache outlives a dead process, and a power cut takes the register's own unsent bytes too. The
    consumed offset is a durable fact (part ``line``) that the caller commits with the events: exactly once.
    On a full disk it asks for room once; without, it goes on in memory until all is consumed: that outlives a
    generation, not the process.
    """

    def __init__(self, path: Path, make_room: Callable[[], bool] = lambda: False) -> None:
        """``make_room`` frees some of a full disk and returns whether it did."""
        self._path = path
        self._make_room = make_room
        self._descriptor: int | None = None
        self._base = 0  # offset of the file's first byte of data
        self._size = 0  # bytes of data in the file
        self._end = 0  # offset of the next byte that will be read from the line
        self._failing = False
        self._beyond = bytearray()  # what was read last, as far as it is not in the file

    @property
    def end(self) -> int:
        """The absolute offset of the next byte."""
        return self._end

    def start(self, consumed: int) -> bytes:
        """Open; return the bytes behind ``consumed``, to be read again. A file that does not fit is emptied."""
        beyond = (self._base + self._size, bytes(self._beyond))
        tail = self._open_at(consumed)
        self._beyond.clear()
        begin = self._end - beyond[0]
        if 0 <= begin < len(beyond[1]):
            self._beyond += beyond[1][begin:]
            self._end += len(self._beyond)
        return tail + self._beyond

    def _open_at(self, consumed: int) -> bytes:
        self.close()
        self._base = self._end = consumed
        self._size = 0
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._opened()
            content = self._path.read_bytes()
        except OSError as error:
            self._failed(error)
            return b""
        kept = _parse(content)
        if kept is None or not kept[0] <= consumed < kept[0] + len(kept[1]):
            if kept is not None and kept[0] > consumed:
                _log.warning("journal_stale", journal=self._path.name, base=kept[0], consumed=consumed)
            self._truncate()
            return b""
        self._base, data = kept
        self._size = len(data)
        self._end = self._base + self._size
        return data[consumed - self._base :]

    def append(self, data: bytes) -> None:
        """Keep bytes that were just read from the line; one write, so that a kill leaves all or nothing."""
        at, self._end = self._end, self._end + len(data)
        if self._size == 0 and not self._beyond:
            self._base = at
        elif self._base + self._size != at:
            self._remember(data, at)  # a write failed before: what is in the file must stay without a hole
            return
        header = b"" if self._size else _header(at)
        try:
            written = self._write(header + data)
            self._size += max(0, written - len(header))
            if self._size == 0:
                self._truncate()  # not even the header is whole
        except OSError as error:
            self._remember(data, at)
            self._failed(error)
            return
        if written == len(header) + len(data):
            self._failing = False
        else:
            kept = max(0, written - len(header))
            self._remember(data[kept:], at + kept)
            self._failed(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def consumed(self, upto: int) -> None:
        """Forget the bytes before the absolute offset ``upto``: they are recorded."""
        if upto >= self._base + self._size:
            del self._beyond[: upto - self._base - self._size]
            if self._size:
                self._truncate()
            self._base = max(upto, self._base)
        elif upto > self._base and (
            upto - self._base > _REWRITE_BYTES or self._base + self._size - upto <= _SHORT_TAIL_BYTES
        ):
            self._rewrite(upto)

    def close(self) -> None:
        """Close the file; what is in it stays."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _remember(self, data: bytes, at: int) -> None:
        if at == self._base + self._size + len(self._beyond):
            self._beyond += data[: _BEYOND_BYTES - len(self._beyond)]

    def _write(self, data: bytes) -> int:
        written = 0
        try:
            written = os.write(self._opened(), data)
        except OSError as error:
            if error.errno != errno.ENOSPC or not self._make_room():
                raise
        else:
            if written == len(data) or not self._make_room():
                return written
        return written + os.write(self._opened(), data[written:])

    def _opened(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return self._descriptor

    def _truncate(self) -> None:
        self._size = 0
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)

    def _rewrite(self, upto: int) -> None:
        temporary = self._path.with_suffix(".new")
        try:
            tail = self._path.read_bytes()[_HEADER_BYTES + upto - self._base :]
            temporary.write_bytes(_header(upto) + tail)
            temporary.chmod(0o600)
            temporary.rename(self._path)
            self.close()
            self._opened()
        except OSError as error:
            self._failed(error)
            return
        self._base, self._size = upto, len(tail)

    def _failed(self, error: OSError) -> None:
        if not self._failing:
            _log.warning("journal_not_written", journal=self._path.name, error=str(error))
        self._failing = True


def _header(base: int) -> bytes:
    offset = _OFFSET.pack(base)
    return offset + zlib.crc32(offset).to_bytes(4, "big")


def _parse(content: bytes) -> tuple[int, bytes] | None:
    if len(content) <= _HEADER_BYTES:
        return None
    (base,) = _OFFSET.unpack_from(content)
    return (base, content[_HEADER_BYTES:]) if content.startswith(_header(base)) else None
