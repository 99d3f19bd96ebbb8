"""One relay a device, and what the next one must know of this one if it is killed."""

import fcntl
import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import structlog

from edge_agent.relay.messages import Bind

log = structlog.get_logger()

# Bytes read from the register; the agent's last Bind, offset and position, and whether there is one; CRC32 of all that.
_ENTRY = struct.Struct("<QQQ?")
_CRC = 4


class TakenError(Exception):
    """Another process relays this device."""


class Ledger:
    """A locked file with the count of bytes read: what a killed relay took with it is known to the byte.

    Not flushed: the page cache outlives a dead process. Where there is no room for it the relay goes on without.
    """

    def __init__(self, path: Path, inherited: int | None = None) -> None:
        """``inherited``: its descriptor, locked. Raises TakenError while another process holds it."""
        self.read = 0
        self.bound: Bind | None = None
        self._path = path
        self._descriptor = -1
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600) if inherited is None else inherited
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._parse(os.pread(self._descriptor, _ENTRY.size + _CRC, 0))
        except BlockingIOError:
            os.close(self._descriptor)
            raise TakenError(str(path)) from None
        except OSError as error:
            log.warning("relay_ledger_unusable", path=str(path), error=error.strerror)

    def count(self, read: int) -> None:
        """Note how many bytes have been read."""
        self.read = read
        self._write()

    def bind(self, bound: Bind) -> None:
        """Note what the agent said."""
        self.bound = bound
        self._write()

    @property
    def is_found(self) -> bool:
        """Whether the file is still where others look for it; without one there is nothing to find."""
        if self._descriptor < 0:
            return True
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def kept_locked(self) -> int | None:
        """Return its descriptor, which an exec leaves open and locked: nobody comes in between. None: it is not found.

        Without it another relay might start while this one begins again, which would end with all that it holds.
        """
        if self._descriptor < 0 or not self.is_found:
            return None
        os.set_inheritable(self._descriptor, True)
        return self._descriptor

    def close(self) -> None:
        """Let another relay take it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self) -> None:
        if self._descriptor < 0:
            return
        bound = self.bound or Bind(0, 0)
        entry = _ENTRY.pack(self.read, bound.offset, bound.position, self.bound is not None)
        try:
            os.pwrite(self._descriptor, entry + zlib.crc32(entry).to_bytes(_CRC, "little"), 0)
        except OSError as error:
            log.warning("relay_ledger_unusable", error=error.strerror)
            with suppress(OSError):  # an entry that has fallen behind would have the next relay lie
                os.ftruncate(self._descriptor, 0)

    def _parse(self, data: bytes) -> None:
        entry, crc = data[: _ENTRY.size], data[_ENTRY.size :]
        if len(crc) == _CRC and zlib.crc32(entry).to_bytes(_CRC, "little") == crc:
            self.read, offset, position, is_bound = _ENTRY.unpack(entry)
            self.bound = Bind(offset, position) if is_bound else None
