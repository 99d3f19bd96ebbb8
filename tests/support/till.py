"""A cash register in the test's own hands: what it sells is in the books, its bytes go where the test wants them."""

import asyncio
import fcntl
import os
import random
import struct
import termios
import tty
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from edge_agent.clock import Clock
from edge_agent.simulator.pty import open_pty
from edge_agent.simulator.receipts import GOODS, encode, ring_up

Style = Literal["zh-retail", "zh-restaurant", "en-retail"]


class Till:
    """Rings up receipts; ``books`` is order number to payable, as a store's accountant would keep them."""

    def __init__(self, books: dict[str, int], rng: random.Random, now: datetime | None = None) -> None:
        self._books = books
        self._rng = rng
        self._now = now or datetime.fromtimestamp(Clock().now().wall_ms / 1000, UTC).astimezone()
        self._rung = 0

    def ring(self, style: Style | None = None) -> bytes:
        """Sell something; return the receipt's bytes."""
        self._rung += 1
        number = f"{self._now:%Y%m%d}{len(self._books) + 1:06}"
        sale = ring_up(self._rng, style or self._rng.choice(tuple(GOODS)), number, self._now)
        assert sale.order_no not in self._books
        self._books[sale.order_no] = sale.payable
        return encode(sale)


class Terminal:
    """A pseudo-terminal as other people's test harnesses make them: with its slave kept open, or not."""

    def __init__(self, link: Path, *, keeps_slave: bool = True) -> None:
        self._link = link
        self._keeps = keeps_slave
        self._master = self._slave = -1

    def plug(self, link: Path | None = None) -> None:
        """Make it appear under its name, or under another from now on."""
        self._link = link or self._link
        self._master, self._slave = open_pty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._link.symlink_to(os.ttyname(self._slave))
        if not self._keeps:
            os.close(self._slave)

    def unplug(self) -> None:
        """Make it vanish with whatever was not read."""
        self._link.unlink()
        os.close(self._master)
        if self._keeps:
            os.close(self._slave)
        self._master = -1

    async def write(self, data: bytes) -> None:
        """Write all of it, at the pace of whoever reads."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._master, view) :]
            except BlockingIOError:
                await asyncio.sleep(0.005)

    async def drained(self) -> None:
        """Wait until all that was written has been read; the slave must be kept open."""
        quiet = 0
        while quiet < 3:  # what was written reaches the reader's side through a kernel work queue
            await asyncio.sleep(0.01)
            unread: int = struct.unpack("i", fcntl.ioctl(self._slave, termios.FIONREAD, bytes(4)))[0]
            quiet = 0 if unread else quiet + 1

    def baudrate(self) -> int:
        """Return the speed the agent has set the port to."""
        speed = termios.tcgetattr(self._slave)[4]
        return next(int(name[1:]) for name in dir(termios) if name[1:].isdigit() and getattr(termios, name) == speed)

    def close(self) -> None:
        """Unplug, if it is plugged."""
        if self._master >= 0:
            self.unplug()
