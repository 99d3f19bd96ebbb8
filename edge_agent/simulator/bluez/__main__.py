"""Run the simulated BlueZ: ``python -m edge_agent.simulator.bluez --bus ADDRESS``.

Prints ``{"ready": true}`` once it owns org.bluez, does the commands of ``--do``, then answers those on stdin (see
``control``). It ends when stdin, a pipe, is closed, on SIGTERM, and, as bluetoothd does, when the bus goes.
"""

import argparse
import asyncio
import os
import signal
import stat
import sys

from edge_agent.simulator.bluez.control import Control, say
from edge_agent.simulator.bluez.daemon import EXPIRY_S, Bluez

_LINE_BYTES = 1024 * 1024


async def _run(options: argparse.Namespace) -> None:
    bluez = Bluez(options.expiry)
    await bluez.connect(options.bus, options.adapters.split(","))
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with asyncio.TaskGroup() as tasks:
        endings = {tasks.create_task(ending) for ending in (_control(bluez, options.do), bluez.serve(), _wait(stopped))}
        say({"ready": True})
        await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
        for task in endings:
            task.cancel()


async def _control(bluez: Bluez, first: list[str]) -> None:
    async with asyncio.TaskGroup() as tasks:
        control = Control(bluez, tasks)
        for line in first:
            control.take(line)
        if stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
            await control.serve(await _stdin())
        else:
            await asyncio.Event().wait()  # nobody commands: /dev/null, a service without a terminal
        control.hush({})


async def _stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=_LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m edge_agent.simulator.bluez", description=__doc__)
    parser.add_argument("--bus", required=True, metavar="ADDRESS", help="the D-Bus address to own org.bluez on")
    parser.add_argument("--adapters", default="hci0", help="the adapters to begin with, hci0,hci1,…; may be empty")
    parser.add_argument("--expiry", type=float, default=EXPIRY_S, help="seconds until an unheard device is forgotten")
    parser.add_argument("--do", action="append", default=[], metavar="JSON", help="a command to begin with")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
