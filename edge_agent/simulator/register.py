"""A cash register on a pseudo-terminal, a process of its own: prints receipts and says on stdout what it sold.

``python -m edge_agent.simulator.register --link PATH`` makes a port and PATH a symbolic link to it. One JSON line
follows each receipt once the port has taken its last byte: ``{"order_no", "payable", "kind", "tenders"}``, money in
cents. The port stays until SIGTERM, which lets the receipt in hand be finished. SIGUSR1 pulls the cable between two
receipts, SIGUSR2 puts it back: another port behind the same link.
"""

import argparse
import asyncio
import fcntl
import itertools
import json
import os
import random
import signal
import struct
import termios
import tty
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from edge_agent.clock import Clock
from edge_agent.simulator.pty import open_pty
from edge_agent.simulator.receipts import GOODS, STYLES, Sale, encode, ring_up

TICK_S = 0.02
# What was written reaches the reader's side through a kernel work queue, 4 KB at a time: a port is empty that was
# found so this often, a tick apart. Looks, not seconds: a busy machine may leave it one look in a tenth of a second.
EMPTY_LOOKS = 5
PULL_AFTER_S = 5.0  # a cable is pulled in the end even if nobody reads the port
UNPLUGGED_S = 0.5


class Port:
    """The register's end of a serial cable."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self._master = self._slave = -1
        self.plugged = asyncio.Event()

    def plug(self) -> None:
        """Make a port and have the link name it."""
        if self.plugged.is_set():
            return
        self._master, self._slave = open_pty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        fresh = self._link.with_name(self._link.name + ".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self._link)
        self.plugged.set()

    async def unplug(self) -> None:
        """Close the port once what was written has been read."""
        if not self.plugged.is_set():
            return
        self.plugged.clear()
        await self._settle()
        self._link.unlink(missing_ok=True)
        os.close(self._slave)
        os.close(self._master)

    async def write(self, data: bytes) -> None:
        """Write all of it; waits while the port is full, as a register does while its printer is off line."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._master, view) :]
            except BlockingIOError:
                await asyncio.sleep(TICK_S)

    async def _settle(self) -> None:
        give_up = asyncio.get_running_loop().time() + PULL_AFTER_S
        empty = 0
        while empty < EMPTY_LOOKS and asyncio.get_running_loop().time() < give_up:
            await asyncio.sleep(TICK_S)
            unread: int = struct.unpack("i", fcntl.ioctl(self._slave, termios.FIONREAD, bytes(4)))[0]
            empty = 0 if unread else empty + 1


class Register:
    """Rings up and prints, ``count`` times or for ever."""

    def __init__(self, port: Port, options: argparse.Namespace) -> None:
        self.printing = asyncio.Lock()  # held from a receipt's first byte until it has been told
        self._port = port
        self._options = options
        self._rng = random.Random(options.seed)  # noqa: S311 - a shop, not a secret
        self._clock = Clock()
        self._day = f"{self._now():%Y%m%d}"

    async def run(self) -> None:
        """Print; the port stays plugged in afterwards."""
        first, count, replug = self._options.first, self._options.count, self._options.replug
        for done in itertools.count(1):
            await self._port.plugged.wait()
            async with self.printing:
                sale = self._sell(first + done - 1)
                await self._print(encode(sale))
                _tell(sale)
            if replug and done % replug == 0:
                await self.unplug()
                await asyncio.sleep(UNPLUGGED_S)
                self._port.plug()
            if done == count:
                return
            await asyncio.sleep(self._options.interval)

    async def unplug(self) -> None:
        """Pull the cable between two receipts."""
        async with self.printing:
            await self._port.unplug()

    async def stop(self) -> None:
        """Wait for the receipt in hand, as long as somebody reads it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PULL_AFTER_S):
                await self.printing.acquire()

    def _sell(self, number: int) -> Sale:
        style = self._options.style
        style = self._rng.choice(tuple(GOODS)) if style == "mixed" else style
        return ring_up(self._rng, style, f"{self._day}{number:06}", self._now())

    async def _print(self, data: bytes) -> None:
        """Write at the pace of the line: ten bits a byte."""
        rate = self._options.baudrate / 10
        step = max(1, int(rate * TICK_S)) if rate else len(data)
        for start in range(0, len(data), step):
            await self._port.write(data[start : start + step])
            if rate:
                await asyncio.sleep(step / rate)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now().wall_ms / 1000, UTC).astimezone()


def _tell(sale: Sale) -> None:
    tenders = [{"type": tender.type, "label": tender.label, "amount": tender.amount} for tender in sale.tenders]
    truth = {"order_no": sale.order_no, "payable": sale.payable, "kind": sale.kind, "tenders": tenders}
    print(json.dumps(truth, ensure_ascii=False), flush=True)


async def _main(options: argparse.Namespace) -> None:
    port = Port(options.link)
    register = Register(port, options)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        port.plug()
        async with asyncio.TaskGroup() as tasks:
            loop.add_signal_handler(signal.SIGTERM, stopping.set)
            loop.add_signal_handler(signal.SIGINT, stopping.set)
            loop.add_signal_handler(signal.SIGUSR1, lambda: tasks.create_task(register.unplug()))
            loop.add_signal_handler(signal.SIGUSR2, port.plug)
            running = tasks.create_task(register.run())
            await stopping.wait()
            await register.stop()
            running.cancel()
    finally:
        await port.unplug()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m edge_agent.simulator.register", description=__doc__)
    parser.add_argument("--link", type=Path, required=True, help="the name of the port to make")
    parser.add_argument("--count", type=int, default=0, help="receipts to print; 0: until stopped")
    parser.add_argument("--interval", type=float, default=2.0, help="seconds between two receipts")
    parser.add_argument("--seed", type=int, default=1, help="the same seed sells the same goods")
    parser.add_argument("--first", type=int, default=1, help="the first receipt's number of the day")
    parser.add_argument("--style", choices=STYLES, default="zh-retail", help="the layout of the receipts")
    parser.add_argument("--baudrate", type=int, default=0, help="write at the pace of this line; 0: at once")
    parser.add_argument("--replug", type=int, default=0, metavar="N", help="pull the cable after every N receipts")
    asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
