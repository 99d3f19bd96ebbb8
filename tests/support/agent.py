"""Storage, sync and uplink, wired as the agent wires them, with a real broker on the other side."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from edge_agent.clock import Clock
from edge_agent.contract import data
from edge_agent.contract.events import Draft, Origin, Stream
from edge_agent.contract.ids import uuid7
from edge_agent.contract.topics import Topics
from edge_agent.health import Health
from edge_agent.shop.outcome import Outcome
from edge_agent.storage import Storage, StorageSettings
from edge_agent.sync import Sync
from edge_agent.uplink import Link, Uplink, UplinkSettings
from tests.support import golden
from tests.support.broker import until

TOPICS = Topics("acme", "sh-0001", "pc-1")
TYPES = {Stream.ORDERS: "o2o.order.completed.v1", Stream.CHECKINS: "o2o.code.presented.v1"}


@dataclass
class Agent:
    """The parts, and a shorthand to record events."""

    storage: Storage
    sync: Sync
    uplink: Uplink
    health: Health
    clock: Clock

    async def record(self, stream: Stream, count: int, *, text: str = "") -> list[str]:
        """Record events in one commit; return their ids. ``text`` makes a check-in code of that size."""
        drafts = [self._draft(stream, text) for _ in range(count)]
        await self.storage.commit(Outcome(tuple(drafts)))
        return [draft.id for draft in drafts]

    async def delivered(self) -> None:
        """Wait until nothing waits."""
        await until(lambda: all(self.storage.watermark(s) >= self.storage.last(s) for s in Stream), 30)

    def codes(self) -> dict[str, str]:
        """Return what is wrong, by part."""
        return {reported.part: reported.condition.code for reported in self.health.conditions()}

    def _draft(self, stream: Stream, text: str) -> Draft:
        at = self.clock.now()
        body = (
            golden.order("sale", 1)
            if stream is Stream.ORDERS
            else data.CodePresented(code=text or "6901234567892", touchpoint="till-1", occurred_at="2026-11-22")
        )
        kind = "o2o.order.completed.v1" if stream is Stream.ORDERS else "o2o.code.presented.v1"
        return Draft(uuid7(at.wall_ms), stream, kind, at, body, device="till-1-printer", subject="x", partitionkey="x")


@contextlib.asynccontextmanager
async def agent(
    folder: Path,
    port: int,
    *,
    acknowledge: Literal["central", "broker"] = "central",
    compression: Literal["zstd", "identity"] = "zstd",
    settings: UplinkSettings | None = None,
    connected: bool = True,
    beside: Callable[[Sync, Link], Coroutine[object, object, None]] | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Agent]:
    """Run an agent on ``folder``; ``connected`` False: only the storage runs. ``beside``: on each link as well."""

    async def session(link: Link) -> None:
        async with asyncio.TaskGroup() as both:
            both.create_task(sync.run(link))
            if beside is not None:
                both.create_task(beside(sync, link))

    clock = clock or Clock()
    health = Health(clock)
    origin = Origin(TOPICS.tenant, TOPICS.store, TOPICS.agent, golden.ORIGIN.zone)
    storage_settings = StorageSettings(compression=compression)
    async with Storage.open(folder, origin, clock, health, storage_settings, None) as storage:
        sync = Sync(storage, TOPICS, health, clock, acknowledge=acknowledge, random=lambda: 0.0)
        where = settings or UplinkSettings("127.0.0.1", port, TOPICS.client_id)
        uplink = Uplink(replace(where, port=port), TOPICS, health, clock, lambda: storage.epoch, jitter=lambda: 0.05)
        async with asyncio.TaskGroup() as scope:
            running = [scope.create_task(storage.run())]
            try:
                async with asyncio.TaskGroup() as inner:
                    if connected:
                        link = inner.create_task(uplink.run(session))
                    yield Agent(storage, sync, uplink, health, clock)
                    if connected:
                        link.cancel()
            finally:
                for task in running:
                    task.cancel()
