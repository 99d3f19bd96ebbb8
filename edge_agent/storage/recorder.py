"""Writing a group of outcomes in one transaction, whatever the disk says. Runs in the connection's thread."""

import contextlib
import hashlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import structlog

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.contract.events import Draft, Stream
from edge_agent.contract.ids import uuid7
from edge_agent.shop.outcome import Capture, Outcome, StateChange
from edge_agent.shop.rows import readable
from edge_agent.storage import ledger, state
from edge_agent.storage.captures import Captures
from edge_agent.storage.connection import FullError, pragma, transaction
from edge_agent.storage.outbox import Batch, Outbox
from edge_agent.storage.shedding import shed
from edge_agent.storage.space import PAGE_BYTES, Space

T = TypeVar("T")

# What a transaction takes besides its bodies: a new leaf, its parent, a state page, the first page and the ptrmap.
_OVERHEAD_BYTES = 8 * PAGE_BYTES
_ATTEMPTS = 32  # at a bite each, 2 MiB are freed before a group gives up and waits

# Durable rows: captures on their way from the transaction of their events to their files.
CAPTURES = "capture"

_log = structlog.get_logger()


@dataclass(slots=True)
class Recorder:
    """Everything a transaction needs. ``low``: space runs short; ``shed``: events evicted since it does."""

    outbox: Outbox
    space: Space
    captures: Captures
    low: bool = False
    shed: Counter[str] = field(default_factory=Counter)
    _written: list[str] = field(default_factory=list)  # keys of CAPTURES whose file is there

    def record(self, connection: sqlite3.Connection, outcomes: Sequence[Outcome], at: Moment) -> None:
        """Make ``outcomes`` durable, all of them in one transaction. Raises FullError when not even that can be."""
        drafts = [draft for outcome in outcomes for draft in outcome.events]
        free = self.space.free()  # asked once: on a disk with room this is all that looking costs
        notices = self._level_notice(free, at)
        batch = self.outbox.batch([*drafts, *notices], at)
        # What tells head office that space runs short must not be the first thing to go.
        precious = {Stream.ORDERS, *(notice.stream for notice in notices)}
        need = _OVERHEAD_BYTES + 2 * batch.size + 2 * _state_bytes(outcomes)
        whole = free >= 2 * self.space.low_water + need or self.make_room(connection, need, at)
        try:
            squeezed = set() if whole else batch.last.keys() - precious
            self.with_room(connection, at, lambda: self._write(connection, outcomes, batch, squeezed, at))
        except FullError:
            squeezed = batch.last.keys() - {Stream.ORDERS}
            self.with_room(connection, at, lambda: self._write(connection, outcomes, batch, squeezed, at))
        if notices:
            self._change_level()

    def keep(self, connection: sqlite3.Connection, outcomes: Sequence[Outcome]) -> None:
        """Write the captures of what has been recorded: no order waits for them, and none fails with them."""
        self.captures.write(capture for outcome in outcomes for capture in outcome.captures)
        self._forget_rows(connection, [row.key for outcome in outcomes for row in _certain(outcome)])

    def keep_left(self, connection: sqlite3.Connection, rows: Mapping[str, bytes]) -> None:
        """Write the captures that a killed process could not; ``rows``: of ``CAPTURES``, which go by that."""
        self.captures.write(Capture(*parts) for _, parts in readable(rows, tuple[str, bytes, bytes]))
        self._forget_rows(connection, list(rows))

    def _forget_rows(self, connection: sqlite3.Connection, keys: Sequence[str]) -> None:
        # On a full disk they stay, and go the next time: the next start would write again what by then is known better.
        self._written += keys
        with contextlib.suppress(FullError):
            if self._written:
                with transaction(connection):
                    state.write(connection, (StateChange(CAPTURES, key, None) for key in self._written))
                self._written.clear()

    def with_room(self, connection: sqlite3.Connection, at: Moment, operation: Callable[[], T]) -> T:
        """Run a transaction; on a full disk free what may be freed and run it again. Raises FullError at last."""
        for _ in range(_ATTEMPTS):
            try:
                return operation()
            except FullError:
                if not self._free_some(connection, at):
                    raise
        return operation()

    def notice(self, free: int) -> bool:
        """Tell whether the disk, with ``free`` bytes, went from enough to short or back: an event is due.

        Without its reserve it is short, whatever is free: that is the reserve itself. A reserve that could not be made
        though there was room says nothing of the room: each look would find the disk short, and the next one not.
        """
        if self.low:
            missing = 0 if self.space.has_reserve() else self.space.reserve_bytes
            return free >= 2 * self.space.low_water + missing
        return free < self.space.low_water or not (self.space.reserved or self.space.refused)

    def _level_notice(self, free: int, at: Moment) -> list[Draft]:
        if not self.notice(free):
            return []
        shed = {str(stream): count for stream, count in self.shed.items()}
        told = data.StorageLow(level="ok" if self.low else "low", free=free, shed=shed)
        return [Draft(id=uuid7(at.wall_ms), stream=Stream.OPS, type="o2o.agent.storage_low.v1", at=at, data=told)]

    def _change_level(self) -> None:
        self.low = not self.low
        _log.warning("storage_space", low=self.low, free=self.space.free(), shed=sum(self.shed.values()))
        if not self.low:
            self.space.restore_reserve()
            self.shed.clear()

    def _write(
        self,
        connection: sqlite3.Connection,
        outcomes: Sequence[Outcome],
        batch: Batch,
        squeezed: set[Stream],
        at: Moment,
    ) -> None:
        """Write everything; of the streams in ``squeezed`` only that there was no room for their events."""
        positions = self.outbox.ledger.positions
        watermarks = {
            stream: position.upto for stream, position in positions.items() if position.upto != position.saved
        }
        evicted: dict[str, int] = {}
        with transaction(connection):
            for frame in batch.frames:
                if frame.stream not in squeezed:
                    self.outbox.insert(connection, frame, at)
            for stream in squeezed:
                evicted[stream] = self.outbox.insert_evicted(connection, stream, batch.last[stream], at)
            for outcome in outcomes:
                state.write(connection, (*outcome.state, *_certain(outcome)))
            if watermarks:
                ledger.save_watermarks(connection, watermarks)
        self.outbox.remember(batch, squeezed)
        for stream, upto in watermarks.items():
            positions[stream].saved = upto
        if evicted:
            self.shed.update(evicted)

    def make_room(self, connection: sqlite3.Connection, need: int, at: Moment) -> bool:
        """Free pages until ``need`` fits without going below the low-water mark. Returns False if it cannot be."""
        try:
            while self._room(connection) < need:
                if not self._shed(connection, at):
                    return False
        except FullError:
            return False
        return True

    def _room(self, connection: sqlite3.Connection) -> int:
        """Return what the streams that may be evicted can take: free pages, and the disk above the low-water mark."""
        spare = max(0, self.space.free() - self.space.low_water)
        return spare + PAGE_BYTES * int(pragma(connection, "freelist_count"))

    def _free_some(self, connection: sqlite3.Connection, at: Moment) -> bool:
        """Do the next best thing against a full disk. Returns whether there was one."""
        if self.space.release_reserve():
            return True
        with contextlib.suppress(sqlite3.DatabaseError):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        try:
            return self._shed(connection, at)
        except FullError:
            return False

    def _shed(self, connection: sqlite3.Connection, at: Moment) -> bool:
        evicted = shed(connection, self.outbox, self.captures, at)
        if evicted is None:
            return False
        self.shed.update(evicted)
        return True


def _state_bytes(outcomes: Sequence[Outcome]) -> int:
    changes = (change for outcome in outcomes for change in (*outcome.state, *_certain(outcome)))
    return sum(len(change.value or b"") for change in changes)


def _certain(outcome: Outcome) -> Iterator[StateChange]:
    """Yield the rows that hold an outcome's certain captures until their files are written."""
    for capture in outcome.captures:
        if capture.certain:
            key = f"{capture.sha256}/{hashlib.sha256(capture.about).hexdigest()[:16]}"
            row = msgspec.msgpack.encode((capture.sha256, capture.body, capture.about))
            yield StateChange(CAPTURES, key, row)
