"""A serial port without hardware: the test is the register at the far end of its cable."""

import asyncio
import fcntl
import os
import struct
import termios
import tty
from pathlib import Path

from edge_agent.simulator.pty import open_pty


class Cable:
    """A pseudo-terminal behind a name that stays while the device behind it changes, as udev's names do."""

    def __init__(self, port: Path) -> None:
        self.port = port
        self._master = self._slave = -1

    def plug(self) -> None:
        """Make the port appear: a new device under the same name."""
        self._master, self._slave = open_pty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port.symlink_to(os.ttyname(self._slave))

    def unplug(self) -> None:
        """Make the port vanish, with whatever was not read from it."""
        self.port.unlink()
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1

    async def write(self, data: bytes) -> None:
        """Write all of it, at the pace of whoever reads the port."""
        loop = asyncio.get_running_loop()
        view = memoryview(data)
        while view:
            writable = asyncio.Event()
            loop.add_writer(self._master, writable.set)
            try:
                await writable.wait()
            finally:
                loop.remove_writer(self._master)
            try:
                view = view[os.write(self._master, view) :]
            except BlockingIOError:
                continue

    def unread(self) -> int:
        """Return the number of bytes that wait in the port to be read."""
        answer = fcntl.ioctl(self._slave, termios.FIONREAD, struct.pack("i", 0))
        return int(struct.unpack("i", answer)[0])

    def close(self) -> None:
        """Unplug, if it is plugged."""
        if self._master >= 0:
            self.unplug()
