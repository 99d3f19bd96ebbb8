"""A simulated BlueZ on a private D-Bus for one test.

bleak keeps one connection for each event loop and makes it at the first use, from DBUS_SYSTEM_BUS_ADDRESS. Every test
has a loop of its own, so it is enough that the variable is set before the first scanner of the test: ``bluez`` does.
"""

import asyncio
import contextlib
import itertools
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.simulator.bus import Bus, find_dbus_daemon

START_S = 60.0  # what a busy machine needs to start a Python process, generously
ANSWER_S = 60.0
_ADDRESS = "DBUS_SYSTEM_BUS_ADDRESS"


def needs_dbus() -> None:
    """Skip the test where dbus-daemon is missing."""
    try:
        find_dbus_daemon()
    except FileNotFoundError as error:
        pytest.skip(str(error))


class SimulatedBluez:
    """The bus and the process that owns org.bluez on it."""

    def __init__(self, bus: Bus, *options: str) -> None:
        self.bus = bus
        self._options = options
        self._process: Process | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def address(self) -> str:
        """What DBUS_SYSTEM_BUS_ADDRESS is while this lives."""
        return self.bus.address

    async def do(self, **command: Any) -> dict[str, Any]:
        """Send ``{"do": …}`` and return its answer; AssertionError if it failed, EOFError if the process ended."""
        assert self._process is not None
        assert self._process.stdin is not None
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({**command, "id": number}).encode() + b"\n")
        async with asyncio.timeout(ANSWER_S):
            answered: dict[str, Any] = await answer
        assert "did" in answered, answered
        return answered

    async def kill(self) -> None:
        """End the process at once, as bluetoothd killed."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self.ended()

    async def ended(self) -> int:
        """Wait until the process has ended by itself (``die``, the bus gone); return its status."""
        assert self._process is not None
        status = await self._process.wait()
        if self._reading is not None:
            await asyncio.wait({self._reading})
        return status

    def hang_up(self) -> None:
        """Close the process's stdin: whoever commanded it is gone."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()

    def terminate(self) -> None:
        """Ask the process to end (SIGTERM)."""
        assert self._process is not None
        self._process.terminate()

    async def start(self) -> None:
        """Start the process; returns when it owns org.bluez."""
        assert self._tasks is not None
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "edge_agent.simulator.bluez", f"--bus={self.address}", *self._options),
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(START_S):
            assert json.loads(await self._process.stdout.readline()) == {"ready": True}
        self._reading = self._tasks.create_task(self._read(self._process.stdout))

    async def restart(self) -> None:
        """Kill and start: every adapter is as at the beginning, beacons and faults are gone."""
        await self.kill()
        await self.start()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["SimulatedBluez"]:
        async with asyncio.TaskGroup() as self._tasks:
            try:
                await self.start()
                yield self
            finally:
                await self.kill()

    async def _read(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            answer = json.loads(line)
            waiting = self._waiting.pop(answer["id"], None)  # those of --do were not asked for here
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(EOFError("the simulated BlueZ ended"))
        self._waiting.clear()


@contextlib.asynccontextmanager
async def bluez(folder: Path, *options: str) -> AsyncIterator[SimulatedBluez]:
    """Run a bus and a BlueZ in ``folder``; DBUS_SYSTEM_BUS_ADDRESS points at it. ``options``: of the command."""
    needs_dbus()
    before = os.environ.get(_ADDRESS)
    with Bus(folder) as bus:
        os.environ[_ADDRESS] = bus.address
        try:
            async with SimulatedBluez(bus, *options).running() as simulated:
                yield simulated
        finally:
            os.environ.pop(_ADDRESS)
            if before is not None:
                os.environ[_ADDRESS] = before
