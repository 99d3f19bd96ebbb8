"""One generation after another on a disk that is full, for real: tills wait for room, a turn does not."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from edge_agent.config import Config
from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support.disk import small_disk, take_all
from tests.support.generation import Running, configure, running
from tests.support.pty import Cable
from tests.support.till import Till
from tests.support.turns import RENAMED, TILL, all_recorded, is_amid, numbers, up

PRINTED = 2
PATIENT = 'idle_end = "30s"\n'  # turns on a full disk take a second or two, in which the till says nothing


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "state") as found:
        yield found


@pytest.fixture
def config(disk: Path, tmp_path: Path) -> Config:
    return configure(tmp_path, store=STORE_TOML + PATIENT)


@pytest.fixture
async def cable(config: Config, tmp_path: Path) -> AsyncIterator[Cable]:
    cable = Cable(tmp_path / "till-1")
    cable.plug()
    yield cable
    cable.close()


async def print_until_it_waits(shop: Running, cable: Cable, till: Till, disk: Path) -> None:
    """Fill the disk; print until not even the reserve has room."""
    device = shop.generation.devices[TILL]
    async with asyncio.timeout(60):
        waiting = 0
        while waiting < 50:  # half a second: a disk with room takes an order in a few milliseconds
            take_all(disk)
            if device.recording_ms is None:
                waiting = 0
                await cable.write(till.ring("zh-retail"))
            waiting += 1
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("is_renamed", [False, True])
async def test_a_turn_waits_for_no_room_and_loses_nothing(
    tmp_path: Path, disk: Path, config: Config, cable: Cable, *, is_renamed: bool
) -> None:
    till = Till(books := dict[str, int](), random.Random(21))
    other = configure(tmp_path, store=RENAMED + PATIENT) if is_renamed else config
    async with running(config) as shop:
        await up(shop, TILL)
        await print_until_it_waits(shop, cable, till, disk)
        for turn in range(PRINTED):
            receipt = till.ring("zh-retail")
            await cable.write(receipt[:200])
            await shop.generations.change(config if turn % 2 else other)
            await cable.write(receipt[200:])
        (disk / "filler").unlink()
        if not is_renamed:
            await all_recorded(shop.storage, books)
            assert await numbers(shop.storage) == list(books)
            return
        await shop.generations.change(config)
        await cable.write(till.ring("zh-retail"))
        async with asyncio.timeout(30):
            while len(set(await numbers(shop.storage)) & set(books)) < len(books) - PRINTED:
                await asyncio.sleep(0.05)
        recorded = await numbers(shop.storage)
        assert len(recorded) == len(set(recorded)), "none twice"
        assert not is_amid(shop)
