"""The simulated BlueZ as bleak, the real client, sees it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bleak import AdvertisementData, BleakScanner, BLEDevice
from bleak.args.bluez import BlueZDiscoveryFilters
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from tests.support.bluez import SimulatedBluez, bluez
from tests.support.broker import until

BOTH: BlueZDiscoveryFilters = {"DuplicateData": True, "RSSI": -127}
ADDRESS = "C0:00:00:00:00:01"
BEACON = {"address": ADDRESS, "manufacturer": {"76": "0215" + "00" * 21}}


class Heard:
    """A real scanner and what it heard: (address, RSSI)."""

    def __init__(self, filters: BlueZDiscoveryFilters | None = None, adapter: str = "hci0") -> None:
        self.adverts: list[tuple[str, int]] = []
        self.data: list[dict[int, bytes]] = []
        self.scanner = BleakScanner(
            self._heard, scanning_mode="active", bluez={"filters": filters or {}, "adapter": adapter}
        )

    def strengths(self) -> list[int]:
        return [rssi for _, rssi in self.adverts]

    def _heard(self, device: BLEDevice, advert: AdvertisementData) -> None:
        self.adverts.append((device.address, advert.rssi))
        self.data.append(advert.manufacturer_data)


@pytest.fixture
async def blue(tmp_path: Path) -> AsyncIterator[SimulatedBluez]:
    async with bluez(tmp_path) as simulated:
        yield simulated


async def test_each_advert_gives_one_callback_with_its_own_strength(blue: SimulatedBluez) -> None:
    heard = Heard(BOTH)
    strengths = [-60 - number % 3 for number in range(20)]
    async with heard.scanner:
        for rssi in strengths:
            assert (await blue.do(do="advertise", rssi=rssi, **BEACON))["heard"]
        await until(lambda: len(heard.adverts) >= 20)
    assert heard.strengths() == strengths
