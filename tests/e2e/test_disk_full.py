"""A disk that fills up under the real process: orders go on, the rest gives way, and it heals by itself."""

import asyncio
import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.shop import shop_under_test, until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a small file system needs mount, which needs root")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "state"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path) -> Path:
    """Take all that is free; again, what has become free."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler


def codes(status: dict[str, Any]) -> set[str]:
    return {condition["code"] for condition in status["conditions"]}


async def test_orders_go_on_and_everything_heals(tmp_path: Path, disk: Path) -> None:
    async with shop_under_test(tmp_path) as shop:
        await shop.agent()
        await shop.sell(50)
        filler = fill(disk)
        await shop.sell(230)
        await shop.until_recorded()
        status = await shop.status()
        assert codes(status) & {"disk_low", "disk_full"}, status
        filler.unlink()
        await shop.until_status(lambda status: not codes(status) & {"disk_low", "disk_full"})
        await shop.central()
        await shop.sell(20)
        await shop.until_equal()
        low = shop.events("o2o.agent.storage_low.v1")
        assert [event["level"] for event in low] in (["low", "ok"], ["ok"]), low


async def test_a_full_disk_with_no_reserve_left_waits_and_heals(tmp_path: Path, disk: Path) -> None:
    async with shop_under_test(tmp_path) as shop:
        await shop.central()
        await shop.agent()
        await shop.sell(20)
        filler = fill(disk)
        register = await shop.register("--interval=0.005", "--style=mixed")
        while "disk_full" not in codes(await shop.status()):
            fill(disk)  # somebody else takes what the agent gives up of its reserve
        filler.unlink()
        await shop.until_status(lambda status: "disk_full" not in codes(status))
        await register.stop()
        await shop.until_equal()


async def test_a_brimful_disk_does_not_keep_the_agent_from_stopping(tmp_path: Path, disk: Path) -> None:
    async with shop_under_test(tmp_path) as shop:
        agent, _ = await shop.agent()
        register = await shop.register("--interval=0.005", "--style=mixed")
        while "disk_full" not in codes(await shop.status()):
            fill(disk)
        began = asyncio.get_running_loop().time()
        assert await agent.stop() == 0
        assert asyncio.get_running_loop().time() - began < 10, "contract section 1"
        await register.kill()


async def test_kills_on_a_full_disk(tmp_path: Path, disk: Path, rng: random.Random) -> None:
    async with shop_under_test(tmp_path) as shop:
        agent, _ = await shop.agent()
        register = await shop.register("--interval=0.03", "--style=mixed")
        await until(lambda: len(shop.printed) > 20)
        filler = fill(disk)
        for _ in range(5):
            await asyncio.sleep(rng.uniform(0.1, 0.6))
            await agent.kill()
            agent, _ = await shop.agent()
        await register.stop()
        filler.unlink()
        await shop.central()
        await shop.until_equal()


async def test_starting_on_a_full_disk(tmp_path: Path, disk: Path) -> None:
    async with shop_under_test(tmp_path) as shop:
        agent, _ = await shop.agent()
        await shop.sell(20)
        await agent.kill()
        filler = fill(disk)
        agent, _ = await shop.agent()
        await shop.sell(20)
        await agent.kill()
        agent, _ = await shop.agent()
        await shop.sell(20)
        assert await agent.stop() == 0
        filler.unlink()
        await shop.agent()
        await shop.central()
        await shop.until_equal()
