"""A config on trial that goes wrong, in every way it can: the store is back on the last known good by itself."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge_agent.config.shelf import Line, Shelf
from tests.support.pty import Cable
from tests.support.pushing import TRUSTING_TOML, HeadOffice, store_config, with_device
from tests.support.shop import ShopUnderTest, shop_under_test, until

GOOD = with_device(store_config(), name="新收银")
HANG_S = 60.0  # only ends a test; the hang watch takes 5 s


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


def line(shop: ShopUnderTest) -> Line:
    """Return what a process that starts now would find."""
    return Shelf(shop.store.folder / "state" / "config").line()


async def test_a_config_that_breaks_a_till_and_one_that_cannot_read_it_go_back(
    shop: ShopUnderTest, office: HeadOffice
) -> None:
    await shop.agent()
    register = await shop.register("--interval=0.02", "--style=mixed")
    await shop.until_up()
    office.push(with_device(store_config(), port="nothing-here"), 1)
    report = await office.until(1, "rolled_back", "device_failed")
    assert report["detail"].startswith("till-1-printer: missing")
    assert report["running"] == report["last_known_good"]
    await shop.until_up()

    misread = with_device(store_config(), decoder="lines", format="json")
    del misread["device"][0]["encoding"]
    office.push(misread, 2, trial_seconds=3)
    report = await office.until(2, "rolled_back", "device_failed")
    assert report["running"]["version"] == 0
    await shop.until_up()
    await register.stop()


async def test_a_link_that_goes_in_a_trial_and_stays_away_takes_it_back(
    shop: ShopUnderTest, cable: Cable, office: HeadOffice
) -> None:
    await shop.agent()
    await shop.until_up()
    office.push(GOOD, 1)
    await office.until(1, "trial")
    shop.store.broker.stop()
    await until(lambda: line(shop).phase == "rolled_back")
    assert line(shop).code == "link_failed"
    shop.store.broker.start()
    report = await office.until(1, "rolled_back", "link_failed")
    assert report["running"]["version"] == 0


async def test_an_agent_that_is_killed_at_any_moment_knows_what_it_was_at(
    shop: ShopUnderTest, cable: Cable, office: HeadOffice
) -> None:
    agent, _ = await shop.agent()
    await shop.until_up()
    good = 0
    for version, moment in enumerate(("verified", "staged", "trial", "committed"), start=1):
        office.push(GOOD, version)
        async with asyncio.timeout(HANG_S):
            while line(shop).version < version or line(shop).phase not in {moment, "committed"}:
                await asyncio.sleep(0)  # a phase may pass within milliseconds
        await agent.kill()
        at_death = line(shop)
        agent, _ = await shop.agent()
        if at_death.phase == "trial":
            report = await office.until(version, "rolled_back", "crashed")
        else:
            report = await office.until(version, "committed")
            good = version
        assert report["running"] == report["last_known_good"]
        assert report["running"]["version"] == good
        await shop.until_up()
    assert "rolled_back" in office.phases(3)


async def test_a_stop_in_a_trial_is_no_failure(shop: ShopUnderTest, cable: Cable, office: HeadOffice) -> None:
    agent, _ = await shop.agent()
    await shop.until_up()
    office.push(GOOD, 1, trial_seconds=2)
    await office.until(1, "trial")
    assert await agent.stop() == 0
    assert line(shop).phase == "staged"
    await shop.agent()
    await office.until(1, "committed")
    assert office.phases(1) == ["received", "verified", "staged", "trial", "staged", "trial", "committed"]


async def test_an_agent_that_hangs_in_a_trial_ends_itself_and_says_so(
    shop: ShopUnderTest, cable: Cable, office: HeadOffice
) -> None:
    agent, _ = await shop.agent()
    await shop.until_up()
    office.push(GOOD, 1, trial_seconds=3)
    await office.until(1, "trial")
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.hanging", str(agent.process.pid), stdout=PIPE
    )
    try:
        assert holder.stdout is not None
        said = (await holder.stdout.readline()).decode().strip()
        if said.startswith("not permitted"):
            pytest.skip(f"ptrace is {said}")
        assert said == "stopped"
        async with asyncio.timeout(HANG_S):
            assert await agent.process.wait() == 1
    finally:
        if holder.returncode is None:
            holder.kill()
        await holder.wait()
    await shop.agent()
    report = await office.until(1, "rolled_back", "hung")
    assert report["running"]["version"] == 0
    assert report["detail"].startswith("hung in ")
    await shop.until_up()
