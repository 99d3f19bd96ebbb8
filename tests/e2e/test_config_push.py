"""Head office pushes a store config: each way it can be refused, and the one way in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.pushing import TRUSTING_TOML, HeadOffice, store_config, with_device
from tests.support.pty import Cable
from tests.support.shop import ShopUnderTest, shop_under_test


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with shop_under_test(tmp_path, agent=TRUSTING_TOML) as running:
        yield running


@pytest.fixture
async def cable(shop: ShopUnderTest) -> AsyncIterator[Cable]:
    cable = Cable(shop.store.folder / "till-1")
    cable.plug()
    yield cable
    cable.close()


@pytest.fixture
async def office(shop: ShopUnderTest) -> AsyncIterator[HeadOffice]:
    with HeadOffice(shop.store.broker.port) as office:
        yield office


async def test_a_push_is_committed_and_an_invalid_one_is_not(
    shop: ShopUnderTest, cable: Cable, office: HeadOffice
) -> None:
    await shop.agent()
    await shop.until_up()
    sha256 = office.push(with_device(store_config(), name="新收银"), 1)
    report = await office.until(1, "committed")
    assert report["running"] == report["last_known_good"] == {"version": 1, "sha256": sha256}
    assert office.phases(1) == ["received", "verified", "staged", "trial", "committed"]

    office.push(with_device(store_config(), baudrate="fast"), 2)
    report = await office.until(2, "rejected", "invalid_config")
    assert "device[0].baudrate" in report["detail"]
    assert report["running"] == {"version": 1, "sha256": sha256}
