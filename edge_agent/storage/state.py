"""Durable facts: small values by part and key, changed in the transaction of the events that imply them."""

import sqlite3
import zlib
from collections.abc import Iterable

from edge_agent.shop.outcome import StateChange
from edge_agent.storage.connection import DamagedError

State = dict[str, dict[str, bytes]]

UPSERT = (
    "INSERT INTO state (part, key, value, expires_ms, crc) VALUES (?, ?, ?, ?, ?) ON CONFLICT (part, key)"
    " DO UPDATE SET value = excluded.value, expires_ms = excluded.expires_ms, crc = excluded.crc"
)
COLUMNS = "part, key, value, expires_ms, crc"


def checksum(part: str, key: str, value: bytes, expires_ms: int | None) -> int:
    """Return the CRC of one row."""
    return zlib.crc32(value, zlib.crc32(repr((part, key, expires_ms)).encode()))


def load(connection: sqlite3.Connection) -> State:
    """Read every fact. Raises DamagedError if one is not what was written."""
    state: State = {}
    for part, key, value, expires_ms, crc in connection.execute(f"SELECT {COLUMNS} FROM state"):  # noqa: S608 — constant
        if crc != checksum(part, key, value, expires_ms):
            raise DamagedError(f"the state of {part}/{key}")
        state.setdefault(part, {})[key] = value
    return state


def write(connection: sqlite3.Connection, changes: Iterable[StateChange]) -> None:
    """Write changes in order; to be called within a transaction."""
    for change in changes:
        if change.value is None:
            connection.execute("DELETE FROM state WHERE part = ? AND key = ?", (change.part, change.key))
        else:
            crc = checksum(change.part, change.key, change.value, change.expires_ms)
            connection.execute(UPSERT, (change.part, change.key, change.value, change.expires_ms, crc))


def apply(state: State, changes: Iterable[StateChange]) -> None:
    """Bring the copy in memory to what is on disk."""
    for change in changes:
        if change.value is None:
            state.get(change.part, {}).pop(change.key, None)
        else:
            state.setdefault(change.part, {})[change.key] = change.value


def expire(connection: sqlite3.Connection, now_ms: int, limit: int) -> list[StateChange]:
    """Delete at most ``limit`` facts that nobody needs any more; returns what was deleted."""
    expired = [
        StateChange(part, key, None)
        for part, key in connection.execute(
            "SELECT part, key FROM state WHERE expires_ms < ? ORDER BY expires_ms LIMIT ?", (now_ms, limit)
        )
    ]
    write(connection, expired)
    return expired
