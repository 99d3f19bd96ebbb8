"""The rows of the outbox: plain SQL, one function a statement."""

import sqlite3
import zlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from edge_agent.contract.events import Stream
from edge_agent.contract.frames import Frame

# Written into every database: never change one, only add.
STREAM_NUMBERS = {Stream.ORDERS: 1, Stream.CHECKINS: 2, Stream.OPS: 3, Stream.PRESENCE: 4}

_SEQUENCE_BITS = 48  # 2**48 sequences: 1,000 events a second for 8,900 years; 15 bits are left for the stream


@dataclass(frozen=True, slots=True)
class Head:
    """What a row says without its body. ``size``: bytes of the body; ``gap``: the reason where it is a gap event."""

    first: int
    last: int
    recorded_ms: int
    gap: str | None
    size: int


@dataclass(frozen=True, slots=True)
class Row:
    """A whole row. ``intact``: the CRC agrees."""

    frame: Frame
    recorded_ms: int
    gap: str | None
    intact: bool


def key(stream: Stream, first: int) -> int:
    """Return the primary key of the row of ``stream`` that begins with sequence ``first``."""
    return STREAM_NUMBERS[stream] << _SEQUENCE_BITS | first


def end(stream: Stream) -> int:
    """Return a key above every row of ``stream``."""
    return (STREAM_NUMBERS[stream] + 1) << _SEQUENCE_BITS


def _first(identity: int) -> int:
    return identity & (1 << _SEQUENCE_BITS) - 1


def _checksum(*columns: object, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(repr(columns).encode()))


def insert(connection: sqlite3.Connection, frame: Frame, recorded_ms: int, gap: str | None = None) -> None:
    """Add one row."""
    identity = key(Stream(frame.stream), frame.first)
    columns = (identity, frame.last, frame.count, recorded_ms, gap, frame.encoding)
    connection.execute(
        "INSERT INTO frame (id, last, count, recorded_ms, gap, encoding, crc, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*columns, _checksum(*columns, body=frame.body), frame.body),
    )


def delete(connection: sqlite3.Connection, stream: Stream, first: int, last: int) -> None:
    """Remove the rows that begin within ``first`` .. ``last``."""
    connection.execute("DELETE FROM frame WHERE id BETWEEN ? AND ?", (key(stream, first), key(stream, last)))


def delete_delivered(connection: sqlite3.Connection, stream: Stream, upto: int) -> None:
    """Remove every row that holds nothing above ``upto``."""
    connection.execute(
        "DELETE FROM frame WHERE id BETWEEN ? AND ? AND last <= ?", (key(stream, 0), key(stream, upto), upto)
    )


COLUMNS = "id, last, count, recorded_ms, gap, encoding, crc, body"


def from_columns(stream: Stream, columns: tuple[Any, ...]) -> Row:
    """Return the row of ``COLUMNS``, checked."""
    identity, last, count, recorded_ms, gap, encoding, crc, body = columns
    body = body if isinstance(body, bytes) else b""  # a flipped bit can change a column's type
    intact = crc == _checksum(identity, last, count, recorded_ms, gap, encoding, body=body)
    return Row(Frame(stream, _first(identity), last, count, encoding, body), recorded_ms, gap, intact)


def _start(connection: sqlite3.Connection, stream: Stream, sequence: int) -> int:
    """Return the key of the row that holds ``sequence``, or of the place where it would stand."""
    (found,) = connection.execute(
        "SELECT max(id) FROM frame WHERE id BETWEEN ? AND ?", (key(stream, 0), key(stream, sequence))
    ).fetchone()
    return key(stream, sequence) if found is None else int(found)


def read(connection: sqlite3.Connection, stream: Stream, after: int) -> Generator[Row, None, None]:
    """Yield the rows that hold sequences above ``after``, in order; a row is read as it is asked for."""
    cursor = connection.execute(
        f"SELECT {COLUMNS} FROM frame WHERE id >= ? AND id < ? ORDER BY id",  # noqa: S608 — a constant of this module
        (_start(connection, stream, after + 1), end(stream)),
    )
    for columns in cursor:
        row = from_columns(stream, columns)
        if not row.intact or row.frame.last > after:
            yield row


def beyond(
    connection: sqlite3.Connection, stream: Stream, first: int | None, *, back: bool
) -> Generator[Row, None, None]:
    """Yield the rows that begin after sequence ``first``, in order, or before it, the last one first; None: all rows.

    Damaged ones as well: by the number it begins with a walk gets past each.
    """
    low, high = key(stream, 0), end(stream)
    if first is not None:
        low, high = (low, key(stream, first)) if back else (key(stream, first), high)
    order = "DESC" if back else "ASC"
    cursor = connection.execute(
        f"SELECT {COLUMNS} FROM frame WHERE id > ? AND id < ? ORDER BY id {order}",  # noqa: S608 — constants
        (low, high),
    )
    for columns in cursor:
        yield from_columns(stream, columns)


def recorded(connection: sqlite3.Connection, stream: Stream, first: int) -> tuple[int, int] | None:
    """Return where the first row that begins with ``first`` or later begins, and when it was recorded (Unix ms)."""
    row = connection.execute(
        "SELECT id, CAST(recorded_ms AS INTEGER) FROM frame WHERE id >= ? AND id < ? ORDER BY id LIMIT 1",
        (key(stream, first), end(stream)),
    ).fetchone()
    return None if row is None else (_first(row[0]), row[1])


def heads(connection: sqlite3.Connection, stream: Stream, after: int, limit: int = -1) -> list[Head]:
    """Return the heads of the rows that hold sequences above ``after``, in order, at most ``limit`` (-1: all)."""
    cursor = connection.execute(
        "SELECT id, last, recorded_ms, gap, length(body) FROM frame WHERE id >= ? AND id < ? AND last > ?"
        " ORDER BY id LIMIT ?",
        (_start(connection, stream, after + 1), end(stream), after, limit),
    )
    return [Head(_first(row[0]), *row[1:]) for row in cursor]


def before(connection: sqlite3.Connection, stream: Stream, first: int) -> Head | None:
    """Return the head of the row that stands just before the one that begins with ``first``."""
    row = connection.execute(
        "SELECT id, last, recorded_ms, gap, length(body) FROM frame WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1",
        (key(stream, 0), key(stream, first)),
    ).fetchone()
    return None if row is None else Head(_first(row[0]), *row[1:])


def newest(connection: sqlite3.Connection, stream: Stream) -> Row | None:
    """Return the last row of ``stream``, checked."""
    columns = connection.execute(
        f"SELECT {COLUMNS} FROM frame WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1",  # noqa: S608 — as above
        (key(stream, 0), end(stream)),
    ).fetchone()
    return None if columns is None else from_columns(stream, columns)
