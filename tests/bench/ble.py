"""The Bluetooth device alone: the real bleak and dbus-fast, a simulated BlueZ in a process of its own."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from edge_agent.clock import Clock, Moment
from edge_agent.config.devices import BleSettings
from edge_agent.devices.ble.device import BleDevice
from edge_agent.devices.line import Position
from edge_agent.devices.status import DeviceState, Status
from edge_agent.observations import Observation
from edge_agent.supervisor import supervise
from tests.support.bluez import SimulatedBluez, bluez

RATE = 2_000
DEVICES = 500
SECONDS = 10.0
KILLS = 7
ADVERT = {"address": "C0:00:00:00:00:01", "rssi": -60}
POLL_S = 0.005


@dataclass(frozen=True, slots=True)
class Load:
    """``core_share``: of one core, at ``RATE`` advertisements a second; ``lost``: of how many ``sent``."""

    core_share: float
    cpu_ms_per_1000: float
    sent: int
    lost: int


class Radio:
    """A device under supervision that counts what it hands over."""

    def __init__(self, adapter: str = "hci0") -> None:
        self.received = 0
        self.state = "starting"
        settings = BleSettings.model_validate({"id": adapter, "kind": "ble", "touchpoint": "door", "adapter": adapter})
        clock = Clock()
        self.device = BleDevice(settings, Status(self._report, clock), clock)

    def _report(self, state: DeviceState) -> None:
        self.state = state.state

    async def _emit(self, observations: Sequence[Observation], at: Moment, position: Position | None = None) -> None:
        self.received += len(observations)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run it while the context lasts; entered when it is up."""
        rng = random.Random(1)
        async with asyncio.TaskGroup() as tasks:
            run = supervise("radio", lambda: self.device.run(self._emit), on_down=self.device.status.down, rng=rng)
            task = tasks.create_task(run)
            while self.state != "up":
                await asyncio.sleep(POLL_S)
            try:
                yield
            finally:
                task.cancel()


async def load(folder: Path, adapters: tuple[str, ...] = ("hci0",)) -> Load:
    """Return what ``RATE`` advertisements a second, spread over the adapters, cost and lose."""
    async with bluez(folder, f"--adapters={','.join(adapters)}") as blue:
        radios = [Radio(adapter) for adapter in adapters]
        async with _all_running(radios):
            began = time.process_time()
            async with asyncio.TaskGroup() as tasks:
                floods = [tasks.create_task(_flood(blue, name, RATE / len(adapters), DEVICES)) for name in adapters]
            sent = sum(flood.result() for flood in floods)
            await _settled(radios)
            used = time.process_time() - began
            lost = sent - sum(radio.received for radio in radios)
    return Load(used / SECONDS, used / sent * 1e6, sent, lost)


async def recovery_s(folder: Path) -> float:
    """Return the median of the seconds from bluetoothd being back until an advertisement is handed over."""
    found = []
    async with bluez(folder) as blue:
        radio = Radio()
        async with radio.running():
            for _ in range(KILLS):
                await blue.kill()
                while radio.state == "up":
                    await asyncio.sleep(POLL_S)
                await blue.start()
                began, before = time.perf_counter(), radio.received
                while radio.received == before:
                    await blue.do(**{"do": "advertise", **ADVERT})
                    await asyncio.sleep(POLL_S)
                found.append(time.perf_counter() - began)
    return median(found)


async def growth_mb(folder: Path, few: int = 200, many: int = 2_000) -> float:
    """Return by how many MB this process grows when many devices are heard instead of few."""
    async with bluez(folder) as blue:
        radio = Radio()
        async with radio.running():
            await _flood(blue, "hci0", RATE, few)
            await _settled([radio])
            before = _resident_mb()
            await _flood(blue, "hci0", RATE, many)
            await _settled([radio])
            return _resident_mb() - before


async def _flood(blue: SimulatedBluez, adapter: str, rate: float, devices: int) -> int:
    done = await blue.do(do="flood", adapter=adapter, rate=rate, devices=devices, seconds=SECONDS)
    if done["heard"] != done["sent"]:
        raise RuntimeError(f"BlueZ reported {done['heard']} of {done['sent']}: the figure means nothing")
    return int(done["sent"])


async def _settled(radios: list[Radio]) -> None:
    """Wait until nothing more comes: five batches long."""
    before = -1
    while before != (before := sum(radio.received for radio in radios)):
        await asyncio.sleep(0.5)


@asynccontextmanager
async def _all_running(radios: list[Radio]) -> AsyncIterator[None]:
    if not radios:
        yield
        return
    async with radios[0].running(), _all_running(radios[1:]):
        yield


def _resident_mb() -> float:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS in /proc/self/status")
