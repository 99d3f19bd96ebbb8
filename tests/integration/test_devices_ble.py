"""The Bluetooth device: the real bleak and dbus-fast against a simulated BlueZ, under ``supervise``."""

import asyncio
import gc
import logging
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bleak import BleakScanner
from bleak.backends.bluezdbus.manager import BlueZManager, get_global_bluez_manager

from edge_agent.clock import Clock
from edge_agent.config.devices import BleSettings
from edge_agent.devices.ble.device import BATCH, QUEUE, BleDevice
from edge_agent.devices.ble.ladder import Patience
from edge_agent.devices.status import Status
from edge_agent.errors import StorageError
from edge_agent.observations import Advertisement
from tests.support.bluez import SimulatedBluez, bluez
from tests.support.broker import until
from tests.support.devices import Recorder, States, supervised

ADDRESS = "C0:00:00:00:00:01"
BADGE: dict[str, Any] = {"address": ADDRESS, "rssi": -60, "manufacturer": {"76": "0215" + "00" * 21}}
# Short where a test would wait for it, long where a busy machine must not reach it.
QUICK = Patience(stopped=0.1, look=0.05, batch=0.01, silence=3600.0)


class Radio:
    """A device and everything around it."""

    def __init__(self, blue: SimulatedBluez, adapter: str = "hci0", patience: Patience = QUICK) -> None:
        self.blue = blue
        self.adapter = adapter
        self.emit = Recorder()
        self.states = States()
        self.clock = Clock()
        settings = BleSettings.model_validate(
            {"id": f"radio-{adapter}", "kind": "ble", "touchpoint": "door", "adapter": adapter}
        )
        self.device = BleDevice(settings, Status(self.states, self.clock), self.clock, patience)

    @property
    def counts(self) -> Counter[str]:
        return self.device.status.counts

    @property
    def adverts(self) -> list[Advertisement]:
        return [seen for seen in self.emit.observations if isinstance(seen, Advertisement)]

    def supervised(self) -> AbstractAsyncContextManager[None]:
        return supervised(self.device, self.emit)

    async def hears(self) -> None:
        """Wait until it is up and an advertisement sent from now on arrives, once."""
        await self.states.until(lambda: self.states.reasons[-1:] in (["up"], ["silent"]))
        own = (-41, -42, -43)
        self.emit.observations.clear()
        for strength in own:
            sent = await self.blue.do(**{"do": "advertise", **BADGE, "adapter": self.adapter, "rssi": strength})
            assert sent["heard"], sent
        await self.emit.until(lambda: -43 in self.strengths())
        assert tuple(strength for strength in self.strengths() if strength in own) == own

    def strengths(self) -> list[int]:
        return [advert.rssi for advert in self.adverts]

    async def state(self) -> dict[str, Any]:
        answer = await self.blue.do(do="state")
        found: dict[str, Any] = answer["adapters"][self.adapter]
        return found


@pytest.fixture
async def blue(tmp_path: Path) -> AsyncIterator[SimulatedBluez]:
    async with bluez(tmp_path) as simulated:
        yield simulated


@asynccontextmanager
async def listening(blue: SimulatedBluez, patience: Patience = QUICK) -> AsyncIterator[Radio]:
    """Run a device that hears."""
    radio = Radio(blue, patience=patience)
    async with radio.supervised():
        await radio.hears()
        yield radio


def descriptors() -> int:
    """Return how many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def do_until(condition: Callable[[], bool], act: Callable[[], Any]) -> None:
    """Do something again and again until it has its effect."""
    async with asyncio.timeout(20):
        while not condition():
            await act()
            await asyncio.sleep(0.02)


async def test_advertisements_are_handed_over_as_they_are(blue: SimulatedBluez) -> None:
    async with listening(blue) as radio:
        radio.emit.observations.clear()
        before = radio.clock.now().uptime_ms
        uuid = "0000feaa-0000-1000-8000-00805f9b34fb"
        await blue.do(do="advertise", address=ADDRESS, rssi=-70, services={uuid: "0000ff"}, manufacturer={"76": "0102"})
        await radio.emit.until(lambda: radio.strengths() == [-70])
        [seen] = radio.adverts
        assert before <= seen.arrived_ms <= radio.clock.now().uptime_ms
        assert (seen.address, seen.services) == (ADDRESS, {uuid: b"\x00\x00\xff"})
        assert seen.manufacturer == {76: b"\x01\x02"}
        assert radio.states.reasons == ["up"]
        assert radio.device.status.last_data is not None


async def test_the_same_advertisement_is_heard_as_often_as_it_is_sent(blue: SimulatedBluez) -> None:
    async with listening(blue) as radio:
        radio.emit.observations.clear()
        for _ in range(20):
            await blue.do(**{"do": "advertise", **BADGE})
        await radio.emit.until(lambda: len(radio.adverts) == 20)
        assert radio.strengths() == [-60] * 20


async def test_bluetoothd_killed_and_back(blue: SimulatedBluez) -> None:
    async with listening(blue) as radio:
        await blue.kill()
        await radio.states.until_last("no_bluetoothd")
        await blue.start()
        await radio.states.until_last("up")
        await radio.hears()
        assert radio.states.reasons == ["up", "no_bluetoothd", "up"]


async def test_bluetoothd_restarted_again_and_again(blue: SimulatedBluez) -> None:
    async with listening(blue) as radio:
        for _ in range(3):
            await blue.restart()
            await radio.hears()
        assert set(radio.states.reasons) <= {"up", "no_bluetoothd"}
        assert radio.counts["rebuilt"] >= 3


async def test_a_device_may_be_started_before_bluetoothd(blue: SimulatedBluez) -> None:
    await blue.kill()
    radio = Radio(blue)
    async with radio.supervised():
        await radio.states.until_last("no_bluetoothd")
        await blue.start()
        await radio.hears()


async def test_adapter_removed_and_added(blue: SimulatedBluez) -> None:
    async with listening(blue) as radio:
        await blue.do(do="remove_adapter")
        await radio.states.until_last("adapter_missing")
        await blue.do(do="add_adapter")
        await radio.hears()
        assert radio.states.reasons == ["up", "adapter_missing", "up"]


async def test_adapter_removed_and_added_while_nobody_looked(blue: SimulatedBluez) -> None:
    """Both signals wait together: that it is there again must not hide that it was gone."""
    async with listening(blue) as radio:
        async with asyncio.TaskGroup() as tasks:
            for command in ("remove_adapter", "add_adapter"):
                tasks.create_task(blue.do(do=command))
            await asyncio.sleep(0)
            time.sleep(0.5)  # noqa: ASYNC251 - the loop is held up, as by something slow in the agent
        await radio.hears()
        assert radio.states.reasons == ["up", "adapter_missing", "up"]


async def test_adapter_that_comes_later(tmp_path: Path) -> None:
    async with bluez(tmp_path, "--adapters=") as blue:
        radio = Radio(blue)
        async with radio.supervised():
            await radio.states.until_last("adapter_missing")
            await blue.do(do="add_adapter")
            await radio.hears()


async def test_power_off_is_undone_once_and_then_left_to_people(blue: SimulatedBluez) -> None:
    async with listening(blue) as radio:
        await blue.do(do="power", on=False)
        await radio.states.until_last("powered_off", "up")
        await radio.hears()
        assert radio.counts["powered_on"] == 1
        await blue.do(do="power", on=False)
        await radio.states.until_last("powered_off")
        await asyncio.sleep(QUICK.look * 4)
        assert not (await radio.state())["powered"]
        await blue.do(do="power", on=True)
        await radio.hears()
        assert radio.counts["powered_on"] == 1


async def test_the_fake_advertisements_of_a_power_off_are_dropped(blue: SimulatedBluez) -> None:
    async with listening(blue) as radio:
        for number in range(200):
            await blue.do(do="advertise", address=f"C0:00:00:00:01:{number:02X}", rssi=-60)
        await radio.emit.until(lambda: len(radio.adverts) == 203)
        await blue.do(do="power", on=False)
        await radio.states.until_last("powered_off", "up")
        assert len(radio.adverts) == 203
        await radio.hears()
        assert set(radio.strengths()) == {-41, -42, -43}


async def test_start_refused_three_times(blue: SimulatedBluez) -> None:
    await blue.do(do="refuse_start", times=3)
    async with listening(blue) as radio:
        assert radio.states.reasons == ["start_refused", "up"]
        assert "InProgress" in radio.states.all[0].detail
        assert radio.counts["power_cycled"] == 0


async def test_start_refused_for_ever_is_what_power_is_cycled_for(blue: SimulatedBluez) -> None:
    await blue.do(do="refuse_start", times=6)
    async with listening(blue) as radio:
        assert radio.states.reasons == ["start_refused", "up"]
        assert radio.counts["power_cycled"] == 1
        assert (await radio.state())["powered"]


async def test_start_that_hangs(blue: SimulatedBluez) -> None:
    await blue.do(do="hang_start")
    radio = Radio(blue, patience=replace(QUICK, start=0.5))
    async with radio.supervised():
        await radio.states.until_last("start_hung")
        await blue.do(do="hang_start", on=False)
        await radio.hears()
        assert radio.states.reasons == ["start_hung", "up"]
        assert (await radio.state())["sessions"] == 1


async def test_mute_radio_that_a_new_scanner_cures(blue: SimulatedBluez) -> None:
    async with listening(blue, replace(QUICK, silence=1.5)) as radio:  # twice that is time to be heard in
        await blue.do(do="mute", until="start")
        await radio.states.until_last("silent", "up")
        await do_until(lambda: len(radio.adverts) > 3, lambda: blue.do(**{"do": "advertise", **BADGE}))
        assert radio.counts["power_cycled"] == 0
        assert radio.counts["rebuilt"] >= 1


async def test_mute_radio_that_power_cures(blue: SimulatedBluez) -> None:
    async with listening(blue, replace(QUICK, silence=0.2)) as radio:
        await blue.do(do="mute", until="power")
        radio.emit.observations.clear()
        await do_until(lambda: bool(radio.adverts), lambda: blue.do(**{"do": "advertise", **BADGE}))
        assert radio.counts["power_cycled"] == 1
        await radio.states.until_last("up")


async def test_quiet_shop_is_healthy_and_left_alone(blue: SimulatedBluez) -> None:
    """Silence counts: presence runs on, the scanner is replaced ever more rarely, power is touched once."""
    async with listening(blue, replace(QUICK, silence=0.1, silence_cap=0.8)) as radio:
        await until(lambda: radio.counts["rebuilt"] >= 5)
        assert radio.counts["power_cycled"] == 1
        await radio.states.until(lambda: radio.states.all[-1].state == "degraded")  # not between two scanners
        assert (await radio.state())["discovering"]
        assert set(radio.states.reasons) == {"up", "silent"}
        await blue.do(**{"do": "advertise", **BADGE})
        await radio.states.until_last("up")


async def test_somebody_stops_the_discovery(blue: SimulatedBluez) -> None:
    async with listening(blue) as radio:
        await blue.do(do="discovering", on=False)
        await radio.states.until_last("not_scanning", "up")
        await radio.hears()


async def test_bus_gone_and_back(blue: SimulatedBluez) -> None:
    async with listening(blue) as radio:
        blue.bus.kill()
        await radio.states.until_last("no_bus")
        await blue.ended()
        blue.bus.start()
        await radio.states.until_last("no_bluetoothd")
        await blue.start()
        await radio.hears()
        assert radio.states.reasons == ["up", "no_bus", "no_bluetoothd", "up"]


async def test_connection_of_the_scanner_alone_lost(blue: SimulatedBluez) -> None:
    """Another program discovers too, so that the adapter itself shows nothing."""
    async with listening(blue) as radio, BleakScanner(bluez={"adapter": "hci0"}):
        assert (await radio.state())["sessions"] == 2
        managers = [found for found in gc.get_objects() if isinstance(found, BlueZManager)]
        shared = await get_global_bluez_manager()
        for manager in managers:
            if manager is not shared and (bus := manager._bus) is not None and bus.connected and bus._sock is not None:
                bus._sock.shutdown(socket.SHUT_RDWR)
        await radio.states.until_last("no_bus", "up")
        await radio.hears()
        assert (await radio.state())["sessions"] == 2


async def test_bluetoothd_that_hangs(blue: SimulatedBluez) -> None:
    """Stopped, not dead: the bus has its name, nobody answers."""
    assert blue._process is not None
    radio = Radio(blue, patience=replace(QUICK, answer=0.3))
    os.kill(blue._process.pid, signal.SIGSTOP)
    async with radio.supervised():
        await radio.states.until_last("no_answer")
        os.kill(blue._process.pid, signal.SIGCONT)
        await radio.hears()


async def test_bluez_that_may_not_be_used(blue: SimulatedBluez) -> None:
    """The bus's policy, as Debian ships it for whoever is not in the group bluetooth."""
    config = blue.bus.folder / "bus.conf"
    allowed = config.read_text("utf-8")
    assert blue.bus.pid is not None
    config.write_text(allowed.replace("</policy>", '<deny send_destination="org.bluez"/></policy>'), "utf-8")
    os.kill(blue.bus.pid, signal.SIGHUP)  # dbus-daemon(1): read the configuration again
    radio = Radio(blue)
    async with radio.supervised():
        await radio.states.until_last("permission")
        config.write_text(allowed, "utf-8")
        os.kill(blue.bus.pid, signal.SIGHUP)
        await radio.hears()


async def test_impossible_lengths_are_counted_and_survived(blue: SimulatedBluez) -> None:
    async with listening(blue) as radio:
        await blue.do(do="impossible")
        await radio.hears()
        assert radio.counts["impossible"] == 4  # two values of 300 octets, two devices with 40 fields
        assert radio.states.reasons == ["up"]


async def test_flood_beyond_the_queue(blue: SimulatedBluez) -> None:
    """While nothing can be recorded the newest are kept, the rest is counted, memory is bounded."""
    async with listening(blue) as radio:
        radio.emit.gate.clear()
        before = radio.counts["received"]
        sent = QUEUE + 2000
        done = await blue.do(do="flood", rate=8000, devices=sent, seconds=sent / 8000, random_addresses=True)
        assert done["heard"] == sent
        await until(lambda: radio.counts["dropped"] >= sent - QUEUE - BATCH)
        await until(lambda: len(radio.device._queue) == QUEUE)
        radio.emit.observations.clear()
        radio.emit.gate.set()
        await radio.emit.until(lambda: bool(radio.adverts) and radio.adverts[-1].manufacturer == newest(sent))
        assert radio.counts["received"] - before + radio.counts["dropped"] == sent
        await radio.hears()


def newest(sent: int) -> dict[int, bytes]:
    return {0xFFFF: (sent - 1).to_bytes(8)}


async def test_two_adapters_and_the_bus_restarted_under_both(tmp_path: Path) -> None:
    async with bluez(tmp_path, "--adapters=hci0,hci1") as blue:
        radios = [Radio(blue, "hci0"), Radio(blue, "hci1")]
        async with radios[0].supervised(), radios[1].supervised():
            for radio in radios:
                await radio.hears()
            blue.bus.kill()
            for radio in radios:
                await radio.states.until_last("no_bus")
            await blue.ended()
            blue.bus.start()
            await blue.start()
            for radio in radios:
                await radio.hears()
            # What happens to one does not touch the other.
            await blue.do(do="remove_adapter", adapter="hci1")
            await radios[1].states.until_last("adapter_missing")
            await radios[0].hears()
            assert radios[0].states.reasons[-1] == "up"
            assert (await radios[0].state())["sessions"] == 1


async def test_a_refused_batch_is_a_failure_like_any_other(blue: SimulatedBluez) -> None:
    async with listening(blue) as radio:
        radio.emit.fail = StorageError("the disk is full")
        await blue.do(**{"do": "advertise", **BADGE})
        await radio.states.until_last("failed", "up")
        radio.emit.fail = None
        await radio.hears()


async def test_nothing_is_left_behind(blue: SimulatedBluez) -> None:
    """After rebuilds and the end: one session while it runs, none after; no descriptor, no task."""
    opened, tasks = descriptors(), asyncio.all_tasks()
    async with listening(blue) as radio:
        while_running = descriptors()
        for _ in range(4):
            radio.states.all.clear()
            await blue.do(do="discovering", on=False)
            await radio.states.until_last("not_scanning", "up")
            await radio.hears()  # each sent once is heard once
            assert (await radio.state())["sessions"] == 1
        assert descriptors() == while_running
    await asyncio.sleep(0)
    assert descriptors() == opened
    assert asyncio.all_tasks() == tasks
    assert (await radio.state())["sessions"] == 0


async def test_no_address_is_ever_logged(
    blue: SimulatedBluez, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    async with listening(blue) as radio:
        await blue.do(do="impossible")
        await blue.do(do="remove_adapter")
        await radio.states.until_last("adapter_missing")
        await blue.do(do="add_adapter")
        await radio.hears()
        blue.bus.kill()
        await radio.states.until_last("no_bus")
        await blue.ended()
    said = caplog.text + "".join(capfd.readouterr()) + str(radio.states.all)
    for spelt in (ADDRESS, ADDRESS.replace(":", "_"), "C0:DE", "C0_DE"):
        assert spelt.lower() not in said.lower()
