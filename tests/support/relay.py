"""What stands around a relay in tests: its process, a printer on a cable or on the network, and the agent's side."""

import asyncio
import contextlib
import os
import signal
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

from edge_agent.clock import Clock
from edge_agent.config.devices import SerialSettings, line_model
from edge_agent.devices import create
from edge_agent.devices.line import Start
from edge_agent.devices.relay_start import Relays, relay_settings, socket_of
from edge_agent.devices.relayed import RelayedDevice
from edge_agent.sockets import short_path
from tests.support.devices import LineDecoder, MemoryJournal, Recorder, States, Watched
from tests.support.pty import Cable


class CablePrinter(Watched):
    """A printer at the far end of a cable: takes everything, and says what it is told to say."""

    def __init__(self, port: Path) -> None:
        super().__init__()
        self.cable = Cable(port)
        self.printed = bytearray()

    def plug(self) -> None:
        self.cable.plug()
        self.take()

    def take(self) -> None:
        """Print what comes."""
        asyncio.get_running_loop().add_reader(self.cable._master, self._read)

    def hold(self) -> None:
        """Be busy: what comes stays in the cable."""
        asyncio.get_running_loop().remove_reader(self.cable._master)

    def unplug(self) -> None:
        self.hold()
        self.cable.unplug()

    def close(self) -> None:
        if self.cable._master >= 0:
            self.unplug()

    def _read(self) -> None:
        self.printed += os.read(self.cable._master, 65536)
        self.changed()


class TcpPrinter(Watched):
    """A printer on the network; its address stays while it is away."""

    def __init__(self) -> None:
        super().__init__()
        self.printed = bytearray()
        self.port = 0
        self._server: asyncio.Server | None = None
        self.connection: asyncio.StreamWriter | None = None

    async def switch_on(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def switch_off(self) -> None:
        """Go without a word: the next byte is answered by a reset."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self.connection is not None and not self.connection.is_closing():
            linger = struct.pack("ii", 1, 0)
            self.connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.transport.abort()
        self.connection = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection = writer
        self.changed()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                self.printed += data
                self.changed()
        writer.close()


class Passing:
    """A till with a printer behind it, and the agent's device for it."""

    def __init__(self, folder: Path, passthrough: str | None = None, **line: object) -> None:
        self.folder = folder
        self.register = Cable(folder / "till")
        self.printer = CablePrinter(folder / "printer")
        self.relays = Relays.of(folder / "state", folder / "agent.toml")
        self.settings = self.changed(passthrough=passthrough or str(folder / "printer"), **line)
        self.journal = MemoryJournal()
        self.emit = Recorder()
        self.states = States()

    def changed(self, **line: object) -> SerialSettings:
        table = {"id": "till-1", "touchpoint": "till-1", "kind": "serial", "port": str(self.folder / "till")}
        keys = table | {"decoder": "lines", "idle_end": "30s"} | line
        if keys["decoder"] == "lines":  # the decoder of these tests, which adds no keys
            return SerialSettings.model_validate(keys)
        settings = line_model("serial", str(keys["decoder"])).model_validate(keys)
        assert isinstance(settings, SerialSettings)
        return settings

    def device(self, settings: SerialSettings | None = None) -> RelayedDevice:
        """Return the device of an agent that has just started: its journal is what is left of the one before."""
        positions = self.emit.positions
        consumed = positions[-1].consumed if positions else 0
        start = Start(consumed, positions[-1].modes if positions else b"", bytes(self.journal.kept))
        created = create(
            settings or self.settings,
            lambda _: LineDecoder(),
            clock=Clock(),
            report=self.states,
            keep=lambda _: (self.journal, start),
            relays=self.relays,
        )
        return cast("RelayedDevice", created)

    def write_config(self) -> Path:
        """Write the two files with which a relay is started by hand."""
        agent = f'[agent]\ntenant = "acme"\nstore = "s"\nid = "pc-1"\nstate_dir = "{self.folder / "state"}"\n'
        (self.folder / "agent.toml").write_text(agent + '[mqtt]\nurl = "mqtt://127.0.0.1:1"\n')
        device = self.settings.model_dump(
            mode="json", include={"id", "kind", "port", "passthrough", "decoder", "baudrate"}
        )
        lines = "".join(f"{key} = {value!r}\n" for key, value in device.items())
        head = '[store]\nname = "s"\ntimezone = "UTC"\ncurrency = "CNY"\n[[touchpoint]]\nid = "till-1"\n'
        (self.folder / "store.toml").write_text(f'{head}[[device]]\ntouchpoint = "till-1"\n{lines}')
        return self.folder / "agent.toml"

    def start(self) -> None:
        """Start the relay as the agent does."""
        self.relays.start(relay_settings(self.settings))

    def pid(self) -> int | None:
        """Return the process that serves the device, or None."""
        return serving_process(socket_of(self.relays, "till-1"))

    async def serving(self) -> int:
        """Wait for a relay; return its process."""
        async with asyncio.timeout(20):
            while (pid := self.pid()) is None:
                await asyncio.sleep(0.02)
        return pid

    async def end(self) -> None:
        """End whatever runs still, at once."""
        await kill_relays(self.relays.folder)
        self.register.close()
        self.printer.close()


async def kill_relays(folder: Path) -> None:
    """Kill every relay of a folder, also one that is only starting or waits for another's lock."""
    while pids := relay_processes(folder):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.01)


def relay_processes(folder: Path) -> list[int]:
    """Return the processes that are relays of a folder, or the shell that is starting one."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.fsencode(folder) in (entry / "cmdline").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def serving_process(path: Path) -> int | None:
    """Return the process that listens on a socket, or None."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as asking:
        with short_path(path) as name:
            asking.connect(name)
        credentials = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)  # struct ucred, socket(7)
        return int(struct.unpack("iII", credentials)[0])
    return None


@contextlib.asynccontextmanager
async def passing(folder: Path, passthrough: str | None = None, **line: Any) -> AsyncIterator[Passing]:
    """Give a till and its printer; no relay runs yet, and none is left over."""
    bench = Passing(folder, passthrough, **line)
    bench.register.plug()
    bench.printer.plug()
    try:
        yield bench
    finally:
        await bench.end()


async def read_all(cable: Cable, count: int) -> bytes:
    """Return what arrives at the far end of a cable, so many bytes."""
    loop = asyncio.get_running_loop()
    found = bytearray()
    async with asyncio.timeout(30):
        while len(found) < count:
            readable = asyncio.Event()
            loop.add_reader(cable._master, readable.set)
            try:
                await readable.wait()
            finally:
                loop.remove_reader(cable._master)
            found += os.read(cable._master, 65536)
    return bytes(found)


@contextlib.asynccontextmanager
async def tcp_printer() -> AsyncIterator[TcpPrinter]:
    """Give a printer on the network, switched on."""
    printer = TcpPrinter()
    await printer.switch_on()
    try:
        yield printer
    finally:
        await printer.switch_off()
