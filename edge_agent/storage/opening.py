"""From a directory to an open database: locked, checked, salvaged if it must be, and known to be this machine's."""

import fcntl
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from edge_agent import durable
from edge_agent.clock import Moment
from edge_agent.contract.events import Origin
from edge_agent.contract.frames import Encoding
from edge_agent.errors import StorageError
from edge_agent.storage import epoch, left_log, meta, salvage, state
from edge_agent.storage.connection import (
    DamagedError,
    FullError,
    connect,
    pragma,
    refuse_newer,
    transaction,
    translated,
)
from edge_agent.storage.ledger import Ledger, load_positions
from edge_agent.storage.outbox import Outbox
from edge_agent.storage.space import PAGE_BYTES, Space
from edge_agent.storage.state import State

DATABASE = "edge.db"
# Left behind by a process that met damage while it ran: the next one salvages, even if a check finds nothing.
DAMAGE_MARK = "damaged"

_MAGIC = b"SQLite format 3\0"
_USER_VERSION = slice(60, 64)  # https://www.sqlite.org/fileformat2.html, 1.3

_log = structlog.get_logger()


@contextmanager
def locked(state_dir: Path) -> Iterator[None]:
    """Make the directory if it is missing and hold its lock. Raises StorageError with what to do."""
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageError(
            f"the state directory {state_dir} cannot be used ({error.strerror}); "
            "make it a directory on a writable file system that belongs to the agent's user"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise StorageError(
                f"another edge-agent (process {pid}) is using {state_dir}; "
                "stop it first, or give this one its own state_dir"
            ) from error
        with suppress(OSError):  # a full disk: the number is a courtesy
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@dataclass(slots=True)
class Opening:
    """Opens the database in the connection's thread; ``outbox`` and ``facts`` are there once ``connect`` returns."""

    state_dir: Path
    space: Space
    origin: Origin
    compression: Encoding
    machine_id: str | None
    at: Moment
    outbox: Outbox | None = None
    facts: State | None = None

    def connect(self) -> sqlite3.Connection:
        """Return the open database, salvaged where it was damaged. Raises StorageError with what to do."""
        try:
            try:
                return self._open()
            except FullError:
                # Full from the start: the log cannot be made. The reserve is for this too.
                if not self.space.release_reserve():
                    raise
                return self._open()
        except (FullError, OSError) as error:
            raise StorageError(
                f"{self.state_dir} cannot be written ({error}); "
                "free some space there, or check the disk and its permissions"
            ) from error
        except DamagedError as error:
            raise StorageError(
                f"the salvaged database is damaged again ({error}); check or replace the disk"
            ) from error

    def _open(self) -> sqlite3.Connection:
        database = self.state_dir / DATABASE
        quarantine = self.state_dir / "quarantine"
        salvage.finish(database, quarantine)
        try:
            self._heed_mark(database)
            return self._open_checked(database)
        except DamagedError as damage:
            _log.error("storage_damaged", damage=str(damage), file=str(database))
            is_cut = isinstance(damage, left_log.CutError)
        salvage.salvage(database, self.origin, self.compression, self.machine_id, self.at, is_cut=is_cut)
        salvage.finish(database, quarantine)
        (self.state_dir / DAMAGE_MARK).unlink(missing_ok=True)
        return self._open_checked(database)

    def _heed_mark(self, database: Path) -> None:
        if (self.state_dir / DAMAGE_MARK).exists() and database.exists():
            raise DamagedError("found while running")

    def _open_checked(self, database: Path) -> sqlite3.Connection:
        _check_header(database)
        if not database.exists():
            self._make(database)
        ends = left_log.flushed(database.with_name(database.name + "-wal"))
        connection = connect(database, self.space.wal_pages)
        try:
            left_log.check(connection, ends)
            self._load(connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.DatabaseError):
                raise translated(error) from error
            raise
        return connection

    def _make(self, database: Path) -> None:
        """Make an empty database aside: it has its name once it is whole, or a cut meanwhile would look like damage."""
        aside = database.with_name(database.name + durable.ASIDE)
        files = [aside.with_name(aside.name + suffix) for suffix in ("", "-wal", "-journal")]
        for leftover in files:
            leftover.unlink(missing_ok=True)
        try:
            os.close(os.open(aside, os.O_CREAT | os.O_WRONLY, 0o600))
            connect(aside, self.space.wal_pages).close()  # the last one closed empties the log into the file
            for suffix in ("-wal", "-journal"):  # of a database that was deleted: SQLite would play it into this one
                database.with_name(database.name + suffix).unlink(missing_ok=True)
            durable.sync_folder(database.parent)
            durable.put_in_place(database)
        except BaseException:
            for leftover in files:
                leftover.unlink(missing_ok=True)
            raise

    def _load(self, connection: sqlite3.Connection) -> None:
        verdict = pragma(connection, "quick_check(1)")
        if verdict != "ok":
            raise DamagedError(str(verdict))
        if _is_new(connection):
            with transaction(connection):
                epoch.new_epoch(connection, str(uuid.uuid4()), self.machine_id)
        name = meta.get(connection, meta.EPOCH)
        if name is None:
            raise DamagedError("the epoch is missing")
        positions = load_positions(connection)
        mark = meta.sent_mark(connection)
        sent = mark or {stream: position.last for stream, position in positions.items()}
        ledger = Ledger(name, sent, mark is not None, positions)
        self.outbox = Outbox(ledger, self.origin, self.compression)
        self.facts = state.load(connection)
        machine = meta.get(connection, meta.MACHINE)
        if machine is not None and self.machine_id is not None and machine != self.machine_id:
            _log.warning("storage_cloned", old_epoch=name)
            epoch.begin(connection, self.outbox, "cloned", self.machine_id, self.at)
        else:
            self._remember(connection, ledger, machine)

    def _remember(self, connection: sqlite3.Connection, ledger: Ledger, machine: str | None) -> None:
        # A disk without any room: whatever may have been sent counts as sent then, and the next start remembers.
        with suppress(FullError):
            with transaction(connection):
                if machine is None and self.machine_id is not None:
                    meta.put(connection, meta.MACHINE, self.machine_id)
                if not ledger.sent_mark:
                    meta.put_sent_mark(connection, ledger.sent)
            ledger.sent_mark = True


def _is_new(connection: sqlite3.Connection) -> bool:
    """Tell whether nothing was ever recorded here: a database whose process died while it was being made."""
    return not any(
        connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()  # noqa: S608 — names of this module
        for table in ("meta", "stream", "frame", "state")
    )


def _check_header(database: Path) -> None:
    """Look before SQLite touches anything: it deletes the log of an empty file, and recovers the log of any other."""
    try:
        with database.open("rb") as file:
            header = file.read(PAGE_BYTES)
    except FileNotFoundError:
        return
    if len(header) < PAGE_BYTES or not header.startswith(_MAGIC):
        raise DamagedError("this is not a database")
    refuse_newer(int.from_bytes(header[_USER_VERSION], "big"))
