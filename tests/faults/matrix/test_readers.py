"""What happens to the readers: afterwards head office holds each tap once."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge_agent.simulator.virtual_store import PEOPLE_TOML, STORE_TOML
from tests.e2e.test_people import checkins, device
from tests.support.bluez import needs_dbus
from tests.support.matrix import Books, Fault
from tests.support.shop import ShopUnderTest, shop_under_test

LONG = bool(os.environ.get("EDGE_AGENT_SEEDS"))
ROUNDS = 20 if LONG else 2
TROUBLES = ("unplug", "hang", "no_reply", "bad_checksum", "short_frame")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    needs_dbus()
    async with shop_under_test(tmp_path, store_toml=STORE_TOML + PEOPLE_TOML) as shop:
        await shop.central()
        yield shop


@pytest.mark.long
@pytest.mark.fault("devices", "NFC reader unplugged, hanging, silent, answering garbage")
async def test_reader(shop: ShopUnderTest, fault: Fault) -> None:
    reader = await shop.reader()
    await shop.bluez()
    await shop.agent()
    await shop.until_up("till-1-nfc")
    tapped: list[str] = []

    async def tap() -> None:
        tapped.append(f"A1B2C3{len(tapped):02X}")
        await shop.tap(reader, {"kind": "classic", "uid": tapped[-1]})

    await tap()
    for number in range(max(ROUNDS, len(TROUBLES))):
        trouble = TROUBLES[number % len(TROUBLES)]
        reader.tell("unplug") if trouble == "unplug" else reader.tell("fault", name=trouble)
        await shop.until_status(lambda status: device(status, "till-1-nfc")["state"] == "down")
        reader.tell("plug") if trouble == "unplug" else reader.tell("clear")
        await shop.until_up("till-1-nfc")
        await tap()
    fault.mended()
    await fault.settled(shop, books_of=lambda shop: Books.counting(map(str, range(len(tapped))), told_taps(shop)))


def told_taps(shop: ShopUnderTest) -> list[str]:
    """Return a number for each identity head office was told, in order: the values themselves are hashed."""
    values = [checkin["identity"]["value"] for checkin in checkins(shop)]
    known = {value: str(number) for number, value in enumerate(dict.fromkeys(values))}
    return [known[value] for value in values]
