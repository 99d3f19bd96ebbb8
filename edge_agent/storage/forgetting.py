"""Forgetting a person: their events leave the outbox, each run of them a gap event in its place, then the files.

Runs in the connection's thread, a bite at a time: between two bites the writer has its turn.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby, islice

import msgspec

from edge_agent.clock import Moment
from edge_agent.contract.events import Stream
from edge_agent.contract.frames import MAX_SENT_BYTES, Encoding, Frame, FrameError, pack, unpack
from edge_agent.contract.messages import UNREADABLE
from edge_agent.storage import rows
from edge_agent.storage.connection import pragma, transaction, translated
from edge_agent.storage.outbox import FORGOTTEN, Outbox
from edge_agent.storage.recorder import Recorder

FORGETTABLE = (Stream.CHECKINS, Stream.PRESENCE)  # orders are the shop's own books; ops names nobody

# Read, or written, in a transaction: as much as shedding takes at a time.
_BITE_BYTES = 64 * 1024
_BITE_ROWS = 200
_PART_BYTES = 600  # a gap event, or an event in a row by itself
# A bite, and the row that ends it: 64 KiB in 200 parts, 185 KB as rows.
_ROOM_BYTES = 4 * _BITE_BYTES
_VACUUM_PAGES = 64  # as in housekeeping: 256 KiB of log, the smallest limit there is

_split_events = msgspec.json.Decoder(list[msgspec.Raw]).decode

Concerns = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class Search:
    """How far one stream has been gone through: up to sequence ``after`` of ``epoch``."""

    stream: Stream
    epoch: str = ""
    after: int = 0
    forgotten: int = 0
    ended: bool = False


def search_on(
    connection: sqlite3.Connection, recorder: Recorder, search: Search, concerns: Concerns, at: Moment
) -> Search:
    """Take what ``concerns`` out of the next rows, in one transaction. Nothing has happened if it raises.

    Another epoch has other numbers: it is gone through from its beginning.
    """
    outbox = recorder.outbox
    if search.epoch != outbox.ledger.epoch:
        search = replace(search, epoch=outbox.ledger.epoch, after=0)
    judged = _judged(connection, search, concerns)
    if not judged:
        return replace(search, ended=True)
    # What becomes longer on a disk with little room must not take the reserve, which is for orders.
    if any(_changes(parts) for _, parts in judged):
        recorder.make_room(connection, _ROOM_BYTES, at)
        if not _are_there(connection, search, [row for row, parts in judged if parts is not None]):
            return search  # these very rows have gone: look again
    forgotten = 0
    with transaction(connection):
        for row, parts in judged:
            if parts is None:
                # Whether it concerns the person cannot be told, and it could not be sent either.
                outbox.mark_damaged(connection, search.stream, row.frame, at)
            elif _changes(parts):
                _rewrite(connection, outbox, row, parts, at)
                forgotten += sum(len(part.events) for part in parts if part.forgotten)
    after = row.frame.first if parts is None else row.frame.last
    return replace(search, after=after, forgotten=search.forgotten + forgotten)


def give_back(connection: sqlite3.Connection) -> bool:
    """Take a bite of free pages out of the file: deleted rows still stand on them. Returns whether there was one."""
    try:
        if not pragma(connection, "freelist_count"):
            return False
        connection.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
    except sqlite3.DatabaseError as error:
        raise translated(error) from error
    return True


@dataclass(frozen=True, slots=True)
class _Part:
    """Neighbouring events of one row that share their fate. ``first``: the sequence of the first of them."""

    first: int
    events: list[bytes]
    forgotten: bool


def _judged(
    connection: sqlite3.Connection, search: Search, concerns: Concerns
) -> list[tuple[rows.Row, list[_Part] | None]]:
    """Return the next rows with their parts: a bite of them, at most one that is damaged, and that the last."""
    judged = []
    read = written = 0
    with closing(rows.read(connection, search.stream, search.after)) as cursor:
        for row in islice(cursor, _BITE_ROWS):
            parts = _parts(row, concerns)
            judged.append((row, parts))
            read += len(row.frame.body)
            written += len(row.frame.body) + _PART_BYTES * len(parts or ()) if _changes(parts) else 0
            if parts is None or max(read, written) >= _BITE_BYTES:
                break
    return judged


def _are_there(connection: sqlite3.Connection, search: Search, judged: list[rows.Row]) -> bool:
    heads = rows.heads(connection, search.stream, search.after, len(judged))
    return [(head.first, head.last) for head in heads] == [(row.frame.first, row.frame.last) for row in judged]


def _changes(parts: list[_Part] | None) -> bool:
    return any(part.forgotten for part in parts or ())


def _parts(row: rows.Row, concerns: Concerns) -> list[_Part] | None:
    """Return the events of a row by fate, nothing for a gap event; None if it is damaged."""
    if row.intact and row.gap is not None:
        return []
    try:
        events = list(map(bytes, _split_events(unpack(row.frame.body, row.frame.encoding)))) if row.intact else []
    except (FrameError, *UNREADABLE):
        return None
    if len(events) != row.frame.count or not events:
        return None
    parts: list[_Part] = []
    first = row.frame.first
    for forgotten, group in groupby(events, concerns):
        parts.append(_Part(first, list(group), forgotten))
        first += len(parts[-1].events)
    return parts


def _rewrite(connection: sqlite3.Connection, outbox: Outbox, row: rows.Row, parts: list[_Part], at: Moment) -> None:
    """Put the parts in the place of their row."""
    stream = Stream(row.frame.stream)
    rows.delete(connection, stream, row.frame.first, row.frame.first)
    for part in reversed(parts):  # from the end: a gap event is as old as what follows it
        if part.forgotten:
            outbox.replace(connection, stream, part.first, part.first + len(part.events) - 1, FORGOTTEN, at)
            continue
        for frame in _frames(stream, part.first, part.events, row.frame.encoding):
            rows.insert(connection, frame, row.recorded_ms)


def _frames(stream: Stream, first: int, events: list[bytes], encoding: Encoding) -> Iterator[Frame]:
    """Yield recorded events, byte for byte, as frames that may be sent."""
    body = pack(b"[" + b",".join(events) + b"]", encoding)
    if len(body) > MAX_SENT_BYTES and len(events) > 1:  # fewer events can pack worse, by a few bytes
        half = len(events) // 2
        yield from _frames(stream, first, events[:half], encoding)
        yield from _frames(stream, first + half, events[half:], encoding)
    else:
        yield Frame(stream, first, first + len(events) - 1, len(events), encoding, body)
