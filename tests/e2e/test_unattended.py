"""Nobody is there: the agent tells systemd how it is, and goes easy on what it dies of again and again."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge_agent.starts import CRASHES
from tests.support.manager_of_services import ServiceManager, service_manager
from tests.support.pushing import TRUSTING_TOML, HeadOffice, store_config, with_device
from tests.support.shop import ShopUnderTest, shop_under_test, until

WATCHDOG_S = 3.0


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
            assert "missing" not in (tmp_path / "stacks").read_text("utf-8"), "no device was waited for"
            await manager.until("STATUS=action: device/till-1-printer: device_missing")
            for _ in range(2):
                await manager.until("WATCHDOG=1", WATCHDOG_S)
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


async def test_after_five_crashes_the_sixth_run_reads_no_till_and_a_push_or_a_clean_stop_ends_that(
    shop: ShopUnderTest, manager: ServiceManager
) -> None:
    env = manager.environment()
    part, _ = await shop.agent(env=env)
    await shop.sell(3)
    await shop.until_recorded()  # and nobody at head office to take it
    await part.kill()
    for _ in range(CRASHES - 1):
        part, _ = await shop.agent(env=env)
        await part.kill()
    await shop.agent(env=env)
    await shop.until_status(lambda status: status["conditions"][0]["code"] == "safe_mode")
    status = await shop.status()
    assert status["level"] == "action"
    assert [device["state"] for device in status["devices"]] == ["down"]
    assert "safe mode" in status["devices"][0]["detail"]
    assert await _status_command(shop) == 1
    await manager.until("STATUS=action: safe_mode: safe_mode")

    await shop.central()
    await shop.until_equal()  # what was read before is delivered

    with HeadOffice(shop.store.broker.port) as office:
        office.push(with_device(store_config(), name="新收银"), 1, trial_seconds=1)
        await office.until(1, "committed")
    await shop.until_status(lambda status: status["conditions"] == [] or "safe_mode" not in json.dumps(status))
    await shop.sell(2)
    await shop.until_equal()


async def test_a_clean_stop_ends_safe_mode(shop: ShopUnderTest, manager: ServiceManager) -> None:
    env = manager.environment()
    for _ in range(CRASHES):
        part, _ = await shop.agent(env=env)
        await part.kill()
    part, _ = await shop.agent(env=env)
    await until(lambda: any(line.get("event") == "safe_mode_begins" for line in shop.log))
    assert await part.stop() == 0
    await manager.until("STOPPING=1")
    await shop.agent(env=env)
    await shop.sell(1)
    await shop.until_recorded()


async def _status_command(shop: ShopUnderTest) -> int:
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "edge_agent", "status", f"--config={shop.store.config}", stdout=PIPE
    )
    said, _ = await command.communicate()
    assert "taking a break" in said.decode() or "歇一会儿" in said.decode()
    assert command.returncode is not None
    return command.returncode
