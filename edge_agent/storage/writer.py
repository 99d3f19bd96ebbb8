"""The one writer: waiting outcomes become one transaction; between them the house is kept."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from edge_agent.clock import Clock, Moment
from edge_agent.errors import StorageError
from edge_agent.health import Condition, Health, Level
from edge_agent.shop.outcome import Outcome
from edge_agent.storage import state
from edge_agent.storage.connection import FullError
from edge_agent.storage.housekeeping import Housekeeping
from edge_agent.storage.recorder import Recorder
from edge_agent.storage.thread import StorageThread

PART = "storage"

_GROUP = 1000  # outcomes in a transaction: some 200 KB packed, within the smallest log there is
_TICK_SECONDS = 1.0  # a watermark waits at most this long for its place on disk
RETRY_SECONDS = 1.0  # a full disk is looked at this often
_HOUSEKEEPING_MS = 60_000
_SPACE_MS = 5_000
# Ticks of a second, and 30 s for a slow disk's single transaction: beyond that the process is better restarted.
_PROGRESS_MS = 30_000

_log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class _Entry:
    outcome: Outcome
    done: asyncio.Future[None]


@dataclass(slots=True)
class Writer:
    """Group commit. ``recorded`` is called in the loop after each COMMIT that held events."""

    thread: StorageThread
    recorder: Recorder
    housekeeping: Housekeeping
    clock: Clock
    health: Health
    state: state.State
    recorded: Callable[[], None]
    _waiting: dict[_Entry, None] = field(default_factory=dict)
    _flying: list[_Entry] = field(default_factory=list)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _landed: asyncio.Event = field(default_factory=asyncio.Event)  # no group is on its way to the disk
    _housekept_ms: int | None = None
    _space_seen_ms: int = 0
    _ended: bool = False

    async def commit(self, outcome: Outcome) -> None:
        """Return once ``outcome`` is durable; if cancelled, once it is either durable or certain never to be."""
        if self._ended:
            raise StorageError("the storage has stopped")
        entry = _Entry(outcome, asyncio.get_running_loop().create_future())
        self._waiting[entry] = None
        self._wake.set()
        try:
            await entry.done
        except asyncio.CancelledError:
            if entry in self._waiting:
                del self._waiting[entry]
            else:
                await self._landed.wait()
            raise

    async def run(self) -> None:
        """Write until cancelled. Raises StorageError when the database cannot be used any more."""
        failure: BaseException = StorageError("the storage has stopped")
        try:
            while True:
                self.health.progress(PART, within_ms=_PROGRESS_MS)
                await self._turn()
        except StorageError as error:
            failure = error
            raise
        finally:
            self._ended = True
            self._landed.set()
            for entry in (*self._flying, *self._waiting):
                if not entry.done.done():
                    entry.done.set_exception(failure)
                    entry.done.exception()  # marks it as seen: a producer that is gone does not ask
            self._waiting.clear()

    async def _turn(self) -> None:
        if not self._waiting:
            self._wake.clear()
            try:
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                await self._idle()
                return
        await self._write_group()
        at = self.clock.now()
        if self._housekept_ms is not None and at.uptime_ms - self._housekept_ms >= 2 * _HOUSEKEEPING_MS:
            await self._keep_house(at)  # never idle: still now and then

    async def _write_group(self) -> None:
        self._flying = group = list(itertools.islice(self._waiting, _GROUP))
        for entry in group:
            del self._waiting[entry]
        written = await self._write([entry.outcome for entry in group])
        self._flying = []
        if not written:
            self._waiting = dict.fromkeys([*(entry for entry in group if not entry.done.cancelled()), *self._waiting])
            await asyncio.sleep(RETRY_SECONDS)
            return
        for entry in group:
            state.apply(self.state, entry.outcome.state)
            if not entry.done.done():
                entry.done.set_result(None)
        if any(entry.outcome.events for entry in group):
            self.recorded()

    async def _write(self, outcomes: list[Outcome]) -> bool:
        """Write one transaction. Returns False if the disk is so full that it must wait; nothing was written then."""
        at = self.clock.now()
        self._landed.clear()
        try:
            await self.thread.run(lambda connection: self.recorder.record(connection, outcomes, at))
        except FullError:
            self._report(full=True)
            return False
        finally:
            self._landed.set()
        self._report(full=False)
        return True

    async def flush(self) -> None:
        """Save the watermarks that are only in memory. Raises FullError, StorageError."""
        at = self.clock.now()
        if self._unsaved():
            await self.thread.run(lambda connection: self.recorder.record(connection, [], at))

    def _unsaved(self) -> bool:
        return any(position.upto != position.saved for position in self.recorder.outbox.ledger.positions.values())

    async def _idle(self) -> None:
        at = self.clock.now()
        if self._space_changed(at) and await self._write([]):
            self.recorded()
        elif self._unsaved():
            await self._write([])
        if self._housekept_ms is None or at.uptime_ms - self._housekept_ms >= _HOUSEKEEPING_MS:
            await self._keep_house(at)

    def _space_changed(self, at: Moment) -> bool:
        if at.uptime_ms - self._space_seen_ms < _SPACE_MS:
            return False
        self._space_seen_ms = at.uptime_ms
        return self.recorder.notice()

    async def _keep_house(self, at: Moment) -> None:
        try:
            more, forgotten = await self.thread.run(lambda connection: self.housekeeping.step(connection, at))
        except FullError:
            return  # the next group makes room, or says that there is none
        state.apply(self.state, forgotten)
        if not more:
            self._housekept_ms = at.uptime_ms

    def _report(self, *, full: bool) -> None:
        condition = None
        if full:
            condition = Condition("disk_full", Level.ACTION, "the disk is full: orders wait; delete files on it")
        elif self.recorder.low:
            condition = Condition("disk_low", Level.ATTENTION, "the disk is nearly full: delete files on it")
        if self.health.report(PART, condition) and full:
            _log.error("storage_full", free=self.recorder.space.free())
