"""Forgetting a person: their events leave the outbox, each run of them a gap event in its place, then the files.

Runs in the connection's thread, a bite at a time: between two bites the writer has its turn.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, islice

import msgspec

from edge_agent.clock import Moment
from edge_agent.contract.events import Stream
from edge_agent.contract.frames import MAX_SENT_BYTES, Encoding, Frame, FrameError, pack, unpack
from edge_agent.contract.messages import UNREADABLE
from edge_agent.storage import rows
from edge_agent.storage.connection import pragma, transaction, translated
from edge_agent.storage.outbox import Outbox

FORGETTABLE = (Stream.CHECKINS, Stream.PRESENCE)  # orders are the shop's own books; ops names nobody

# Read, or written, in a transaction: as little as shedding takes. A row whose events go alternately grows to about
# 100 KB (a gap event is half a kilobyte, an event by itself 300 bytes) and is the last of its bite.
_BITE_BYTES = 64 * 1024
_BITE_ROWS = 200
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


def search_on(connection: sqlite3.Connection, outbox: Outbox, search: Search, concerns: Concerns, at: Moment) -> Search:
    """Take what ``concerns`` out of the next rows, in one transaction. Nothing has happened if it raises.

    Another epoch has other numbers: it is gone through from its beginning.
    """
    if search.epoch != outbox.ledger.epoch:
        search = replace(search, epoch=outbox.ledger.epoch, after=0)
    portion = _portion(connection, search.stream, search.after)
    if not portion:
        return replace(search, ended=True)
    after, forgotten, written = search.after, 0, 0
    with transaction(connection):
        for row in portion:
            parts = _parts(row, concerns)
            if parts is None:
                # Whether it concerns the person cannot be told, and it could not be sent either.
                outbox.mark_damaged(connection, search.stream, row.frame, at)
                after = row.frame.first
                break
            after = row.frame.last
            forgotten += sum(len(part.events) for part in parts if part.forgotten)
            written += _rewrite(connection, outbox, row, parts, at)
            if written >= _BITE_BYTES:
                break
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


def _portion(connection: sqlite3.Connection, stream: Stream, after: int) -> list[rows.Row]:
    portion: list[rows.Row] = []
    size = 0
    cursor = rows.read(connection, stream, after)
    for row in islice(cursor, _BITE_ROWS):
        portion.append(row)
        size += len(row.frame.body)
        if size >= _BITE_BYTES or not row.intact:
            break
    cursor.close()
    return portion


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


def _rewrite(connection: sqlite3.Connection, outbox: Outbox, row: rows.Row, parts: list[_Part], at: Moment) -> int:
    """Put the parts in the place of their row, if any of them goes. Returns about how many bytes that wrote."""
    if not any(part.forgotten for part in parts):
        return 0
    stream = Stream(row.frame.stream)
    written = 0
    rows.delete(connection, stream, row.frame.first, row.frame.first)
    # From the end: a gap event is as old as what follows it.
    for part in reversed(parts):
        if part.forgotten:
            outbox.replace(connection, stream, part.first, part.first + len(part.events) - 1, "forgotten", at)
            written += 600
            continue
        for frame in _frames(stream, part.first, part.events, row.frame.encoding):
            rows.insert(connection, frame, row.recorded_ms)
            written += len(frame.body)
    return written


def _frames(stream: Stream, first: int, events: list[bytes], encoding: Encoding) -> Iterator[Frame]:
    """Yield recorded events, byte for byte, as frames that may be sent."""
    body = pack(b"[" + b",".join(events) + b"]", encoding)
    if len(body) > MAX_SENT_BYTES and len(events) > 1:  # fewer events can pack worse, by a few bytes
        half = len(events) // 2
        yield from _frames(stream, first, events[:half], encoding)
        yield from _frames(stream, first + half, events[half:], encoding)
    else:
        yield Frame(stream, first, first + len(events) - 1, len(events), encoding, body)
