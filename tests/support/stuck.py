"""A folder in which whatever is opened hangs, in the kernel, as behind a driver whose hardware is dead."""

import ctypes
import os
from pathlib import Path

import pytest

_LAZILY = 2  # MNT_DETACH (linux/mount.h)


class StuckFolder:
    """A FUSE file system whose server never answers: open(2) waits, O_NONBLOCK or not."""

    def __init__(self, folder: Path) -> None:
        """Mount it; skips visibly where that cannot be."""
        folder.mkdir()
        self._folder = os.fsencode(folder)
        self._libc = ctypes.CDLL(None, use_errno=True)
        try:
            self._server = os.open("/dev/fuse", os.O_RDWR)
        except OSError as error:
            pytest.skip(f"/dev/fuse: {error.strerror}")
        options = b"fd=%d,rootmode=40000,user_id=%d,group_id=%d" % (self._server, os.getuid(), os.getgid())
        if self._libc.mount(b"stuck", self._folder, b"fuse", 0, options):
            os.close(self._server)
            pytest.skip(f"cannot mount here: {os.strerror(ctypes.get_errno())}")

    def release(self) -> None:
        """Have every call that waits fail, and leave an ordinary folder."""
        if self._server >= 0:
            os.close(self._server)
            self._server = -1
            assert self._libc.umount2(self._folder, _LAZILY) == 0
