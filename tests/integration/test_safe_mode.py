"""Safe mode on a real till: what is said meanwhile, how it ends, and what the next run makes of that."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge_agent.config import Config
from edge_agent.contract.events import Stream
from edge_agent.contract.remote import ConfigId
from edge_agent.errors import ConfigError
from edge_agent.safe_mode import safe_mode
from edge_agent.starts import CRASHES, Starts
from tests.support import generation
from tests.support.generation import Running, configure
from tests.support.pty import Cable
from tests.support.recaptures import printed
from tests.support.slips import sale
from tests.support.storage import until

TILL = "till-1-printer"
LAST, NEXT = ConfigId(1, "a" * 64), ConfigId(2, "b" * 64)


@pytest.fixture
def files(tmp_path: Path) -> Config:
    return configure(tmp_path)


@pytest.fixture
async def cable(files: Config, tmp_path: Path) -> AsyncIterator[Cable]:
    cable = Cable(tmp_path / "till-1")
    cable.plug()
    yield cable
    cable.close()


def crashed(folder: Path, running: Running) -> Starts:
    starts = Starts(folder)
    for _ in range(CRASHES + 1):
        starts.begin(running.clock.now())
    assert starts.record.is_held
    return starts


def codes(running: Running) -> list[str]:
    return [reported.condition.code for reported in running.health.conditions()]


def state(running: Running) -> str:
    return running.generation.devices[TILL].state


async def test_the_pause_ends_it_nothing_is_lost_and_another_crash_doubles_it(
    files: Config, cable: Cable, tmp_path: Path
) -> None:
    async with generation.running(files, is_held=True) as running, asyncio.TaskGroup() as group:
        starts = crashed(tmp_path, running)
        mode = safe_mode(running.generations, starts, lambda: LAST, running.health, running.clock, pause_s=1.0)
        ending = group.create_task(mode)
        await until(lambda: codes(running) == ["safe_mode"] and state(running) == "down")
        (reported,) = running.health.conditions()
        assert f"crashed {CRASHES} times in a row" in reported.condition.detail
        with pytest.raises(ConfigError, match="safe mode"):
            await running.generation.restart(TILL)
        await cable.write(printed(sale()))
        await until(lambda: cable.unread() > 0)
        await ending
        await until(lambda: state(running) == "up" and not cable.unread() and codes(running) == [])
        await until(lambda: running.storage.last(Stream.ORDERS) == 1)
        assert not starts.record.is_held
        again = Starts(tmp_path).begin(running.clock.now())
    assert (again.is_held, again.pause_s) == (True, 2 * starts.record.pause_s)


async def test_a_new_last_known_good_ends_it_and_clears_the_count(files: Config, cable: Cable, tmp_path: Path) -> None:
    good = [LAST]
    async with generation.running(files, is_held=True) as running, asyncio.TaskGroup() as group:
        starts = crashed(tmp_path, running)
        mode = safe_mode(running.generations, starts, lambda: good[0], running.health, running.clock, pause_s=3600.0)
        ending = group.create_task(mode)
        await until(lambda: codes(running) == ["safe_mode"])
        running.health.news()
        await asyncio.sleep(0)
        assert not ending.done(), "news of anything else"
        good[0] = NEXT
        running.health.news()
        await ending
        await until(lambda: state(running) == "up" and codes(running) == [])
        assert Starts(tmp_path).begin(running.clock.now()).crashes == 1, "this run's own end, were it one"


async def test_a_config_on_trial_is_run_and_the_one_it_goes_back_to_is_held_again(
    files: Config, cable: Cable, tmp_path: Path
) -> None:
    async with generation.running(files, is_held=True) as running:
        await running.generations.change(configure(tmp_path))
        await until(lambda: state(running) == "up")
        await running.generations.change(files)
        assert running.generation.is_held
        await until(lambda: state(running) == "down")
        await cable.write(printed(sale()))
        await until(lambda: cable.unread() > 0)
        await running.generations.release()
        await until(lambda: state(running) == "up" and not cable.unread())
        await until(lambda: running.storage.last(Stream.ORDERS) == 1)
