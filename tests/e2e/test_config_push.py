"""Head office pushes a store config: each way it can be refused, and the one way in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.pty import Cable
from tests.support.pushing import TRUSTING_TOML, HeadOffice, refused, store_config, with_device
from tests.support.shop import ShopUnderTest, shop_under_test, until


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


async def test_a_config_takes_over_while_a_till_is_busy_and_no_order_is_lost(
    shop: ShopUnderTest, office: HeadOffice
) -> None:
    await shop.central()
    await shop.agent()
    register = await shop.register("--interval=0.02", "--style=mixed")
    await shop.until_up()
    for version in (1, 2, 3):
        office.push(with_device(store_config(), name=f"收银 {version}", idle_end=f"{version}s"), version)
        await office.until(version, "committed")
    await register.stop()
    assert len(shop.printed) > 100
    await shop.until_equal()
    await until(lambda: len(shop.events("o2o.config.committed.v1")) == 3)
    assert [event["version"] for event in shop.events("o2o.config.committed.v1")] == [1, 2, 3]


async def test_what_cannot_be_believed_is_told_by_its_code_and_changes_nothing(
    shop: ShopUnderTest, cable: Cable, office: HeadOffice
) -> None:
    await shop.agent()
    await shop.until_up()
    for code, envelope in refused(with_device(store_config(), name="新收银"), 9).items():
        office.send(envelope)
        report = await office.until(None, "rejected", code)
        assert report["running"] == report["last_known_good"]
        assert report["running"]["version"] == 0
    assert not (shop.store.folder / "state" / "config").exists()


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
    before = office.reports[-1]
    office.push(with_device(store_config(), name="旧收银"), 1)
    await office.until(1, "rejected", "not_newer")
    office.push(with_device(store_config(), name="旧收银"), 3, expires_in_s=-60)
    report = await office.until(3, "rejected", "expired")
    assert report["running"] == before["running"]
