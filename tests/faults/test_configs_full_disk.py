"""Config pushes on a disk that is full, for real."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from edge_agent.config import Config
from edge_agent.remote.configs import way
from tests.support.configs import Desk, desk
from tests.support.disk import small_disk, take_all
from tests.support.generation import configure
from tests.support.pty import Cable
from tests.support.pushing import store_config, with_device
from tests.support.storage import fill, until

GOOD = with_device(store_config(), name="新收银")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "state") as found:
        yield found


@pytest.fixture
def files(disk: Path, tmp_path: Path) -> Config:
    return configure(tmp_path)


@pytest.fixture
async def cable(files: Config, tmp_path: Path) -> AsyncIterator[Cable]:
    cable = Cable(tmp_path / "till-1")
    cable.plug()
    yield cable
    cable.close()


async def short(desk: Desk) -> None:
    """Wait until the storage has noticed; its reserve, for orders, has been given up by then."""
    codes = {"disk_full", "disk_low"}
    await until(lambda: any(one.condition.code in codes for one in desk.running.health.conditions()))


async def test_a_push_waits_for_room_that_orders_do_not_need(files: Config, cable: Cable, disk: Path) -> None:
    async with desk(files) as here:
        take_all(disk)
        await short(here)
        here.push(GOOD, 5)
        report = await here.until(5, "rolled_back", "storage_failed")
        assert report.running.version == 0
        assert here.line.version == 0
        assert not (disk / "config").exists()
        (disk / "filler").unlink()
        await here.until(5, "committed")
        assert here.line.committed[0].version == 5


async def test_a_shelf_that_takes_nothing_changes_nothing(files: Config, cable: Cable, disk: Path) -> None:
    async with desk(files) as here:
        (disk / "config").write_text("not a folder", "utf-8")
        envelope = here.push(GOOD, 5)
        await here.until(5, "rolled_back", "storage_failed")
        (disk / "config").unlink()
        here.configs.arrived(envelope)
        await here.until(5, "committed")


async def test_a_disk_that_fills_up_in_a_trial_fails_it_and_the_shelf_catches_up(
    files: Config, cable: Cable, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(way, "COMMIT_S", 1.0)
    async with desk(files) as here:
        await until(lambda: all(device.state == "up" for device in here.running.generation.devices.values()))
        here.push(GOOD, 5, trial_seconds=3)
        await here.until(5, "trial")
        await fill(disk, here.running.storage)
        report = await here.until(5, "rolled_back", "storage_failed")
        assert report.running.version == 0
        assert here.line.phase == "trial"
        (disk / "filler").unlink()
        await until(lambda: here.line.code == "storage_failed")
        assert here.line.committed == ()
    async with desk(files) as here:
        await here.until(5, "rolled_back", "storage_failed")
