"""The reader's end of its cable: a pseudo-terminal behind a link whose name stays."""

import asyncio
import os
import termios
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from edge_agent.simulator.pty import open_pty

READ_BYTES = 4096
_OUTPUT_SPEED = 5  # in what tcgetattr returns
SPEEDS = {getattr(termios, name): int(name[1:]) for name in dir(termios) if name[:1] == "B" and name[1:].isdigit()}


class Port:
    """One port at a time; ``received`` is called with what the host wrote, from the running loop."""

    def __init__(self, link: Path, received: Callable[[bytes], None]) -> None:
        self._link = link
        self._received = received
        self._master = self._slave = -1

    @property
    def plugged(self) -> bool:
        """Return whether there is a port."""
        return self._master >= 0

    @property
    def speed(self) -> int:
        """Return the baud rate the host has set."""
        return SPEEDS.get(termios.tcgetattr(self._slave)[_OUTPUT_SPEED], 0)

    def plug(self) -> None:
        """Make a port and have the link name it."""
        if self.plugged:
            return
        self._master, self._slave = open_pty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._read)
        fresh = self._link.with_name(self._link.name + ".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self._link)

    def unplug(self) -> None:
        """Pull the cable: the port is gone, with whatever was not read from it."""
        if not self.plugged:
            return
        self._link.unlink(missing_ok=True)
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1

    def send(self, data: bytes) -> None:
        """Write; what a host that does not read leaves no room for is lost, as on a UART without flow control."""
        if self.plugged:
            with suppress(BlockingIOError):
                os.write(self._master, data)

    def _read(self) -> None:
        self._received(os.read(self._master, READ_BYTES))
