"""Commits, acknowledgements, rewinds, evictions, new epochs, restarts in any order against a model of a few lines."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge_agent.contract.events import Stream
from edge_agent.shop.outcome import StateChange
from edge_agent.storage import Storage, rows
from edge_agent.storage.shedding import BITE_BYTES, _evict_oldest
from tests.support.storage import frames, held, of, running, small

STREAM = Stream.PRESENCE
T = TypeVar("T")


class OutboxMachine(RuleBasedStateMachine):
    """``ids``: sequence -> id of what was committed in this epoch; ``named``: sequences that a gap may stand for."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.ids: dict[int, str] = {}
        self.named: set[int] = set()
        self.last = self.upto = self.facts = 0
        self.storage: Storage
        self.stack: AsyncExitStack
        self.run(self._start())
        self.epoch = self.storage.epoch
        self.sending = False

    def run(self, operation: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(operation)

    async def _start(self) -> None:
        self.stack = AsyncExitStack()
        self.storage = await self.stack.enter_async_context(running(Path(self.folder.name)))

    @rule(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=4))
    def commit(self, sizes: list[int]) -> None:
        async def work() -> None:
            async with asyncio.TaskGroup() as producers:
                for drafts in batches:
                    fact = StateChange("count", "n", b"%d" % self.facts)
                    producers.create_task(self.storage.commit(of(*drafts, state=[fact])))

        batches = [[small(STREAM, n) for n in range(size)] for size in sizes]
        self.facts += 1
        self.run(work())
        for draft in (draft for drafts in batches for draft in drafts):
            self.last += 1
            self.ids[self.last] = draft.id

    @rule(share=st.floats(0, 1.2))
    def acknowledge(self, share: float) -> None:
        if not self.sending:
            self.run(self.storage.about_to_send())
            self.sending = True
        upto = int(self.last * share)
        self.storage.acknowledge(STREAM, upto)
        self.upto = max(self.upto, min(upto, self.last))

    @rule(share=st.floats(0, 1))
    def rewind(self, share: float) -> None:
        upto = int(self.last * share)
        self.run(self.storage.rewind(STREAM, upto))
        self.upto = min(self.upto, upto)

    @rule(first=st.integers(-3, 300), width=st.integers(0, 100))
    def hold(self, first: int, width: int) -> None:
        self.run(self.storage.hold(STREAM, first, first + width))
        found = self.run(frames(self.storage, STREAM))
        covered = {n for frame in found for n in range(frame.first, frame.last + 1)}
        assert set(range(max(1, first), min(first + width, self.last) + 1)) <= covered

    @rule(count=st.integers(1, 3))
    def forget_delivered(self, count: int) -> None:
        def work(connection: sqlite3.Connection) -> None:
            for head in rows.heads(connection, STREAM, 0, count):
                if head.last <= self.upto and head.last != self.last:
                    rows.delete(connection, STREAM, head.first, head.first)
                    self.named.update(range(head.first, head.last + 1))

        self.run(self.storage._thread.run(work))

    @rule()
    def evict(self) -> None:
        recorder, at = self.storage._recorder, self.storage._clock.now()
        before = self.run(held(self.storage, STREAM))
        evicted = self.run(self.storage._thread.run(lambda c: _evict_oldest(c, recorder.outbox, STREAM, at)))
        events = [item for item in before if item.gap is None]
        assert evicted <= len(events)
        assert evicted or len(events) < BITE_BYTES
        self.named.update(item.last for item in events[:evicted])

    @rule(reason=st.sampled_from(["cloned", "rolled_back"]))
    def begin_epoch(self, reason: str) -> None:
        before = self.run(held(self.storage, STREAM))
        self.run(self.storage.begin_epoch(reason))
        assert self.storage.epoch != self.epoch
        self.epoch, self.sending = self.storage.epoch, False
        self.ids, self.named, upto = {}, set(), self.upto
        for item in before:
            if item.gap is None:
                self.ids[item.last - upto] = item.id
            else:
                self.named.update(range(item.first - upto, item.last - upto + 1))
        self.last, self.upto = self.last - upto, 0

    @rule()
    def reopen(self) -> None:
        self.run(self.stack.aclose())
        self.run(self._start())
        self.sending = False

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "storage"):
            return
        assert (self.storage.last(STREAM), self.storage.watermark(STREAM)) == (self.last, self.upto)
        assert self.storage.waiting_events(STREAM) == self.last - self.upto
        assert self.storage.epoch == self.epoch
        if self.facts:
            assert self.storage.state("count") == {"n": b"%d" % self.facts}
        following = self.upto + 1
        for item in self.run(held(self.storage, STREAM)):
            assert max(item.first, self.upto + 1) == following
            following = item.last + 1
            if item.gap is None:
                assert self.ids[item.last] == item.id
            else:
                assert set(range(max(item.first, self.upto + 1), item.last + 1)) <= self.named
        assert following == self.last + 1

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.run(self.stack.aclose())
            self.loop.close()
            self.folder.cleanup()


OutboxMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25)
TestOutbox = OutboxMachine.TestCase
