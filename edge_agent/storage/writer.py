"""The one writer: waiting outcomes become one transaction; between them the house is kept."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from edge_agent.storage.rescue import Rescue
from edge_agent.storage.thread import StorageThread

PART = "storage"

_GROUP = 1000  # outcomes in a transaction: some 200 KB packed, within the smallest log there is
_TICK_SECONDS = 1.0  # a watermark waits at most this long for its place on disk
RETRY_SECONDS = 1.0  # a full disk is looked at this often
_HOUSEKEEPING_MS = 60_000
# Packing a capture takes the interpreter from the order it belongs to, which is with the broker 1 ms after its COMMIT.
_CAPTURES_AFTER_SECONDS = 0.05
# Marked every second and after each transaction. One may take as long as the kernel itself has patience with a disk
# that does not answer: 30 s a command, sent six times (Linux, drivers/scsi/sd.h: SD_TIMEOUT, SD_MAX_RETRIES); then it
# says EIO. A process that is ended earlier meets the same disk again, and reads no till meanwhile.
_PROGRESS_MS = 180_000
_LONG_PROGRESS_MS = 600_000  # a million lone frames at some 0.1 ms each, five times over

_log = structlog.get_logger()


@dataclass(slots=True)
class Writer:
    """Group commit. ``recorded`` is called in the loop after each COMMIT that held events."""

    thread: StorageThread
    recorder: Recorder
    housekeeping: Housekeeping
    rescue: Rescue
    clock: Clock
    health: Health
    state: state.State
    recorded: Callable[[], None]
    _waiting: dict[asyncio.Future[None], Outcome] = field(default_factory=dict)
    _flying: dict[asyncio.Future[None], Outcome] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _landed: asyncio.Event = field(default_factory=asyncio.Event)  # no group is on its way to the disk
    _captured: list[Outcome] = field(default_factory=list)  # recorded, their captures not yet written
    _captures_due: bool = False
    _timer: asyncio.TimerHandle | None = None
    promise_ms: int = _PROGRESS_MS  # longer while somebody else's long transaction is known to be on its way
    _ticked: bool = False
    _reported: bool = False  # something is wrong, and health knows
    _housekeeping_ms: int = 0  # when it is due next, by uptime
    _ended: bool = False

    async def commit(self, outcome: Outcome) -> None:
        """Return once ``outcome`` is durable; if cancelled, once it is either durable or certain never to be."""
        if self._ended:
            raise StorageError("the storage has stopped")
        done = asyncio.get_running_loop().create_future()
        self._waiting[done] = outcome
        self._wake.set()
        try:
            await done
        except asyncio.CancelledError:
            if done in self._waiting:
                del self._waiting[done]
            else:
                await self._landed.wait()
            raise

    async def run(self) -> None:
        """Write until cancelled. Raises StorageError when the database cannot be used any more."""
        failure = StorageError("the storage has stopped")
        try:
            self._tick()
            while True:
                await self._wake.wait()
                self._wake.clear()
                if self._waiting:
                    await self._write_group()
                if self._captures_due:
                    await self._keep_captures()
                if self._ticked:
                    self._ticked = False
                    await self._each_second()
        except StorageError as error:
            failure = error
            raise
        finally:
            self._stop(failure)

    @contextmanager
    def long_wait(self) -> Iterator[None]:
        """Promise less progress meanwhile: a new epoch rewrites the whole backlog in one transaction."""
        self.promise_ms = _LONG_PROGRESS_MS
        self.health.progress(PART, within_ms=self.promise_ms)
        try:
            yield
        finally:
            self.promise_ms = _PROGRESS_MS

    def _tick(self) -> None:
        """Wake the writer once a second; a timer of its own, since a time-out around each wait costs every commit."""
        self._ticked = True
        self._wake.set()
        self._timer = asyncio.get_running_loop().call_later(_TICK_SECONDS, self._tick)

    def _stop(self, failure: StorageError) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._ended = True
        self._landed.set()
        for done in (*self._flying, *self._waiting):
            if not done.done():
                done.set_exception(failure)
                done.exception()  # marks it as seen: a producer that is gone does not ask
        self._waiting.clear()

    async def _write_group(self) -> None:
        group = self._flying = dict(itertools.islice(self._waiting.items(), _GROUP))
        for done in group:
            del self._waiting[done]
        written = await self._write(list(group.values()))
        self._flying = {}
        if not written:
            self._waiting = {done: outcome for done, outcome in group.items() if not done.cancelled()} | self._waiting
            await asyncio.sleep(RETRY_SECONDS)
            self._wake.set()
            return
        for done, outcome in group.items():
            if outcome.state:
                state.apply(self.state, outcome.state)
            if not done.done():
                done.set_result(None)
        if self._waiting:
            self._wake.set()
        if any(outcome.events for outcome in group.values()):
            self.recorded()
        self._keep_later([outcome for outcome in group.values() if outcome.captures])

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
            self.health.progress(PART, within_ms=self.promise_ms)
        if self.recorder.low or self._reported:
            self._report(full=False)
        return True

    def _keep_later(self, captured: list[Outcome]) -> None:
        if captured and not self._captured:
            asyncio.get_running_loop().call_later(_CAPTURES_AFTER_SECONDS, self._captures_fall_due)
        self._captured += captured

    def _captures_fall_due(self) -> None:
        self._captures_due = True
        self._wake.set()

    async def _keep_captures(self) -> None:
        captured, self._captured, self._captures_due = self._captured, [], False
        await self.thread.run(lambda connection: self.recorder.keep(connection, captured))
        self.health.progress(PART, within_ms=self.promise_ms)

    async def settle_captures(self) -> None:
        """Return once the captures of all that is recorded are written."""
        await self._keep_captures()

    async def flush(self) -> None:
        """Write the captures and save the watermarks that are only in memory. Raises FullError, StorageError."""
        await self._keep_captures()
        at = self.clock.now()
        if self._unsaved():
            await self.thread.run(lambda connection: self.recorder.record(connection, [], at))

    def _unsaved(self) -> bool:
        return any(position.upto != position.saved for position in self.recorder.outbox.ledger.positions.values())

    async def _each_second(self) -> None:
        at = self.clock.now()
        self.health.progress(PART, within_ms=self.promise_ms)
        await self.thread.run(self.rescue.look)
        if self.recorder.notice(self.recorder.space.free()):
            if await self._write([]):
                self.recorded()
        elif self._unsaved():
            await self._write([])
        while at.uptime_ms >= self._housekeeping_ms and await self._keep_house(at) and not self._waiting:
            self.health.progress(PART, within_ms=self.promise_ms)

    async def _keep_house(self, at: Moment) -> bool:
        """Do one bite of housekeeping. Returns whether there is more."""
        try:
            more, forgotten = await self.thread.run(lambda connection: self.housekeeping.step(connection, at))
        except FullError:
            return False  # the next group makes room, or says that there is none
        state.apply(self.state, forgotten)
        if not more:
            self._housekeeping_ms = at.uptime_ms + _HOUSEKEEPING_MS
        return more

    def _report(self, *, full: bool) -> None:
        condition = None
        if full:
            condition = Condition("disk_full", Level.ACTION, "the disk is full: orders wait; delete files on it")
        elif self.recorder.low:
            condition = Condition("disk_low", Level.ATTENTION, "the disk is nearly full: delete files on it")
        self._reported = condition is not None
        if self.health.report(PART, condition) and full:
            _log.error("storage_full", free=self.recorder.space.free())
