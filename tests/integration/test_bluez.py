"""The simulated BlueZ as bleak, the real client, sees it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from bleak import BleakScanner
from bleak.args.bluez import BlueZDiscoveryFilters
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakDBusError, BleakError
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from tests.support.bluez import SimulatedBluez, bluez
from tests.support.broker import until

BOTH: BlueZDiscoveryFilters = {"DuplicateData": True, "RSSI": -127}
ADDRESS = "C0:00:00:00:00:01"
BEACON: dict[str, Any] = {"address": ADDRESS, "rssi": -60, "manufacturer": {"76": "0215" + "00" * 21}}


class Heard:
    """A real scanner and all it heard."""

    def __init__(self, filters: BlueZDiscoveryFilters = BOTH, adapter: str = "hci0") -> None:
        self.adverts: list[tuple[str, AdvertisementData]] = []
        self.scanner = BleakScanner(self._hear, scanning_mode="active", bluez={"filters": filters, "adapter": adapter})

    def strengths(self) -> list[int]:
        return [advert.rssi for _, advert in self.adverts]

    async def hears(self, blue: SimulatedBluez, adapter: str = "hci0") -> bool:
        """Tell whether an advert that is sent now arrives."""
        self.adverts.clear()
        sent = await blue.do(**{"do": "advertise", **BEACON, "adapter": adapter, "rssi": -44})
        if sent["heard"]:
            await until(lambda: -44 in self.strengths())
        return bool(sent["heard"])

    def _hear(self, device: BLEDevice, advert: AdvertisementData) -> None:
        self.adverts.append((device.address, advert))


@pytest.fixture
async def blue(tmp_path: Path) -> AsyncIterator[SimulatedBluez]:
    async with bluez(tmp_path) as simulated:
        yield simulated


async def discard(heard: Heard) -> None:
    """Part with a scanner that may be broken, as its owner must."""
    with contextlib.suppress(BleakError, EOFError, OSError, TimeoutError, AssertionError):
        async with asyncio.timeout(5):
            await heard.scanner.stop()


async def sends(blue: SimulatedBluez, *strengths: int) -> None:
    for rssi in strengths:
        await blue.do(**{"do": "advertise", **BEACON, "rssi": rssi})


async def test_each_advert_gives_one_callback_with_its_own_strength(blue: SimulatedBluez) -> None:
    strengths = [-60 - number % 3 for number in range(20)]
    heard = Heard()
    async with heard.scanner:
        await sends(blue, *strengths)
        await until(lambda: len(heard.adverts) >= 20)
    assert heard.strengths() == strengths


@pytest.mark.parametrize(
    ("filters", "reported"),
    [
        ({}, [-60, -68, -60]),
        ({"RSSI": -127}, [-60, -68, -60]),
        ({"DuplicateData": True}, [-60, -60, -60, -68, -60]),  # the data comes again, with the strength of before
        (BOTH, [-60, -61, -67, -68, -60]),
    ],
)
async def test_only_both_filters_together_report_every_strength(
    blue: SimulatedBluez, filters: BlueZDiscoveryFilters, reported: list[int]
) -> None:
    heard = Heard(filters)
    async with heard.scanner:
        await sends(blue, -60, -61, -67, -68, -60)
        await until(lambda: len(heard.adverts) >= len(reported))
    assert heard.strengths() == reported


async def test_adverts_below_the_rssi_filter_and_without_a_listener_are_dropped(blue: SimulatedBluez) -> None:
    weak = {**BEACON, "rssi": -80}
    assert not (await blue.do(do="advertise", **BEACON))["heard"]
    heard = Heard({"DuplicateData": True, "RSSI": -70})
    async with heard.scanner:
        assert not (await blue.do(do="advertise", **weak))["heard"]
        assert await heard.hears(blue)
    assert not (await blue.do(do="advertise", **BEACON))["heard"]


async def test_data_of_several_adverts_is_merged_and_other_data_is_passed_on(blue: SimulatedBluez) -> None:
    token = "0000fe00-0000-1000-8000-00805f9b34fb"
    common = {"do": "advertise", "address": ADDRESS, "rssi": -50}
    heard = Heard()
    async with heard.scanner:
        await blue.do(**common, manufacturer={"76": "01"})
        await blue.do(**common, manufacturer={"89": "02"}, services={token: "aabb"})
        await blue.do(**common, manufacturer={"76": "03"}, local_name="badge", tx_power=-12, uuids=[token])
        await until(lambda: len(heard.adverts) == 3)
    last = heard.adverts[-1][1]
    assert last.manufacturer_data == {76: b"\x03", 89: b"\x02"}
    assert last.service_data == {token: b"\xaa\xbb"}
    assert (last.local_name, last.tx_power, last.service_uuids) == ("badge", -12, [token])


async def test_power_off_gives_one_false_advert_of_each_device(blue: SimulatedBluez) -> None:
    heard = Heard()
    async with heard.scanner:
        await blue.do(do="advertise", **BEACON)
        await blue.do(**{"do": "advertise", **BEACON, "address": "C0:00:00:00:00:02"})
        await until(lambda: len(heard.adverts) == 2)
        heard.adverts.clear()
        await blue.do(do="power", on=False)
        await until(lambda: len(heard.adverts) == 2)
    assert heard.strengths() == [-127, -127]
    assert all(advert.manufacturer_data for _, advert in heard.adverts)  # the old data, once more


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ([{"do": "power", "on": False}], [{"do": "power", "on": True}]),
        ([{"do": "power", "on": False}, {"do": "power", "on": True}], []),
        ([{"do": "remove_adapter"}, {"do": "add_adapter"}], []),
        ([{"do": "mute"}], [{"do": "unmute"}]),
        ([{"do": "mute", "until": "power"}], [{"do": "power", "on": False}, {"do": "power", "on": True}]),
        ([{"do": "mute", "until": "start"}], []),
        ([{"do": "discovering", "on": False}], []),
    ],
    ids=["off", "off_and_on", "replugged", "mute", "mute_until_power", "mute_until_start", "not_discovering"],
)
async def test_a_radio_that_fails_is_silent_until_a_new_scanner_begins(
    blue: SimulatedBluez, broken: list[dict[str, Any]], mended: list[dict[str, Any]]
) -> None:
    old = Heard()
    await old.scanner.start()
    assert await old.hears(blue)
    for command in broken:
        await blue.do(**command)
    assert not await old.hears(blue)
    for command in mended:
        await blue.do(**command)
    await discard(old)
    new = Heard()
    async with new.scanner:
        assert await new.hears(blue)


@pytest.mark.parametrize("fault", ["mute", "discovering"])
async def test_a_mute_radio_still_says_that_it_scans(blue: SimulatedBluez, fault: str) -> None:
    async with Heard().scanner:
        await blue.do(do=fault, on=False)
        adapter = (await blue.do(do="state"))["adapters"]["hci0"]
    assert adapter == {"powered": True, "discovering": fault == "mute", "sessions": 1, "devices": 0}


async def test_a_killed_bluetoothd_is_silence_and_a_scanner_left_behind_doubles_everything(
    blue: SimulatedBluez,
) -> None:
    old = Heard()
    await old.scanner.start()
    assert await old.hears(blue)
    await blue.do(do="die")
    assert await blue.ended() < 0
    await blue.start()
    assert not await old.hears(blue)
    new = Heard()
    async with new.scanner:
        assert await new.hears(blue)
        assert len(new.adverts) == len(old.adverts) == 1


async def test_a_second_scanner_of_one_process_is_refused_while_the_first_scans(blue: SimulatedBluez) -> None:
    async with Heard().scanner:
        with pytest.raises(BleakDBusError, match="InProgress"):
            await Heard().scanner.start()


async def test_a_start_is_refused_as_often_as_told(blue: SimulatedBluez) -> None:
    await blue.do(do="refuse_start", times=3, error="org.bluez.Error.InProgress")
    heard = Heard()
    for _ in range(3):
        with pytest.raises(BleakDBusError, match="InProgress"):
            await heard.scanner.start()
    async with heard.scanner:
        assert await heard.hears(blue)


async def test_a_start_that_hangs_hangs_until_it_is_cleared(blue: SimulatedBluez) -> None:
    await blue.do(do="hang_start")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await Heard().scanner.start()
    await blue.do(do="hang_start", on=False)
    heard = Heard()
    async with heard.scanner:
        assert await heard.hears(blue)


async def test_bluez_goes_with_its_bus_and_comes_back_at_the_same_address(blue: SimulatedBluez) -> None:
    address = blue.address
    old = Heard()
    await old.scanner.start()
    assert await old.hears(blue)
    blue.bus.kill()
    assert await blue.ended() == 0
    blue.bus.start()
    await blue.start()
    await discard(old)
    assert blue.address == address
    new = Heard()
    async with new.scanner:
        assert await new.hears(blue)


async def test_adapters_are_apart(tmp_path: Path) -> None:
    async with bluez(tmp_path, "--adapters=hci0,hci1") as two:
        first, second = Heard(), Heard(adapter="hci1")
        await second.scanner.start()
        async with first.scanner:
            assert await second.hears(two, "hci1")
            assert not first.adverts
            await two.do(do="remove_adapter", adapter="hci1")
            assert await first.hears(two)
        with pytest.raises(BleakDBusError, match="Unknown"):
            await second.scanner.stop()


async def test_a_flood_arrives_complete(blue: SimulatedBluez) -> None:
    heard = Heard()
    async with heard.scanner:
        flood = await blue.do(do="flood", devices=500, rate=2000, seconds=2, seed=1)
        await until(lambda: len(heard.adverts) == flood["sent"])
    numbers = [int.from_bytes(advert.manufacturer_data[0xFFFF]) for _, advert in heard.adverts]
    assert flood["sent"] == flood["heard"] == 4000
    assert numbers == list(range(4000))
    assert len({address for address, _ in heard.adverts}) == 500


async def test_a_flood_from_random_addresses_never_uses_one_twice(blue: SimulatedBluez) -> None:
    heard = Heard()
    async with heard.scanner:
        await blue.do(do="flood", devices=1, rate=1000, seconds=0.3, random_addresses=True)
        await until(lambda: len(heard.adverts) == 300)
    assert len({address for address, _ in heard.adverts}) == 300


async def test_impossible_adverts_arrive_and_the_next_one_too(blue: SimulatedBluez) -> None:
    heard = Heard()
    async with heard.scanner:
        sent = (await blue.do(do="impossible"))["heard"]
        await until(lambda: len(heard.adverts) == sent)
        lengths = {len(data) for _, advert in heard.adverts for data in advert.service_data.values()}
        assert {0, 300} <= lengths
        assert max(len(advert.service_data) for _, advert in heard.adverts) > 31
        assert await heard.hears(blue)


async def test_a_beacon_repeats_until_it_is_hushed(blue: SimulatedBluez) -> None:
    heard = Heard()
    async with heard.scanner:
        await blue.do(do="beacon", name="badge", interval=0.01, **BEACON)
        await until(lambda: heard.strengths().count(-60) >= 5)
        await blue.do(do="rssi", name="badge", rssi=-90)
        await until(lambda: heard.strengths().count(-90) >= 5)
        await blue.do(do="hush", name="badge")
        heard.adverts.clear()
        assert await heard.hears(blue)
    assert heard.strengths() == [-44]


async def test_a_device_not_heard_expires_and_is_new_again(blue: SimulatedBluez) -> None:
    heard = Heard()
    async with heard.scanner:
        assert await heard.hears(blue)
        assert ADDRESS in {device.address for device in heard.scanner.discovered_devices}
        await blue.do(do="expiry", seconds=0.1)
        await until(lambda: not heard.scanner.discovered_devices)
        assert await heard.hears(blue)


async def test_a_client_that_leaves_the_bus_takes_its_session_along(blue: SimulatedBluez) -> None:
    client = await MessageBus(bus_address=blue.address, bus_type=BusType.SYSTEM).connect()
    started = await client.call(_adapter_call("StartDiscovery"))
    assert started.message_type is MessageType.METHOD_RETURN
    assert (await blue.do(do="state"))["adapters"]["hci0"]["discovering"]
    client.disconnect()
    async with asyncio.timeout(20):
        while (await blue.do(do="state"))["adapters"]["hci0"]["discovering"]:
            await asyncio.sleep(0.01)


async def test_a_watcher_sees_power_and_discovery_change_and_can_cycle_the_power(blue: SimulatedBluez) -> None:
    """What the agent watches on a connection of its own."""
    seen: list[dict[str, Any]] = []

    def take(message: Message) -> None:
        if message.member == "PropertiesChanged" and message.body[0] == "org.bluez.Adapter1":
            seen.append({name: value.value for name, value in message.body[1].items()})

    watcher = await MessageBus(bus_address=blue.address, bus_type=BusType.SYSTEM).connect()
    watcher.add_message_handler(take)
    rule = "type='signal',interface='org.freedesktop.DBus.Properties',path_namespace='/org/bluez'"
    bus = "org.freedesktop.DBus"
    await watcher.call(Message(bus, "/org/freedesktop/DBus", bus, "AddMatch", signature="s", body=[rule]))
    await Heard().scanner.start()
    for on in (False, True):
        body = ["org.bluez.Adapter1", "Powered", Variant("b", on)]
        call = Message(
            "org.bluez", "/org/bluez/hci0", "org.freedesktop.DBus.Properties", "Set", signature="ssv", body=body
        )
        assert (await watcher.call(call)).message_type is MessageType.METHOD_RETURN
    await until(lambda: len(seen) == 4)
    assert seen == [{"Discovering": True}, {"Powered": False}, {"Discovering": False}, {"Powered": True}]
    watcher.disconnect()


@pytest.mark.parametrize("end", ["hang_up", "terminate"])
async def test_it_ends_with_whoever_commands_it_and_when_asked(blue: SimulatedBluez, end: str) -> None:
    await blue.do(do="beacon", name="badge", **BEACON)
    getattr(blue, end)()
    assert await blue.ended() == 0


async def test_commands_can_be_given_at_the_start(tmp_path: Path) -> None:
    command = json.dumps({"do": "beacon", "name": "badge", "interval": 0.01, **BEACON, "id": 0})
    async with bluez(tmp_path, f"--do={command}"):
        heard = Heard()
        async with heard.scanner:
            await until(lambda: len(heard.adverts) >= 3)


async def test_a_bus_in_a_deep_folder_is_reached_as_well(tmp_path: Path) -> None:
    async with bluez(tmp_path / ("deep" * 30)) as simulated:
        heard = Heard()
        async with heard.scanner:
            assert await heard.hears(simulated)


async def test_passive_scanning_is_not_offered(blue: SimulatedBluez) -> None:
    scanner = BleakScanner(
        scanning_mode="passive", bluez={"or_patterns": [(0, AdvertisementDataType.FLAGS, b"\x06")], "adapter": "hci0"}
    )
    with pytest.raises(BleakError, match="passive scanning on Linux requires"):
        await scanner.start()


async def test_a_device_can_be_removed_and_filters_asked_for(blue: SimulatedBluez) -> None:
    heard = Heard()
    client = await MessageBus(bus_address=blue.address, bus_type=BusType.SYSTEM).connect()
    async with heard.scanner:
        assert await heard.hears(blue)
        path = f"/org/bluez/hci0/dev_{ADDRESS.replace(':', '_')}"
        assert not (await client.call(_adapter_call("RemoveDevice", "o", path))).error_name
        await until(lambda: not heard.scanner.discovered_devices)
        again = await client.call(_adapter_call("RemoveDevice", "o", path))
    assert again.error_name == "org.bluez.Error.DoesNotExist"
    assert "DuplicateData" in (await client.call(_adapter_call("GetDiscoveryFilters"))).body[0]
    client.disconnect()


async def test_what_is_not_a_command_is_said_to_be_none(blue: SimulatedBluez) -> None:
    for wrong in (
        {"do": "nothing"},
        {"do": "advertise"},
        {"do": "mute", "until": "doomsday"},
        {"do": "power", "adapter": "hci9", "on": True},
    ):
        with pytest.raises(AssertionError, match="failed"):
            await blue.do(**wrong)


def _adapter_call(member: str, signature: str = "", *body: object) -> Message:
    return Message("org.bluez", "/org/bluez/hci0", "org.bluez.Adapter1", member, signature=signature, body=[*body])
