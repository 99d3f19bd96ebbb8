"""Signs of life: while every part keeps its promises, and however long nobody had time for any of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge_agent.health import Condition, Health, Level
from edge_agent.notify import Notifier
from edge_agent.watchdog import starting, told, watched
from tests.support.manager_of_services import ServiceManager, service_manager
from tests.unit.test_health import Ticking

WATCHDOG_S = 0.3
HOUR_MS = 3_600_000


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[ServiceManager]:
    with service_manager(tmp_path) as listening:
        yield listening


def notifier(manager: ServiceManager, watchdog_s: float = WATCHDOG_S) -> Notifier:
    return Notifier.of(manager.environment(watchdog_s))


@asynccontextmanager
async def watching(health: Health, manager: ServiceManager) -> AsyncIterator[list[list[str]]]:
    stuck: list[list[str]] = []
    async with asyncio.TaskGroup() as group:
        task = group.create_task(watched(health, notifier(manager), stuck.append))
        yield stuck
        task.cancel()


async def test_a_part_that_is_stuck_ends_the_signs_is_told_once_and_may_come_back(manager: ServiceManager) -> None:
    clock = Ticking()
    health = Health(clock)
    health.progress("storage", within_ms=1_000)
    health.progress("uplink", within_ms=2 * HOUR_MS)
    async with watching(health, manager) as stuck:
        await manager.until("WATCHDOG=1")
        clock.uptime_ms += 1_001
        async with asyncio.timeout(10):
            while not stuck:
                await asyncio.sleep(0.01)
        manager.hear()
        await asyncio.sleep(2 * WATCHDOG_S)
        assert (manager.hear(), stuck) == ([], [["storage"]])
        health.progress("storage", within_ms=1_000)
        await manager.until("WATCHDOG=1")


async def test_a_machine_that_had_no_time_for_anybody_breaks_no_promise(manager: ServiceManager) -> None:
    clock = Ticking()
    health = Health(clock)

    async def part() -> None:
        while True:
            health.progress("storage", within_ms=1_000)
            await asyncio.sleep(WATCHDOG_S / 10)

    async with watching(health, manager) as stuck, asyncio.TaskGroup() as group:
        task = group.create_task(part())
        for _ in range(5):
            clock.uptime_ms += HOUR_MS  # nobody ran; whoever looks first finds all promises broken
            manager.hear()
            await manager.until("WATCHDOG=1", 10)
        assert stuck == []
        task.cancel()


async def test_time_is_asked_for_while_it_starts_and_not_afterwards(manager: ServiceManager) -> None:
    async with starting(notifier(manager)):
        await manager.until("EXTEND_TIMEOUT_USEC=60000000")
    async with starting(Notifier()):
        await asyncio.sleep(0)
    assert manager.hear() == []


async def test_how_it_is_is_told_when_the_worst_is_another(manager: ServiceManager) -> None:
    health = Health(Ticking())
    async with asyncio.TaskGroup() as group:
        telling = group.create_task(told(health, notifier(manager)))
        await manager.until("STATUS=ok")
        health.report("link", Condition("refused", Level.ATTENTION, "a\nb"))
        await manager.until("STATUS=attention: link: refused")
        health.report("safe_mode", Condition("safe_mode", Level.ACTION))
        await manager.until("STATUS=action: safe_mode: safe_mode (and 1 more)")
        telling.cancel()
