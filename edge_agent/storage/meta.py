"""What the database says about itself: its epoch, its machine, and what may have been sent in this epoch.

The mark ``sent`` answers one question: which sequences may somebody outside hold? While it is there, no process since
it was written has published anything, so the answer is what it says. It is written when a database is opened without
one (earlier processes may have published everything up to that moment) and taken away, durably, before the first
publish of a process. So a disk that is restored from an old image, boots without a link and records new orders still
knows that head office can hold nothing beyond the image; an acknowledgement beyond it proves the rollback, although
the new orders have long taken those numbers.
"""

import sqlite3

import msgspec

from edge_agent.contract.events import Stream
from edge_agent.storage.connection import DamagedError

EPOCH = "epoch"
MACHINE = "machine"
SENT = "sent"


def get(connection: sqlite3.Connection, key: str) -> str | None:
    """Return a value, or None."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def put(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Write a value; to be called within a transaction."""
    connection.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def sent_mark(connection: sqlite3.Connection) -> dict[Stream, int] | None:
    """Return the mark, or None if this database may have been published from since it was last written."""
    text = get(connection, SENT)
    if text is None:
        return None
    try:
        mark = msgspec.json.decode(text, type=dict[Stream, int])
    except msgspec.DecodeError as error:
        raise DamagedError("the mark of what was sent") from error
    return {stream: mark.get(stream, 0) for stream in Stream}


def put_sent_mark(connection: sqlite3.Connection, mark: dict[Stream, int]) -> None:
    """Write the mark; to be called within a transaction."""
    put(connection, SENT, msgspec.json.encode(mark).decode())


def clear_sent_mark(connection: sqlite3.Connection) -> None:
    """Take the mark away; to be called within a transaction, before the first publish."""
    connection.execute("DELETE FROM meta WHERE key = ?", (SENT,))
