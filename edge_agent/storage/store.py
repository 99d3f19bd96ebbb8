"""The storage as the rest of the agent sees it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import structlog

from edge_agent.clock import Clock, Moment
from edge_agent.contract.events import Origin, Stream
from edge_agent.contract.frames import Frame
from edge_agent.errors import StorageError
from edge_agent.health import Health
from edge_agent.shop.outcome import Outcome
from edge_agent.storage import epoch, forgetting, ledger, rows
from edge_agent.storage.captures import Captures, Change, Held
from edge_agent.storage.connection import Database, FullError
from edge_agent.storage.history import History
from edge_agent.storage.housekeeping import Housekeeping
from edge_agent.storage.journal import Journal
from edge_agent.storage.opening import DATABASE, Opening, locked
from edge_agent.storage.recorder import CAPTURES, Recorder
from edge_agent.storage.rescue import Rescue
from edge_agent.storage.settings import StorageSettings
from edge_agent.storage.space import Space
from edge_agent.storage.thread import StorageThread
from edge_agent.storage.wiping import Wiper
from edge_agent.storage.writer import RETRY_SECONDS, Writer

T = TypeVar("T")

OLDEST_AGE_MS = 60_000
ANSWERS_S = 1.0  # a disk that takes longer hangs: the status must be told all the same

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one stream has not got home yet: how many sequences, and when the oldest was recorded (Unix ms, or None)."""

    events: int
    oldest_ms: int | None


class Storage:
    """Events and the state they imply, durable and in order; what is delivered; what is asked for again.

    Open it with ``Storage.open``; ``run`` must be running for ``commit`` to return. One task drains (``sync``): it
    alone calls ``acknowledge``, ``rewind``, ``hold``, ``about_to_send`` and ``begin_epoch``.
    """

    def __init__(
        self,
        thread: StorageThread,
        recorder: Recorder,
        writer: Writer,
        journals: Path,
        clock: Clock,
        machine: str | None,
        wiper: Wiper,
    ) -> None:
        self.on_recorded: list[Callable[[], None]] = []  # called in the loop after each COMMIT that held events
        self.on_forgotten: list[Callable[[], None]] = []  # called in the loop: what was read before is to be read again
        self._thread = thread
        self._recorder = recorder
        self._writer = writer
        self._journals = journals
        self._lines: dict[str, Journal] = {}
        self._clock = clock
        self._machine = machine
        self._wiper = wiper
        self.history = History(thread, recorder)
        # By stream: epoch and watermark, uptime of the reading, and what was read.
        self._oldest: dict[Stream, tuple[tuple[str, int], int, int | None]] = {}
        writer.recorded = self._recorded

    @classmethod
    @asynccontextmanager
    async def open(
        cls, state_dir: Path, origin: Origin, clock: Clock, health: Health,
        settings: StorageSettings, machine_id: str | None,
    ) -> AsyncIterator["Storage"]:  # fmt: skip
        """Open ``state_dir``, salvaging what is damaged. Raises StorageError with what to do.

        ``machine_id``: a keyed hash, None if unknown; another one than last time begins a new epoch.
        """
        state_dir = state_dir.absolute()
        with locked(state_dir), closing(Wiper(state_dir / DATABASE)) as wiper:
            space = Space(state_dir)
            opening = Opening(state_dir, space, origin, settings.compression, machine_id, clock.now())
            async with Database(opening.connect, iter_chunk_size=64) as database:
                if opening.outbox is None or opening.facts is None:
                    raise StorageError("the database was not loaded")
                thread = StorageThread(database, state_dir)
                captures = Captures(state_dir / "captures", settings, space.total_bytes)
                space.restore_reserve()
                recorder = Recorder(opening.outbox, space, captures)
                await thread.run(partial(recorder.keep_left, rows=opening.facts.pop(CAPTURES, {})))
                housekeeping = Housekeeping(recorder, settings)
                rescue = Rescue(state_dir / DATABASE)
                writer = Writer(thread, recorder, housekeeping, rescue, clock, health, opening.facts, lambda: None)
                journals = settings.journals or state_dir / "lines"
                storage = cls(thread, recorder, writer, journals, clock, machine_id, wiper)
                _log.info("storage_open", file=str(state_dir / DATABASE), epoch=storage.epoch)
                try:
                    yield storage
                finally:
                    await storage._close()

    @property
    def epoch(self) -> str:
        """The life of this outbox: sequences mean something within it only."""
        return self._ledger.epoch

    async def run(self) -> None:
        """Be the one writer, until cancelled. Raises StorageError when the database cannot be used any more."""
        await self._writer.run()

    async def settle(self, zone: ZoneInfo, *, raw_event_hours: int, capture_days: int) -> None:
        """Take over what a new store config says: the zone of the times in events, and what is kept how long."""

        def settle(_: sqlite3.Connection) -> None:
            self._recorder.outbox.origin = replace(self._recorder.outbox.origin, zone=zone)
            house = self._writer.housekeeping
            house.settings = replace(house.settings, raw_event_hours=raw_event_hours, capture_days=capture_days)
            self._recorder.captures.keep_for(capture_days)

        await self._thread.run(settle)

    async def commit(self, outcome: Outcome) -> None:
        """Return once ``outcome`` is durable: events and state, together or not at all. Captures follow at once.

        Waits while the disk is so full that not even orders fit: that is the back-pressure. A cancelled call returns
        once its outcome is either durable or certain never to be. Raises StorageError.
        """
        await self._writer.commit(outcome)

    async def pending(self, stream: Stream, after: int, limit: int, max_bytes: int) -> list[Frame]:
        """Return frames that hold sequences above ``after``, in order. What is found damaged comes as a gap event.

        At most ``limit`` frames; at most ``max_bytes`` of bodies, but at least one frame where there is any.
        """
        outbox = self._recorder.outbox
        if frames := outbox.at_hand(stream, after, limit, max_bytes):
            return frames
        at = self._clock.now()
        return await self._with_room(at, lambda c: outbox.pending(c, stream, after, limit, max_bytes, at))

    def watermark(self, stream: Stream) -> int:
        """Return the highest sequence up to which head office holds everything."""
        return self._ledger.positions[stream].upto

    def last(self, stream: Stream) -> int:
        """Return the newest sequence recorded."""
        return self._ledger.positions[stream].last

    def waiting_events(self, stream: Stream) -> int:
        """Return how many sequences head office does not hold yet; those of an undelivered gap event count as well."""
        position = self._ledger.positions[stream]
        return position.last - position.upto

    async def waiting(self) -> dict[Stream, Waiting]:
        """Return, for every stream, how much waits and since when.

        Since when is read from the disk where the watermark has moved, else once a minute: whoever asks often, as a
        monitoring does, costs the disk nothing. While the disk hangs it is what was known last, or None.
        """
        found = {}
        for stream in Stream:
            events = self.waiting_events(stream)
            found[stream] = Waiting(events, await self._oldest_ms(stream) if events else None)
        return found

    async def _oldest_ms(self, stream: Stream) -> int | None:
        at, upto = self._clock.now(), self.watermark(stream)
        known = self._oldest.get(stream)
        # A full disk may put a gap event in the place of what waits longest: hence once a minute.
        if known is None or known[0] != (self.epoch, upto) or at.uptime_ms - known[1] >= OLDEST_AGE_MS:
            try:
                async with asyncio.timeout(ANSWERS_S):
                    heads = await self._thread.run(lambda connection: rows.heads(connection, stream, upto, 1))
            except TimeoutError:
                return known[2] if known is not None else None
            oldest_ms = heads[0].recorded_ms if heads else None
            known = self._oldest[stream] = ((self.epoch, upto), at.uptime_ms, oldest_ms)
        return known[2]

    def acknowledge(self, stream: Stream, upto: int) -> None:
        """Raise the watermark, in memory at once, on disk with the next commit or within about a second.

        Never beyond the last sequence; one beyond what can have been sent is a case for ``begin_epoch``.
        """
        position = self._ledger.positions[stream]
        position.upto = max(position.upto, min(upto, position.last))

    async def rewind(self, stream: Stream, upto: int) -> None:
        """Lower the watermark: head office was restored from a backup. What is no longer held becomes gap events."""
        at = self._clock.now()
        outbox = self._recorder.outbox
        await self._with_room(at, lambda connection: outbox.rewind(connection, stream, max(0, upto), at))

    async def hold(self, stream: Stream, first: int, last: int) -> None:
        """See to it that ``first`` .. ``last``, as far as they exist, can be read: missing ones become gap events."""
        at = self._clock.now()
        outbox = self._recorder.outbox
        await self._with_room(at, lambda connection: outbox.hold(connection, stream, first, last, at))

    def possibly_sent(self, stream: Stream) -> int:
        """Return the highest sequence that this or an earlier process may have published in this epoch.

        An acknowledgement beyond it proves that the disk was rolled back, even where new events have taken the numbers.
        """
        return self._ledger.sent[stream]

    def published(self, stream: Stream, upto: int) -> None:
        """Note that sequences up to ``upto`` may have reached somebody; what nobody listened to has not."""
        self._ledger.sent[stream] = max(self._ledger.sent[stream], upto)

    async def about_to_send(self) -> None:
        """Make it durable that publishing begins; to be awaited before the first publish of a process and of an epoch.

        Retained acknowledgements should be awaited before it. Costs nothing when repeated.
        """
        if self._ledger.sent_mark:
            await self._with_room(self._clock.now(), self._recorder.outbox.about_to_send)

    async def begin_epoch(self, reason: str) -> None:
        """Record the undelivered events again in a new epoch: same ids and data, sequences from 1.

        ``reason``: ``cloned`` or ``rolled_back``; ``o2o.agent.recovered.v1`` says so.
        """
        at = self._clock.now()
        outbox = self._recorder.outbox
        with self._writer.long_wait():
            await self._with_room(at, lambda connection: epoch.begin(connection, outbox, reason, self._machine, at))
        self._recorded()

    async def forget(self, concerns: Callable[[bytes], bool], captured: Change | None = None) -> int:
        """Take every check-in and presence event about a person out of the outbox, and its bytes out of the files.

        ``concerns`` is given the CloudEvent JSON of each event held, delivered or not, in the storage's own thread, and
        tells whether it is about the person. Gap events, reason ``forgotten``, take the places; every other event keeps
        its bytes, id and sequence. What was deleted from the database before leaves the files as well: commit the facts
        about the person as None first. Returns how many events were forgotten. ``captured`` is given what is known
        about each slip captured, and returns it without the person.

        Works in bites, with commits between them, and waits while the disk is too full. Cut short, by a kill or a
        cancellation, it has done a part; calling it again finishes. Raises StorageError, and what ``concerns`` raises.
        """
        forgotten = sum([await self._search(stream, concerns) for stream in forgetting.FORGETTABLE])
        for listener in self.on_forgotten:
            listener()
        if captured is not None:
            for sha256 in await self.captures():
                await self.rewrite_capture(sha256, captured)
        await self.wipe()
        _log.info("events_forgotten", count=forgotten)
        return forgotten

    async def wipe(self) -> None:
        """Take what was deleted from the database before out of its files as well, in bites. Raises StorageError."""
        while await self._with_room(self._clock.now(), forgetting.give_back):
            pass
        page: int | None = 1
        while page is not None:
            page = await self._with_room(self._clock.now(), partial(self._wiper.step, first=page))

    def state(self, part: str) -> dict[str, bytes]:
        """Return the durable facts of ``part``, by key, as of the last COMMIT."""
        return dict(self._writer.state.get(part, {}))

    def capture(self, sha256: str) -> bytes | None:
        """Return a capture if it is still held."""
        return self._recorder.captures.read(sha256)

    async def captures(self) -> list[str]:
        """Return the hashes of all captures, oldest first."""
        await self._writer.settle_captures()
        return await self._thread.run(lambda _: self._recorder.captures.names())

    async def held_capture(self, sha256: str) -> Held | None:
        """Return a capture with what is known about it, if it is still held."""
        return await self._thread.run(lambda _: self._recorder.captures.held(sha256))

    async def rewrite_capture(self, sha256: str, change: Change, body: bytes | None = None) -> bool:
        """Change what is known about a capture, and its bytes where ``body`` is given; on disk once this returns.

        ``change`` is called in the storage's own thread. False: it is not held (any more). Raises StorageError where
        the disk has no room for it: then it is as it was.
        """

        def rewrite(_: sqlite3.Connection) -> bool:
            try:
                return self._recorder.captures.rewrite(sha256, change, body)
            except OSError as error:
                raise StorageError(f"capture {sha256[:16]}: {error.strerror}") from error

        await self._writer.settle_captures()
        return await self._thread.run(rewrite)

    async def drop_capture(self, sha256: str) -> None:
        """Delete a capture that must not be kept."""
        await self._thread.run(lambda _: self._recorder.captures.delete(sha256))

    def journal(self, device: str) -> Journal:
        """Return the journal of a line's unrecorded bytes, always the same one; ``device`` is an ident."""
        if device not in self._lines:
            # What was read is worth as much as what is recorded: on a full disk the reserve is for it as well.
            space = self._recorder.space
            make_room = space.release_reserve if space.holds(self._journals) else lambda: False
            self._lines[device] = Journal(self._journals / device, make_room)
        return self._lines[device]

    @property
    def damaged_frames(self) -> int:
        """How many frames were found damaged since the process started."""
        return self._recorder.outbox.damaged

    @property
    def _ledger(self) -> ledger.Ledger:
        return self._recorder.outbox.ledger

    async def _with_room(self, at: Moment, operation: Callable[[sqlite3.Connection], T]) -> T:
        """Run a transaction; while the disk is so full that it has no room for it, wait."""
        while True:
            try:
                return await self._thread.run(
                    lambda connection: self._recorder.with_room(connection, at, lambda: operation(connection))
                )
            except FullError:
                await asyncio.sleep(RETRY_SECONDS)

    async def _search(self, stream: Stream, concerns: Callable[[bytes], bool]) -> int:
        search = forgetting.Search(stream)
        while not search.ended:
            at = self._clock.now()
            bite = partial(forgetting.search_on, recorder=self._recorder, search=search, concerns=concerns, at=at)
            search = await self._with_room(at, bite)
        return search.forgotten

    async def _close(self) -> None:
        for journal in self._lines.values():
            journal.close()
        try:
            await self._writer.flush()
        except (StorageError, FullError) as error:  # an older watermark only means that frames are sent again
            _log.warning("watermarks_not_saved", error=str(error))

    def _recorded(self) -> None:
        for listener in self.on_recorded:
            listener()
