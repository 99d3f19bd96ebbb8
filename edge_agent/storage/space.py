"""How much room there is, and the reserve that is given up when there is none."""

import os
from contextlib import suppress
from pathlib import Path

import structlog

PAGE_BYTES = 4096

# The write-ahead log: 4 MiB (SQLite's default of 1000 pages), on small file systems a 64th of them, at least 256 KiB.
_WAL_PAGES = (64, 1000)
_WAL_SHARE = 64
# 200 orders (contract section 4), each in a commit of its own, 10 KiB each with the state they imply: a long receipt of
# 60 lines packs to some 2 KB, a new leaf and a state page are 8 KB.
_RESERVE_ORDERS_BYTES = 200 * 10 * 1024

_log = structlog.get_logger()


class Space:
    """The file system under the state directory. Used in the connection's thread only, once the storage is open."""

    def __init__(self, state_dir: Path) -> None:
        self._directory = state_dir
        self._reserve = state_dir / "reserve"
        status = os.statvfs(state_dir)
        self._free = 0  # as of the last time it could be asked
        self.total_bytes = status.f_blocks * status.f_frsize
        low, high = _WAL_PAGES
        self.wal_pages = max(low, min(high, self.total_bytes // _WAL_SHARE // PAGE_BYTES))
        wal_bytes = self.wal_pages * PAGE_BYTES
        self.reserve_bytes = _RESERVE_ORDERS_BYTES + wal_bytes
        # The log may grow to twice its limit before a checkpoint empties it; the files beside the database grow too.
        self.low_water = 2 * wal_bytes + 64 * PAGE_BYTES
        self.refused = False  # there was room for the reserve, and yet it could not be made
        self.reserved = self.has_reserve()  # as of the last time it was given up or taken: asked with every commit

    def free(self) -> int:
        """Return the bytes this user may still write to the file system; what it was while the directory is gone."""
        with suppress(OSError):
            status = os.statvfs(self._directory)
            self._free = status.f_bavail * status.f_frsize
        return self._free

    def holds(self, folder: Path) -> bool:
        """Tell whether ``folder`` lies directly in the state directory: what the reserve gives back is room for it."""
        return folder.parent == self._directory

    def has_reserve(self) -> bool:
        """Tell whether the reserve is there, whole."""
        try:
            return self._reserve.stat().st_size >= self.reserve_bytes
        except OSError:
            return False

    def release_reserve(self) -> bool:
        """Give the reserve back to the file system. Returns whether there was one."""
        self.reserved = self.refused = False
        try:
            self._reserve.unlink()
        except OSError:
            return False
        _log.warning("storage_reserve_released", bytes=self.reserve_bytes, free=self.free())
        return True

    def restore_reserve(self) -> bool:
        """Allocate the reserve again where that leaves room enough. Returns whether it is there now."""
        self.reserved = self.has_reserve() or self._allocate()
        return self.reserved

    def _allocate(self) -> bool:
        if self.free() < self.reserve_bytes + 2 * self.low_water:
            return False
        self.refused = False
        try:
            descriptor = os.open(self._reserve, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self.reserve_bytes)
            finally:
                os.close(descriptor)
        except OSError as error:
            with suppress(OSError):  # something else in its place: no reserve, and no reason not to read the tills
                self._reserve.unlink()
            self.refused = True
            _log.warning("storage_reserve_failed", error=str(error))
            return False
        return True
