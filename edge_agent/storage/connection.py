"""The one connection: SQLite in aiosqlite's thread, a whole operation in one hop."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite

from edge_agent.errors import StorageError
from edge_agent.storage.space import PAGE_BYTES

T = TypeVar("T")

_BUSY_SECONDS = 1.0  # a predecessor that is just dying; the lock file keeps every other agent out


class DamagedError(Exception):
    """The database is not what was written; only salvage helps."""


class FullError(Exception):
    """No room for this transaction; it was rolled back."""


class Database(aiosqlite.Connection):
    """aiosqlite's connection with one more verb: a plain function runs in its thread as one unit.

    An ``await`` costs 60-140 µs against 1-4 µs in SQLite, and two tasks that await between BEGIN and COMMIT share a
    transaction. One hop an operation is fast, atomic, and cannot be left half done by a cancelled caller.
    """

    async def __aenter__(self) -> Self:
        try:
            await self
        except BaseException:
            self._thread.join()  # it would answer into a loop that is closed by then, and it is not a daemon
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
        self._thread.join()  # it has answered for the last time and is about to end

    async def run(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``operation`` in the connection's thread; operations run one after the other, in order of call."""
        result: T = await self._execute(operation, self._conn)  # type: ignore[no-untyped-call]  # protected, untyped
        return result


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK on any error. Raises FullError, DamagedError or StorageError."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        _roll_back(connection)
        raise translated(error) from error
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def translated(error: sqlite3.DatabaseError) -> Exception:
    """Return what a SQLite error means here: FullError, DamagedError or StorageError with what to do."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the primary code of an extended one
    if code == sqlite3.SQLITE_FULL:
        return FullError(str(error))
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DamagedError(str(error))
    if code == sqlite3.SQLITE_BUSY:
        return StorageError("another program has the database open; close it: only the agent may open edge.db")
    return StorageError(f"the database cannot be used ({error}); check the disk and its permissions")


def lenient_text(value: bytes) -> str:
    """Return a TEXT column even if its bytes were damaged: the row's CRC tells, not an exception half-way."""
    return value.decode("utf-8", "replace")


def connect(path: Path, wal_pages: int) -> sqlite3.Connection:
    """Open or create the database, durable as the contract asks. Raises FullError, DamagedError, StorageError."""
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_SECONDS)
        connection.text_factory = lenient_text
        # First of all: no -shm file (32 KB that a full disk may not have), no second program beside the one connection.
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # only heeded before the first table
        _begin_log(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={wal_pages}")
        # Cut back only when a large transaction has made it far longer: overwriting an allocated file is what is fast.
        connection.execute(f"PRAGMA journal_size_limit={2 * wal_pages * PAGE_BYTES}")
        # Debian builds SQLite with secure_delete on: freeing space would first write as many zeros to the log.
        connection.execute("PRAGMA secure_delete=FAST")
        migrate(connection)
    except sqlite3.DatabaseError as error:
        _close(connection)
        raise translated(error) from error
    except BaseException:
        _close(connection)
        raise
    return connection


def _begin_log(connection: sqlite3.Connection) -> None:
    mode = pragma(connection, "journal_mode=WAL")
    if mode != "wal":  # an I/O error while switching leaves the old mode, silently
        raise StorageError(f"the file system cannot hold a write-ahead log (journal_mode={mode}); check the disk")


def _close(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        connection.close()


def _scripts() -> list[str]:
    folder = files("edge_agent.storage") / "schema"
    return [
        entry.read_text("utf-8")
        for entry in sorted(folder.iterdir(), key=lambda e: e.name)
        if entry.name.endswith(".sql")
    ]


def schema_version() -> int:
    """Return the newest schema this program knows."""
    return len(_scripts())


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema to the newest version, one numbered file a transaction. Raises StorageError if it is newer."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    refuse_newer(version)
    for number, script in enumerate(_scripts()[version:], version + 1):
        try:
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version={number};\nCOMMIT;")
        except BaseException:
            _roll_back(connection)
            raise


def refuse_newer(version: int) -> None:
    """Raise StorageError for a schema from the future: nothing may be touched."""
    if version > schema_version():
        raise StorageError(
            f"the database was written by a newer edge-agent (schema {version}, this one knows {schema_version()}); "
            "install that version again, or point state_dir at an empty directory"
        )


def pragma(connection: sqlite3.Connection, name: str) -> Any:
    """Return the value of a pragma."""
    return connection.execute(f"PRAGMA {name}").fetchone()[0]
