"""A new epoch: undelivered events are recorded again under new numbers; their ids and data stay."""

import sqlite3
import uuid
from collections.abc import Iterator

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.contract.events import CloudEvent, Draft, Origin, Stream, envelope
from edge_agent.contract.frames import Encoding, Frame, FrameError, decode_events
from edge_agent.contract.ids import uuid7
from edge_agent.storage import ledger as positions
from edge_agent.storage import meta, rows
from edge_agent.storage.connection import transaction
from edge_agent.storage.outbox import Outbox
from edge_agent.storage.packing import moved_gap, pack_events


class Renumber:
    """Gives the events of one stream's old frames new sequences from 1, in order, and counts them.

    A gap event keeps the width of its range. ``lost``: sequences of frames that turned out not to be readable.
    """

    def __init__(self, stream: Stream, upto: int, encoding: Encoding) -> None:
        self.stream = stream
        self.last = 0
        self.salvaged = 0
        self.seen = upto  # the highest old sequence accounted for
        self.lost = 0
        self._encoding = encoding

    def frames(self, old: rows.Row) -> Iterator[tuple[Frame, str | None]]:
        """Yield what ``old`` becomes, each with its gap reason; nothing where it was delivered or is damaged."""
        events = _events(old)
        if events is None or old.frame.last <= self.seen:
            return
        width = self._account(old)
        if old.gap is not None:
            first, self.last = self.last + 1, self.last + width
            moved = moved_gap(events[0], first, self.last)
            for frame in pack_events(self.stream, [moved], "identity"):
                yield Frame(self.stream, first, self.last, 1, frame.encoding, frame.body), old.gap
            return
        fresh = events[-width:]
        for event in fresh:
            self.last += 1
            event.sequence = str(self.last)
        self.salvaged += width
        for frame in pack_events(self.stream, fresh, self._encoding):
            yield frame, None

    def _account(self, old: rows.Row) -> int:
        first = max(old.frame.first, self.seen + 1)  # a frame may be delivered in part
        self.lost += first - self.seen - 1
        self.seen = old.frame.last
        return old.frame.last - first + 1


def _events(old: rows.Row) -> list[CloudEvent] | None:
    if not old.intact:
        return None
    try:
        events = decode_events(old.frame.body, old.frame.encoding)
    except FrameError:
        return None
    return events if len(events) == old.frame.count else None


def recovered(reason: str, old_epoch: str | None, salvaged: int, lost: int | None, at: Moment) -> Draft:
    """Return the event that tells head office about the new epoch."""
    told = data.Recovered(reason=reason, old_epoch=old_epoch, salvaged=salvaged, lost=lost)
    return Draft(id=uuid7(at.wall_ms), stream=Stream.OPS, type="o2o.agent.recovered.v1", at=at, data=told)


def new_epoch(connection: sqlite3.Connection, epoch: str, machine_id: str | None) -> None:
    """Write the identity of a fresh epoch, from which nothing was sent yet; within a transaction of the caller."""
    meta.put(connection, meta.EPOCH, epoch)
    if machine_id is not None:
        meta.put(connection, meta.MACHINE, machine_id)
    meta.put_sent_mark(connection, dict.fromkeys(Stream, 0))
    positions.save_watermarks(connection, dict.fromkeys(Stream, 0))


def begin(connection: sqlite3.Connection, outbox: Outbox, reason: str, machine_id: str | None, at: Moment) -> None:
    """Start a new epoch in place, in one transaction: the database is whole, but its numbers are used up.

    ``reason``: ``cloned`` or ``rolled_back``. What central holds of the numbers beyond a rollback is unknown, and so is
    what was lost with them.
    """
    ledger = outbox.ledger
    old_epoch, fresh_epoch = ledger.epoch, str(uuid.uuid4())
    renumbered = {stream: Renumber(stream, ledger.positions[stream].upto, outbox.compression) for stream in Stream}
    fresh = positions.Ledger(fresh_epoch, dict.fromkeys(Stream, 0), sent_mark=True)
    with transaction(connection):
        for stream, renumber in renumbered.items():
            _renumber(connection, renumber)
            fresh.positions[stream].last = renumber.last
        salvaged = sum(renumber.salvaged for renumber in renumbered.values())
        lost = sum(renumber.lost for renumber in renumbered.values())
        told = recovered(reason, old_epoch, salvaged, None if reason == "rolled_back" else lost, at)
        _append(connection, outbox.origin, fresh, told, at)
        new_epoch(connection, fresh_epoch, machine_id)
    outbox.newest.clear()
    outbox.ledger = fresh


def _append(connection: sqlite3.Connection, origin: Origin, fresh: positions.Ledger, told: Draft, at: Moment) -> None:
    position = fresh.positions[told.stream]
    position.last += 1
    for frame in pack_events(told.stream, [envelope(told, origin, position.last, at)], "identity"):
        rows.insert(connection, frame, at.wall_ms)


def _renumber(connection: sqlite3.Connection, renumber: Renumber) -> None:
    """Rewrite one stream's rows in place, one at a time: memory stays flat however long the backlog is.

    New numbers are never above the old ones (they begin at 1 and a gap keeps its width), so in ascending order a new
    row only ever takes the place of rows that are already gone.
    """
    stream = renumber.stream
    upto = renumber.seen
    last_old = rows.newest(connection, stream)
    rows.delete_delivered(connection, stream, upto)
    after = upto
    while True:
        old = next(rows.read(connection, stream, after), None)
        if old is None:
            break
        rows.delete(connection, stream, old.frame.first, old.frame.first)
        after = max(after, old.frame.last if old.intact else old.frame.first)
        for frame, gap in renumber.frames(old):
            rows.insert(connection, frame, old.recorded_ms, gap)
    if last_old is not None and last_old.intact:
        renumber.lost += max(0, last_old.frame.last - renumber.seen)
