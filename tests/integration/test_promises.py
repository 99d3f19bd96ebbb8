"""Which bad days break the promise of the storage, and which do not: real SQLite, on a clock that can be turned."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge_agent.clock import Clock
from edge_agent.contract.events import Stream
from edge_agent.health import Health
from edge_agent.simulator.broker import Broker
from edge_agent.storage import Storage
from edge_agent.storage.writer import PART
from edge_agent.sync import sync
from tests.support.agent import agent
from tests.support.broker import needs_mosquitto
from tests.support.central import CentralProcess
from tests.support.storage import HurriedClock, of, order, running, until

YEAR_MS = 365 * 86_400_000
PROMISE_MS = 180_000


@asynccontextmanager
async def held_up(storage: Storage) -> AsyncIterator[None]:
    """Have the storage's thread hang until the context ends."""
    go_on, stuck = threading.Event(), threading.Event()

    def hang(_: object) -> None:
        stuck.set()
        go_on.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(storage._thread.run(hang))
        await asyncio.to_thread(stuck.wait)
        try:
            yield
        finally:
            go_on.set()


@pytest.mark.parametrize("years", [1, -1])
async def test_a_wall_clock_that_steps_breaks_none(tmp_path: Path, years: int) -> None:
    clock = HurriedClock()
    health = Health(clock)
    async with running(tmp_path / "state", clock=clock, health=health) as storage:
        await storage.commit(of(order(1)))
        clock.wall_ms = Clock().now().wall_ms + years * YEAR_MS
        await storage.commit(of(order(2)))
        assert health.stalled() == []


async def test_what_is_read_behind_a_disk_that_hangs_is_the_storages_promise_not_the_syncs(tmp_path: Path) -> None:
    needs_mosquitto()
    clock = HurriedClock()
    with Broker(tmp_path / "broker") as broker, CentralProcess(tmp_path, broker.port, "--quiet"):
        async with agent(tmp_path / "state", broker.port) as box:
            await box.record(Stream.ORDERS, 5)
            await box.delivered()
        async with agent(tmp_path / "state", broker.port, clock=clock) as box:
            await until(lambda: box.sync.connected and sync.PART in box.health._progress, 10)
            async with held_up(box.storage):
                box.sync._repeats.want(Stream.ORDERS, 1, 5)
                box.sync._wake.set()
                await asyncio.sleep(0.2)  # that it waits for the disk is seen by nothing that comes
                clock.passed_ms += PROMISE_MS - 10_000
                assert sync.PART not in box.health.stalled()
            await until(lambda: box.sync.resends == 1, 10)
            assert sync.PART in box.health._progress, "it promises again"


async def test_a_transaction_may_take_as_long_as_the_kernel_has_patience_and_no_longer(tmp_path: Path) -> None:
    clock = HurriedClock()
    health = Health(clock)
    async with running(tmp_path / "state", clock=clock, health=health) as storage, asyncio.TaskGroup() as group:
        async with held_up(storage):
            commit = group.create_task(storage.commit(of(order(1))))
            await asyncio.sleep(1.2)  # a tick: the mark of before is the last
            clock.passed_ms += PROMISE_MS - 10_000
            assert health.stalled() == []
            clock.passed_ms += 10_001
            assert health.stalled() == [PART]
        await commit
        await until(lambda: health.stalled() == [], 10)
