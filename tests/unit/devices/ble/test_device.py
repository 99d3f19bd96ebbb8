"""What of an advertisement the Bluetooth device takes, and what it counts instead."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.clock import Clock, Moment
from edge_agent.config.devices import BleSettings
from edge_agent.devices.ble.device import BATCH, FIELD_BYTES, FIELDS, QUEUE, BleDevice
from edge_agent.devices.line import Position
from edge_agent.devices.status import Status
from edge_agent.observations import Advertisement, Observation

ADDRESS = "C0:00:00:00:00:01"
UUID = "0000feaa-0000-1000-8000-00805f9b34fb"
SETTINGS = BleSettings.model_validate({"id": "radio", "kind": "ble", "touchpoint": "door"})


def radio() -> BleDevice:
    clock = Clock()
    return BleDevice(SETTINGS, Status(lambda _: None, clock), clock)


def hear(
    device: BleDevice,
    rssi: int = -60,
    manufacturer: dict[int, bytes] | None = None,
    services: dict[str, bytes] | None = None,
) -> None:
    data = AdvertisementData(None, manufacturer or {}, services or {}, [], None, rssi, ())
    device._heard(BLEDevice(ADDRESS, None, {}), data)


def taken(device: BleDevice) -> list[tuple[int, dict[int, bytes], dict[str, bytes]]]:
    return [(seen.rssi, dict(seen.manufacturer), dict(seen.services)) for seen in device._queue]


def test_what_has_no_strength_is_no_sign_of_life() -> None:
    device = radio()
    for rssi in (-128, -127, 21, 127, -126, 20):
        hear(device, rssi)
    assert [strength for strength, _, _ in taken(device)] == [-126, 20]
    assert device.status.counts == Counter(without_strength=4)


def test_lengths_that_no_radio_sends_are_refused_whole() -> None:
    device = radio()
    hear(device, manufacturer={76: bytes(FIELD_BYTES + 1)})
    hear(device, services={UUID: bytes(FIELD_BYTES + 1)})
    hear(device, manufacturer=dict.fromkeys(range(FIELDS + 1), b""))
    assert device.status.counts == Counter(impossible=3)
    hear(device, manufacturer={76: bytes(FIELD_BYTES)}, services={UUID: b""})
    assert taken(device) == [(-60, {76: bytes(FIELD_BYTES)}, {UUID: b""})]


def test_the_newest_are_kept_and_every_lost_one_is_counted() -> None:
    device = radio()
    for number in range(QUEUE + 100):
        hear(device, manufacturer={1: number.to_bytes(4)})
    assert device.status.counts["dropped"] == 100
    assert [data[1] for _, data, _ in taken(device)] == [n.to_bytes(4) for n in range(100, QUEUE + 100)]


async def test_a_full_queue_is_handed_over_in_order_and_in_pieces() -> None:
    device = radio()
    sizes: list[int] = []
    seen: list[bytes] = []

    async def emit(observations: Sequence[Observation], at: Moment, position: Position | None = None) -> None:
        sizes.append(len(observations))
        seen.extend(one.manufacturer[1] for one in observations if isinstance(one, Advertisement))
        if len(sizes) == 1:
            hear(device, manufacturer={1: b"meanwhile"})
        await asyncio.sleep(0)

    for number in range(2 * BATCH + 1):
        hear(device, manufacturer={1: number.to_bytes(4)})
    await device._hand_over(emit)
    assert sizes == [BATCH, BATCH, 1]
    assert seen == [number.to_bytes(4) for number in range(2 * BATCH + 1)]
    assert len(device._queue) == 1
    assert device.status.counts["received"] == 2 * BATCH + 1


@given(
    st.integers(-32768, 32767),
    st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=300), max_size=40),
    st.dictionaries(st.text(max_size=40), st.binary(max_size=300), max_size=40),
)
def test_whatever_comes_is_taken_or_counted(
    rssi: int, manufacturer: dict[int, bytes], services: dict[str, bytes]
) -> None:
    device = radio()
    hear(device, rssi, manufacturer, services)
    assert len(device._queue) + device.status.counts.total() == 1
    assert taken(device) in ([], [(rssi, manufacturer, services)])
