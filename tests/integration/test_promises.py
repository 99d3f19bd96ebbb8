"""Which bad days break the promise of the storage, and which do not: real SQLite, on a clock that can be turned."""

import asyncio
import threading
from pathlib import Path

import pytest

from edge_agent.clock import Clock
from edge_agent.health import Health
from edge_agent.storage.writer import PART
from tests.support.storage import HurriedClock, of, order, running, until

YEAR_MS = 365 * 86_400_000
PROMISE_MS = 180_000


@pytest.mark.parametrize("years", [1, -1])
async def test_a_wall_clock_that_steps_breaks_none(tmp_path: Path, years: int) -> None:
    clock = HurriedClock()
    health = Health(clock)
    async with running(tmp_path / "state", clock=clock, health=health) as storage:
        await storage.commit(of(order(1)))
        clock.wall_ms = Clock().now().wall_ms + years * YEAR_MS
        await storage.commit(of(order(2)))
        assert health.stalled() == []


async def test_a_transaction_may_take_as_long_as_the_kernel_has_patience_and_no_longer(tmp_path: Path) -> None:
    clock = HurriedClock()
    health = Health(clock)
    async with running(tmp_path / "state", clock=clock, health=health) as storage, asyncio.TaskGroup() as group:
        go_on, stuck = threading.Event(), threading.Event()

        def hang(_: object) -> None:
            stuck.set()
            go_on.wait()

        try:
            holding = group.create_task(storage._thread.run(hang))
            await asyncio.to_thread(stuck.wait)
            commit = group.create_task(storage.commit(of(order(1))))
            await asyncio.sleep(1.2)  # a tick: the mark of before is the last
            clock.passed_ms += PROMISE_MS - 10_000
            assert health.stalled() == []
            clock.passed_ms += 10_001
            assert health.stalled() == [PART]
        finally:
            go_on.set()
        await holding
        await commit
        await until(lambda: health.stalled() == [], 10)
