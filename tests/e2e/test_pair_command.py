"""`edge-agent pair`, from the installer's terminal to the manager's first session."""

import asyncio
import re
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from edge_agent.simulator.virtual_store import AGENT_TOML
from tests.support.command import edge_agent
from tests.support.generation import configure
from tests.support.shop import ShopUnderTest, shop_under_test

ENGLISH = {"LC_ALL": "C.UTF-8"}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with shop_under_test(tmp_path) as found:
        yield found


async def test_the_code_it_prints_lets_the_manager_in_once(shop: ShopUnderTest) -> None:
    _, url = await shop.agent()
    done = await asyncio.to_thread(edge_agent, "pair", "--config", shop.store.config, env=ENGLISH)
    assert (done.code, done.err) == (0, "")
    found = re.fullmatch(r"One-time code: (\d{4} \d{4})", done.lines[0])
    assert found is not None
    assert re.search(r"15 minutes \(until \d\d:\d\d\)", done.lines[1])

    async with aiohttp.ClientSession(headers={"Origin": url.rstrip("/")}) as session:
        for status in (200, 403):
            async with session.post(f"{url}api/pair", json={"pairing": found[1], "code": "271828"}) as answer:
                assert answer.status == status
    (kept,) = shop.store.folder.rglob("manager.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert not [line for line in shop.log if found[1].replace(" ", "") in str(line) or "271828" in str(line)]


def test_without_an_agent_there_is_no_code(tmp_path: Path) -> None:
    configure(tmp_path, agent=AGENT_TOML)
    done = edge_agent("pair", "--config", tmp_path / "agent.toml")
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith("not running")
