"""Nobody is there: the agent tells systemd how it is, and goes easy on what it dies of again and again."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from edge_agent.clock import Clock
from edge_agent.starts import CRASHES, FILE, Starts
from tests.support.broker import Listener
from tests.support.commanding import Desk
from tests.support.manager_of_services import ServiceManager, service_manager
from tests.support.pushing import TOPICS, TRUSTING_TOML, HeadOffice, store_config, with_device
from tests.support.shop import ShopUnderTest, shop_under_test, until

WATCHDOG_S = 1.5


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with shop_under_test(tmp_path, agent=TRUSTING_TOML) as running:
        yield running


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[ServiceManager]:
    with service_manager(tmp_path) as listening:
        yield listening


async def test_signs_of_life_come_while_the_loop_runs_and_stacks_when_it_does_not(
    shop: ShopUnderTest, manager: ServiceManager, tmp_path: Path
) -> None:
    with (tmp_path / "stacks").open("wb") as stderr:
        agent = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "edge_agent", "run", f"--config={shop.store.config}",
            env={**os.environ, **manager.environment(WATCHDOG_S)}, stderr=stderr, start_new_session=True,
        )  # fmt: skip
        try:
            await manager.until("READY=1")
            assert manager.said[0].startswith("EXTEND_TIMEOUT_USEC="), "opening the storage may take long"
            assert "missing" not in (tmp_path / "stacks").read_text("utf-8"), "no device was waited for"
            await manager.until("STATUS=action: device/till-1-printer: device_missing")
            for _ in range(2):
                await manager.until("WATCHDOG=1", 3 * WATCHDOG_S)
            os.kill(agent.pid, signal.SIGSTOP)  # a machine that sleeps
            await asyncio.sleep(1.2 * WATCHDOG_S)
            manager.hear()
            os.kill(agent.pid, signal.SIGCONT)
            await manager.until("WATCHDOG=1", 3 * WATCHDOG_S)
            assert "part_stalled" not in (tmp_path / "stacks").read_text("utf-8")
            holder = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.support.hanging", str(agent.pid), stdout=PIPE
            )
            assert holder.stdout is not None
            said = (await holder.stdout.readline()).decode().strip()
            if said.startswith("not permitted"):
                pytest.skip(f"ptrace is {said}")
            manager.hear()
            await asyncio.sleep(WATCHDOG_S)  # what systemd waits
            assert manager.hear() == []
            os.kill(agent.pid, signal.SIGABRT)
            async with asyncio.timeout(30):
                assert await agent.wait() == -signal.SIGABRT
            await holder.wait()
        finally:
            if agent.returncode is None:
                agent.kill()
                await agent.wait()
    stacks = (tmp_path / "stacks").read_text("utf-8")
    assert "Fatal Python error: Aborted" in stacks
    assert "in run" in stacks[stacks.index("Fatal Python error") :], "the loop's own frames are told"


async def test_after_five_crashes_the_sixth_run_reads_no_till_and_a_push_that_commits_ends_that(
    shop: ShopUnderTest, manager: ServiceManager
) -> None:
    env = manager.environment()
    crashed_before(shop, CRASHES - 1)
    part, _ = await shop.agent(env=env)
    await shop.sell(3)
    await shop.until_recorded()  # and nobody at head office to take it
    await part.kill()
    part, _ = await shop.agent(env=env)
    await until_safe_mode(shop)
    status = await shop.status()
    assert status["level"] == "action"
    assert [device["state"] for device in status["devices"]] == ["down"]
    assert "safe mode" in status["devices"][0]["detail"]
    assert said_to_people(await _page(shop))
    assert await _status_command(shop) == 1
    await manager.until("STATUS=action: safe_mode: safe_mode")

    await shop.central()
    await shop.until_equal()  # what was read before is delivered

    with HeadOffice(shop.store.broker.port) as office, Listener(shop.store.broker.port, TOPICS.health) as health:
        await until(lambda: any(b'"safe_mode"' in seen.payload for seen in health.seen))
        office.push(with_device(store_config(), name="坏收银"), 1, trial_seconds=60)
        await office.until(1, "trial")
        await part.kill()
        await shop.agent(env=env)
        await office.until(1, "rolled_back", "crashed")
        await until_safe_mode(shop)
        assert [device["name"] for device in (await shop.status())["devices"]] == ["1号收银小票"]

        office.push(with_device(store_config(), name="新收银"), 2, trial_seconds=1)
        await office.until(2, "committed")
        await shop.until_status(lambda status: "safe_mode" not in json.dumps(status))
    await shop.sell(2)
    await shop.until_equal()


async def test_what_the_disk_refuses_before_anything_runs_is_no_crash(
    shop: ShopUnderTest, manager: ServiceManager
) -> None:
    folder = shop.store.folder / "state"
    (folder / "hash.key").mkdir(parents=True)
    part = await shop.agent_unready(env=manager.environment())
    async with asyncio.timeout(30):
        assert await part.process.wait() == 3
    assert b'"ended":"failed"' in (folder / FILE).read_bytes()


async def test_the_restart_command_ends_safe_mode(shop: ShopUnderTest, manager: ServiceManager) -> None:
    crashed_before(shop, CRASHES)
    part, _ = await shop.agent(env=manager.environment())
    await until_safe_mode(shop)
    with Desk(shop.store.broker.port) as desk:
        await desk.until_there()
        desk.ask("restart")
        async with asyncio.timeout(30):
            assert await part.process.wait() == 0
    await manager.until("STOPPING=1")
    await shop.agent(env=manager.environment())
    await shop.sell(1)
    await shop.until_recorded()


def crashed_before(shop: ShopUnderTest, times: int) -> None:
    """Enter runs of this boot that ended without saying so, as the agent itself enters them."""
    folder, clock = shop.store.folder / "state", Clock()
    folder.mkdir(exist_ok=True)
    for _ in range(times):
        Starts(folder).begin(clock.now())


async def until_safe_mode(shop: ShopUnderTest) -> None:
    await shop.until_status(lambda status: "safe_mode" in [one["code"] for one in status["conditions"]])


def said_to_people(text: str) -> bool:
    return "taking a break" in text or "歇一会儿" in text


async def _page(shop: ShopUnderTest) -> str:
    async with aiohttp.ClientSession() as session, session.get(shop.url) as response:
        return await response.text()


async def _status_command(shop: ShopUnderTest) -> int:
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "edge_agent", "status", f"--config={shop.store.config}", stdout=PIPE
    )
    said, _ = await command.communicate()
    assert said_to_people(said.decode())
    assert command.returncode is not None
    return command.returncode
