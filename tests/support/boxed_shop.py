"""A shop whose agent came from the package and runs under systemd, in a booted machine; the rest runs beside it.

Broker, head office and register are this tree's own, in the machine's network, which reaches nobody else.
"""

import asyncio
import json
import random
import shutil
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from edge_agent.simulator import central_reading
from tests.support.machine import Machine
from tests.support.package import ROOT
from tests.support.till import Till

PATIENCE_S = 60.0
INSTALL_S = 180.0  # up to a minute of it is the gate's own patience
TILL_PORT = 9100

AGENT_TOML = """\
[agent]
tenant = "acme"
store = "sh-0001"
id = "pc-1"
state_dir = "/var/lib/edge-agent"
store_config = "store.toml"

[mqtt]
url = "mqtt://127.0.0.1:1883"
username = "sh-0001"
password_file = "password"

[page]
listen = "127.0.0.1:8080"
"""

STORE_TOML = f"""\
[store]
name = "人民广场店"
timezone = "Asia/Shanghai"
currency = "CNY"

[[touchpoint]]
id = "till-1"

[[device]]
id = "till-1-printer"
kind = "tcp-listen"
touchpoint = "till-1"
listen = "127.0.0.1:{TILL_PORT}"
decoder = "escpos"
encoding = "gb18030"
"""

SEND = """\
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10) as line:
    line.sendall(sys.stdin.buffer.read())
"""


class BoxedShop:
    """What happens in and around the machine; ``books``: order number to payable, as the register counted."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine = machine
        self.database = folder / "central.db"
        self.books: dict[str, int] = {}
        self._till = Till(self.books, random.Random(7))

    async def install(self, deb: Path) -> tuple[bool, str]:
        """Run ``dpkg -i``. Returns whether that went well, and what was printed."""
        shutil.copy(deb, self.machine.root / "var/tmp")
        try:
            return True, await self.machine.run("dpkg", "--install", f"/var/tmp/{deb.name}", seconds=INSTALL_S)
        except subprocess.CalledProcessError as error:
            return False, f"{error.cmd} {error.output or ''}"
        finally:
            (self.machine.root / "var/tmp" / deb.name).unlink()

    async def configure(self) -> None:
        """Write what an installer edits: in a folder of the service's group, and the password for nobody else."""
        folder = self.machine.root / "etc/edge-agent"
        for name, text, mode in (
            ("agent.toml", AGENT_TOML, 0o644),
            ("store.toml", STORE_TOML, 0o644),
            ("password", "secret\n", 0o640),
        ):
            (folder / name).touch(mode)
            (folder / name).write_text(text, "utf-8")

    async def sell(self, count: int = 1) -> None:
        """Have the register print to the agent, which listens as a printer does."""
        await self._until(self._listens)
        for _ in range(count):
            command = [*self.machine.in_network(), sys.executable, "-c", SEND, str(TILL_PORT)]
            process = await asyncio.create_subprocess_exec(*command, stdin=PIPE)
            await process.communicate(self._till.ring())
            assert process.returncode == 0

    async def until_equal(self) -> None:
        """Wait until head office holds exactly what the register counted."""

        async def equal() -> bool:
            return self.held() == self.books

        await self._until(equal)

    def held(self) -> dict[str | None, int | None]:
        """Return what head office holds."""
        return {order.order_no: order.payable for order in central_reading.orders(self.database).values()}

    async def status(self) -> dict[str, Any]:
        """Return what the daemon says of itself."""
        document: dict[str, Any] = json.loads(await self.machine.run("edge-agent", "status", "--json", check=False))
        return document

    async def _listens(self) -> bool:
        return bool(await self.machine.run("ss", "-Htln", f"sport = :{TILL_PORT}"))

    async def _until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not await condition():
                    await asyncio.sleep(0.1)
        except TimeoutError:
            journal = await self.machine.journal("edge-agent")
            raise AssertionError(f"{self.held()} held for {self.books}; {journal[-3000:]}") from None


@asynccontextmanager
async def boxed_shop(machine: Machine, folder: Path) -> AsyncIterator[BoxedShop]:
    """Start broker and head office in the machine's network."""
    folder.mkdir()
    config = folder / "mosquitto.conf"
    config.write_text("listener 1883 127.0.0.1\nallow_anonymous true\n", "ascii")
    network = machine.in_network()
    broker = await asyncio.create_subprocess_exec(*network, "mosquitto", "-c", config, stdout=DEVNULL, stderr=DEVNULL)
    program = (sys.executable, "-m", "edge_agent.simulator.central")
    options = ("--port=1883", "--quiet", f"--database={folder / 'central.db'}")
    central = await asyncio.create_subprocess_exec(*network, *program, *options, stdout=PIPE, cwd=ROOT)
    try:
        assert central.stdout is not None
        assert json.loads(await central.stdout.readline())["ready"]
        yield BoxedShop(machine, folder)
    finally:
        for process in (central, broker):
            process.kill()
            await process.wait()
