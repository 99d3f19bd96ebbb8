"""The outbox: events become numbered frames; ranges that will not come become gap events in their place.

Every function with a connection runs in its thread, within a transaction of the caller unless it says otherwise.
"""

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import structlog

from edge_agent.clock import Moment
from edge_agent.contract.events import Draft, Origin, Stream, envelope
from edge_agent.contract.frames import Encoding, Frame
from edge_agent.storage import meta, rows
from edge_agent.storage.connection import transaction
from edge_agent.storage.ledger import Ledger, save_watermarks
from edge_agent.storage.packing import gap_frame, pack_events

FORGOTTEN = "forgotten"  # the reason of the gaps that take the places of a person's events

_PORTION = 500  # heads read at a time: 100 KB
_KEPT_BYTES = 64 * 1024  # of the newest transaction, a stream: a busy second of orders

_log = structlog.get_logger()


@dataclass(slots=True)
class Batch:
    """Frames ready to insert, and where each stream stands after them."""

    frames: list[Frame] = field(default_factory=list)
    last: dict[Stream, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the bodies."""
        return sum(len(frame.body) for frame in self.frames)


@dataclass(slots=True)
class Outbox:
    """What turns drafts into rows: whose events they are, how they are packed, and where the streams stand."""

    ledger: Ledger
    origin: Origin
    compression: Encoding
    damaged: int = 0  # frames found damaged since the process started
    newest: dict[Stream, tuple[Frame, ...]] = field(default_factory=dict)  # what the last transactions wrote, if little

    def batch(self, drafts: Iterable[Draft], recorded: Moment) -> Batch:
        """Number and encode ``drafts``; nothing is written and nothing remembered yet."""
        by_stream: dict[Stream, list[Draft]] = {}
        for draft in drafts:
            by_stream.setdefault(draft.stream, []).append(draft)
        batch = Batch()
        for stream, group in by_stream.items():
            following = self.ledger.positions[stream].last + 1
            events = [envelope(draft, self.origin, number, recorded) for number, draft in enumerate(group, following)]
            batch.frames.extend(pack_events(stream, events, self.compression))
            batch.last[stream] = following + len(events) - 1
        return batch

    def insert(self, connection: sqlite3.Connection, frame: Frame, recorded: Moment) -> None:
        """Write a frame of a batch."""
        rows.insert(connection, frame, recorded.wall_ms)

    def insert_evicted(self, connection: sqlite3.Connection, stream: Stream, last: int, recorded: Moment) -> int:
        """Record that the events after the stream's last one up to ``last`` had no room: a gap event, nothing else.

        Returns how many events that are.
        """
        first = self.ledger.positions[stream].last + 1
        self.replace(connection, stream, first, last, "evicted", recorded)
        return last - first + 1

    def remember(self, batch: Batch, left_out: Collection[Stream]) -> None:
        """Note that ``batch`` is on disk, but for the streams in ``left_out``: a live link asks for just these frames.

        Reading them back takes 0.1 ms of a thread that may be waiting for the disk.
        """
        for stream, last in batch.last.items():
            frames = () if stream in left_out else tuple(f for f in batch.frames if f.stream == stream)
            self.newest[stream] = frames if sum(len(frame.body) for frame in frames) <= _KEPT_BYTES else ()
            self.ledger.positions[stream].last = last

    def at_hand(self, stream: Stream, after: int, limit: int, max_bytes: int) -> list[Frame]:
        """Return the newest frames if just they follow ``after``, within the limits; else none. For any thread."""
        frames = self.newest.get(stream, ())
        wanted = frames and frames[0].first == after + 1 and len(frames) <= limit
        return list(frames) if wanted and sum(len(frame.body) for frame in frames) <= max_bytes else []

    def replace(
        self, connection: sqlite3.Connection, stream: Stream, first: int, last: int, reason: str, at: Moment
    ) -> None:
        """Put a gap event in place of every row that begins within ``first`` .. ``last``.

        An undelivered gap of the same reason just before (or behind) it becomes part of it.
        """
        upto = self.ledger.positions[stream].upto
        previous = rows.before(connection, stream, first)
        if previous is not None and previous.gap == reason and previous.last == first - 1 and previous.last > upto:
            first = previous.first
        following = rows.heads(connection, stream, last, 1)
        if following and following[0].gap == reason and following[0].first == last + 1 and first > upto:
            last = following[0].last
        self.newest.pop(stream, None)
        rows.delete(connection, stream, first, last)
        # Age decides when a delivered row goes: a gap among old rows must not look younger than what follows it.
        recorded_ms = min([at.wall_ms, *(head.recorded_ms for head in following)])
        rows.insert(connection, gap_frame(stream, first, last, reason, self.origin, at), recorded_ms, reason)

    def _fill_holes(
        self, connection: sqlite3.Connection, stream: Stream, first: int, last: int, at: Moment
    ) -> list[tuple[int, int]]:
        """Put a gap event, reason ``not_held``, wherever ``first`` .. ``last`` is not held. Returns those ranges."""
        holes = []
        wanted = first
        # In portions: after central lost everything the range is the whole backlog, and memory stays flat.
        while wanted <= last and (portion := rows.heads(connection, stream, wanted - 1, _PORTION)):
            for head in portion:
                if min(head.first, last + 1) > wanted:
                    holes.append((wanted, min(head.first - 1, last)))
                wanted = head.last + 1
        if wanted <= last:
            holes.append((wanted, last))
        for hole in holes:
            self.replace(connection, stream, *hole, "not_held", at)
        return holes

    def rewind(self, connection: sqlite3.Connection, stream: Stream, upto: int, at: Moment) -> None:
        """Lower the watermark to ``upto`` and make everything above it readable; a transaction of its own."""
        position = self.ledger.positions[stream]
        held_upto = position.upto
        if upto >= held_upto:
            return
        with transaction(connection):
            holes = self._fill_holes(connection, stream, upto + 1, held_upto, at)
            save_watermarks(connection, {stream: upto})
        position.upto = position.saved = upto
        _log.warning("watermark_lowered", stream=str(stream), before=held_upto, upto=upto, not_held=holes)

    def hold(self, connection: sqlite3.Connection, stream: Stream, first: int, last: int, at: Moment) -> None:
        """Make ``first`` .. ``last``, as far as they exist, readable; a transaction of its own."""
        first, last = max(1, first), min(last, self.ledger.positions[stream].last)
        if first <= last:
            with transaction(connection):
                self._fill_holes(connection, stream, first, last, at)

    def about_to_send(self, connection: sqlite3.Connection) -> None:
        """Take away the mark that nothing was sent; a transaction of its own."""
        with transaction(connection):
            meta.clear_sent_mark(connection)
        self.ledger.sent_mark = False

    def pending(
        self, connection: sqlite3.Connection, stream: Stream, after: int, limit: int, max_bytes: int, at: Moment
    ) -> list[Frame]:
        """Read frames with sequences above ``after``: at most ``limit`` frames and, but for the first, ``max_bytes``.

        A damaged row becomes a gap event in its place, in a transaction of its own: damage is never sent.
        """
        while True:
            frames: list[Frame] = []
            size = 0
            broken: Frame | None = None
            cursor = rows.read(connection, stream, after)
            for row in cursor:
                size += len(row.frame.body)
                if len(frames) == limit or (frames and size > max_bytes):
                    break
                if not row.intact:
                    broken = row.frame
                    break
                frames.append(row.frame)
            cursor.close()
            if broken is None:
                return frames
            with transaction(connection):
                self.mark_damaged(connection, stream, broken, at)

    def mark_damaged(self, connection: sqlite3.Connection, stream: Stream, broken: Frame, at: Moment) -> None:
        """Put a gap event, reason ``damaged``, in place of a row that is not what was written."""
        following = connection.execute(
            "SELECT min(id) FROM frame WHERE id > ? AND id < ?", (rows.key(stream, broken.first), rows.end(stream))
        ).fetchone()[0]
        # Its own columns cannot be trusted: it reaches to the next row, or to the last sequence that was given out.
        last = self.ledger.positions[stream].last if following is None else following - rows.key(stream, 0) - 1
        first = broken.first
        rows.delete(connection, stream, first, first)
        self.replace(connection, stream, first, last, "damaged", at)
        self.damaged += 1
        _log.error("frame_damaged", stream=str(stream), first=first, last=last)
