"""A whole store in processes of its own: broker, head office, register, readers, radio, and the real agent between."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from edge_agent.simulator.broker import Broker, BrokerOptions
from edge_agent.simulator.bus import Bus

# What a loaded two-core machine needs to start a Python process with all of the agent's libraries, generously.
START_S = 60.0
STOP_S = 15.0  # the agent stops within 10 s (contract section 1)
LINE_BYTES = 4 * 1024 * 1024

AGENT_TOML = """\
[agent]
tenant = "demo"
store = "sh-0001"
id = "pc-1"
state_dir = "state"

[mqtt]
url = "mqtt://127.0.0.1:{port}"
keepalive = 10

[page]
listen = "127.0.0.1:0"
"""

STORE_TOML = """\
[store]
name = "人民广场店"
timezone = "Asia/Shanghai"
currency = "CNY"
business_day_start = "04:00"

[[touchpoint]]
id = "till-1"
name = "1号收银台"

[[device]]
id = "till-1-printer"
name = "1号收银小票"
kind = "serial"
touchpoint = "till-1"
port = "till-1"
baudrate = 115200
decoder = "escpos"
encoding = "gb18030"
"""

# What makes a member's visit short enough to watch.
PEOPLE_TOML = """
[[zone]]
id = "entrance"
name = "入口"

[[touchpoint]]
id = "door"
name = "大门"
zone = "entrance"

[[device]]
id = "till-1-nfc"
name = "1号读卡器"
kind = "nfc"
touchpoint = "till-1"
path = "nfc-counter:pn532"
sdm_keys_file = "sdm-keys.toml"
aids = ["F0010203040506"]

[[device]]
id = "door-ble"
name = "大门蓝牙"
kind = "ble"
touchpoint = "door"

[presence]
dwell_after = "3s"
leave_after_badge = "5s"
service_token_keys_file = "tokens.toml"
"""

AID = "F0010203040506"
SDM_KEYS = {"meta": "00112233445566778899AABBCCDDEEFF", "file": "FFEEDDCCBBAA99887766554433221100"}
BADGE_KEY = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
BADGE_SERVICE = "0000fcd2-0000-1000-8000-00805f9b34fb"
BADGE_STEP_S, BADGE_TOKEN_BYTES = 900, 8
TOKENS_TOML = f"""\
service_uuid = "fcd2"
step = "{BADGE_STEP_S}s"
token_bytes = {BADGE_TOKEN_BYTES}

[[carrier]]
id = "badge-0042"
kind = "badge"
token_key = "{BADGE_KEY}"
"""


@dataclass(slots=True)
class Part:
    """One running process of the store; ``lines`` yields the JSON objects it prints."""

    name: str
    process: Process

    @classmethod
    async def start(
        cls,
        name: str,
        *arguments: str,
        stream: str = "stdout",
        commanded: bool = False,
        env: Mapping[str, str] | None = None,
        wrapper: Sequence[str] = (),
    ) -> Self:
        """Start ``python -m arguments``. ``stream``: where its JSON lines come from, ``stdout`` or ``stderr``.

        ``commanded``: it takes orders on stdin; see ``tell``.
        ``wrapper``: a command that runs the process in other circumstances (``unshare`` …). In a session of its own:
        Ctrl-C in the terminal is for whoever started the store, who then ends it in order.
        """
        process = await asyncio.create_subprocess_exec(
            *wrapper,
            sys.executable,
            "-m",
            *arguments,
            stdin=PIPE if commanded else DEVNULL,
            stdout=PIPE if stream == "stdout" else DEVNULL,
            stderr=PIPE if stream == "stderr" else None,
            env={**os.environ, **(env or {})},
            start_new_session=True,
            limit=LINE_BYTES,
        )
        return cls(name, process)

    async def lines(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what the process prints, until it ends; lines that are not JSON objects are passed over."""
        stream = self.process.stdout or self.process.stderr
        assert stream is not None
        async for line in stream:
            try:
                document = json.loads(line)
            except ValueError:
                continue
            if isinstance(document, dict):
                yield document

    def tell(self, do: str, **command: Any) -> None:
        """Give the process an order; it answers among its lines."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **command}).encode() + b"\n")

    async def first(self, key: str, value: object) -> dict[str, Any]:
        """Wait for the line in which ``key`` is ``value``. Raises RuntimeError if the process ends without it."""
        async with asyncio.timeout(START_S):
            async for line in self.lines():
                if line.get(key) == value:
                    return line
        raise RuntimeError(f"the {self.name} ended with status {await self.process.wait()} before it was ready")

    async def stop(self) -> int:
        """Ask the process to end (SIGTERM) and return its exit status; one that does not end in time is killed."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                async with asyncio.timeout(STOP_S):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
        return await self.process.wait()

    async def kill(self) -> None:
        """End the process at once (SIGKILL): a crash."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


class VirtualStore:
    """The processes of one store in one folder; each is started and stopped by name."""

    def __init__(self, folder: Path, broker: BrokerOptions | None = None) -> None:
        """``folder`` is filled with the configuration, the state, the broker's files and head office's database."""
        self.folder = folder
        self.broker = Broker(folder / "broker", broker)
        self.database = folder / "central.db"
        self.bus = Bus(folder / "bus")
        self.port = folder / "till-1"
        self.reader = folder / "nfc-counter"
        self.config = folder / "agent.toml"

    def configure(self, agent: str = AGENT_TOML, store: str = STORE_TOML) -> None:
        """Write both configuration files; the broker must be running: its port goes into them."""
        self.config.write_text(agent.format(port=self.broker.port), "utf-8")
        (self.folder / "store.toml").write_text(store, "utf-8")
        keys = "".join(f'{name} = "{key}"\n' for name, key in SDM_KEYS.items())
        for name, secret in (("sdm-keys.toml", keys), ("tokens.toml", TOKENS_TOML)):
            file = self.folder / name
            file.touch(mode=0o600)
            file.write_text(secret, "utf-8")

    async def start_central(self, *options: str) -> Part:
        """Start head office and wait until it has subscribed."""
        central = await Part.start(
            "central service",
            "edge_agent.simulator.central",
            f"--port={self.broker.port}",
            f"--database={self.database}",
            *options,
        )
        await central.first("ready", value=True)
        return central

    async def spawn_agent(self, *, env: Mapping[str, str] | None = None, wrapper: Sequence[str] = ()) -> Part:
        """Start the agent and do not wait for it; its JSON lines are its log."""
        run = ("edge_agent", "run", f"--config={self.config}")
        env = {"DBUS_SYSTEM_BUS_ADDRESS": self.bus.address, **(env or {})}
        return await Part.start("agent", *run, stream="stderr", env=env, wrapper=wrapper)

    async def start_agent(
        self, *, env: Mapping[str, str] | None = None, wrapper: Sequence[str] = ()
    ) -> tuple[Part, str]:
        """Start the agent; return it and the page's address once it runs."""
        agent = await self.spawn_agent(env=env, wrapper=wrapper)
        listening = await agent.first("event", "page_listening")
        return agent, str(listening["url"])

    async def start_register(self, *options: str) -> Part:
        """Start a register on the store's port; it prints one JSON line a receipt."""
        register = ("edge_agent.simulator.register", f"--link={self.port}", *options)
        return await Part.start("register", *register, env={"TZ": "Asia/Shanghai"})  # it prints the shop's own time

    async def start_reader(self) -> Part:
        """Start the simulated NFC reader; it is told what lies on it."""
        reader = ("edge_agent.simulator.pn532", f"--link={self.reader}")
        part = await Part.start("NFC reader", *reader, commanded=True)
        await part.first("ready", value=True)
        return part

    async def start_bluez(self, *options: str) -> Part:
        """Start the simulated BlueZ on the store's bus, which must be running; it is told what is on the air."""
        bluez = ("edge_agent.simulator.bluez", f"--bus={self.bus.address}", *options)
        part = await Part.start("BlueZ", *bluez, commanded=True)
        await part.first("ready", value=True)
        return part
