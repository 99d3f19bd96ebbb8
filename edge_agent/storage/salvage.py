"""A damaged database: read every row that can be read into a new one, which begins a new epoch.

Order of steps, each safe to be killed in:

1. ``edge.db.building``  the new database is filled (deleted and begun again if found at start-up)
2. ``edge.db.salvaged``  its name once it is whole and on disk; from here on the old file is only moved
3. ``quarantine/edge-<time>.db`` (and ``-wal``)  the old files, the log first: it must never meet the new database
4. ``edge.db``           the new database takes the place
"""

import os
import shutil
import sqlite3
import uuid
from collections.abc import Generator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heappop, heappush
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from edge_agent import durable
from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.contract.events import Origin, Stream, envelope
from edge_agent.contract.frames import Encoding
from edge_agent.storage import ledger, meta, rows, state
from edge_agent.storage.connection import FullError, lenient_text, migrate, translated
from edge_agent.storage.epoch import Renumber, new_epoch, recovered
from edge_agent.storage.packing import pack_events
from edge_agent.storage.regrowth import regrow
from edge_agent.storage.space import PAGE_BYTES

_QUARANTINED = 3  # newest first; enough to compare, little enough for a small disk
# Attempts to get into the middle of an unreadable range, about 20 us each. A destroyed leaf costs some 2 × its rows, an
# inner page that of all its leaves; a destroyed root page would otherwise be asked about 2**48 sequences.
_PROBES = 16_384
_PORTION = 1000
_NUMBERS = 1 << 62  # above every row id of the state table

_log = structlog.get_logger()


def finish(database: Path, quarantine: Path) -> None:
    """Carry on where a killed salvage stopped: steps 3 and 4 if the new database is whole, else begin afresh."""
    _building(database).unlink(missing_ok=True)
    salvaged = _salvaged(database)
    if not salvaged.exists():
        return
    quarantine.mkdir(mode=0o700, exist_ok=True)
    # The same name however often this is interrupted: the time of the new database.
    stamp = datetime.fromtimestamp(int(salvaged.stat().st_mtime), UTC).strftime("%Y%m%dT%H%M%SZ")
    for suffix in ("-wal", "-shm", ""):
        old = database.with_name(database.name + suffix)
        if old.exists():
            old.rename(quarantine / f"{database.stem}-{stamp}{database.suffix}{suffix}")
    durable.sync_folder(quarantine)
    salvaged.rename(database)
    durable.sync_folder(database.parent)
    _forget_oldest(quarantine, database)


def salvage(
    database: Path, origin: Origin, compression: Encoding, machine_id: str | None, at: Moment, *, is_cut: bool = False
) -> None:
    """Build the new database beside the damaged one (steps 1 and 2). Raises FullError if there is no room for it.

    ``is_cut``: the end is missing, whatever the rest says of it.
    """
    building = _building(database)
    building.unlink(missing_ok=True)
    with ExitStack() as stack:
        stack.callback(building.unlink, missing_ok=True)
        try:
            damaged = _damaged(database, stack, is_cut)
            told = _build(building, damaged, origin, compression, machine_id, at)
        except OSError as error:
            raise FullError(str(error)) from error
        except sqlite3.DatabaseError as error:
            raise translated(error) from error
        building.rename(_salvaged(database))
    durable.sync_folder(database.parent)
    _log.error("storage_salvaged", old_epoch=told.old_epoch, salvaged=told.salvaged, lost=told.lost)


def put_copy(database: Path, connection: sqlite3.Connection) -> None:
    """Copy the open database to where ``finish`` takes it from (step 2). Raises OSError or sqlite3.DatabaseError."""
    building = _building(database)
    building.unlink(missing_ok=True)
    with ExitStack() as stack:
        stack.callback(building.unlink, missing_ok=True)
        os.close(os.open(building, os.O_CREAT | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(building, isolation_level=None)) as target:
            connection.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # a log of its own would stay behind when it is renamed
        with building.open("rb+") as file:
            os.fsync(file.fileno())
        building.rename(_salvaged(database))
    durable.sync_folder(database.parent)


@dataclass(frozen=True, slots=True)
class _Damaged:
    """What can be read. ``tables``: as they are in the file; ``frames``: where every leaf of theirs is reached."""

    tables: sqlite3.Connection
    frames: sqlite3.Connection
    is_cut: bool


def _damaged(database: Path, stack: ExitStack, is_cut: bool) -> _Damaged:
    tables = _readable(database, stack)
    return _Damaged(tables, _regrown(database, tables, stack), is_cut)


def _readable(database: Path, stack: ExitStack) -> sqlite3.Connection:
    """Return a connection to the damaged file; to a copy with a sound first page; or, in the end, to nothing at all."""
    try:
        return _source(database, stack)
    except sqlite3.DatabaseError:
        pass
    copy = _copy(database, ".graft", stack)
    _graft(copy)
    try:
        return _source(copy, stack)
    except sqlite3.DatabaseError:
        empty = stack.enter_context(closing(sqlite3.connect(":memory:", isolation_level=None)))
        migrate(empty)
        return empty


def _copy(database: Path, suffix: str, stack: ExitStack) -> Path:
    """Copy a database and its log for as long as the stack lasts. Raises OSError without room for it."""
    copy = database.with_name(database.name + suffix)
    for part in ("", "-wal", "-shm"):
        stack.callback(copy.with_name(copy.name + part).unlink, missing_ok=True)
    shutil.copyfile(database, copy)
    log = database.with_name(database.name + "-wal")
    if log.exists():
        shutil.copyfile(log, copy.with_name(copy.name + "-wal"))
    return copy


def _regrown(database: Path, source: sqlite3.Connection, stack: ExitStack) -> sqlite3.Connection:
    """Return a connection in which every leaf of the frames can be reached; the source itself, if it is one.

    Without room for a copy the source is read around its holes.
    """
    with suppress(sqlite3.DatabaseError):
        source.execute("SELECT sum(last), sum(length(body)) FROM frame").fetchall()
        return source
    try:
        copy = _copy(database, ".regrown", stack)
        with closing(sqlite3.connect(copy, isolation_level=None)) as merged:
            merged.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = source.execute("SELECT rootpage FROM sqlite_master WHERE name = 'frame'").fetchone()
        regrow(copy, root, min(rows.key(stream, 0) for stream in Stream), max(map(rows.end, Stream)))
        return _source(copy, stack)
    except (OSError, sqlite3.DatabaseError):
        return source


def _source(path: Path, stack: ExitStack) -> sqlite3.Connection:
    if path.stat().st_size < PAGE_BYTES:  # SQLite would delete the log of an empty database
        raise sqlite3.DatabaseError("too short")
    # Read-only: on closing, SQLite would write the log into the damaged file and delete it.
    source = stack.enter_context(closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)))
    source.text_factory = lenient_text
    for table in ("frame", "stream", "state", "meta"):
        source.execute(f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT 0)")  # noqa: S608 — the schema, not the pages
    return source


def _graft(copy: Path) -> None:
    """Give a file whose first page is gone the first page of a fresh database.

    The same scripts put every table's root on the same page, so the rest of the file becomes readable again.
    """
    with TemporaryDirectory(dir=copy.parent) as folder:
        template = Path(folder) / "template.db"
        with closing(sqlite3.connect(template, isolation_level=None)) as fresh:
            fresh.execute("PRAGMA auto_vacuum=INCREMENTAL")
            migrate(fresh)
        page = bytearray(template.read_bytes()[:PAGE_BYTES])
    # https://www.sqlite.org/fileformat2.html, 1.3: 18 and 19: versions (2: write-ahead log), 28: size in pages,
    # 32 and 36: freelist.
    page[18:20] = b"\x02\x02"
    page[28:32] = (copy.stat().st_size // PAGE_BYTES).to_bytes(4, "big")
    page[32:40] = bytes(8)
    with copy.open("rb+") as file:
        file.write(page)


def _build(
    building: Path, damaged: _Damaged, origin: Origin, compression: Encoding, machine: str | None, at: Moment
) -> data.Recovered:
    os.close(os.open(building, os.O_CREAT | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(building, isolation_level=None)) as target:
        target.execute("PRAGMA auto_vacuum=INCREMENTAL")
        # A file that is not whole is thrown away: no journal, and nothing is flushed before the end.
        target.execute("PRAGMA journal_mode=OFF")
        target.execute("PRAGMA synchronous=OFF")
        migrate(target)
        told = _fill(target, damaged, origin, compression, machine, at)
    with building.open("rb+") as file:
        os.fsync(file.fileno())
    return told


def _fill(
    target: sqlite3.Connection, damaged: _Damaged, origin: Origin, compression: Encoding,
    machine: str | None, at: Moment,
) -> data.Recovered:  # fmt: skip
    old_epoch, watermarks = _identity(damaged.tables)
    salvaged, last = 0, 0
    lost: int | None = 0 if old_epoch and not damaged.is_cut and _in_order(damaged.tables) else None
    for stream in reversed(Stream):
        upto = watermarks.get(stream)
        # Without the watermark everything is sent again: head office knows the ids.
        renumber = Renumber(stream, upto or 0, compression)
        whole_end = _copy_frames(target, damaged, renumber)
        salvaged += renumber.salvaged
        lost = lost + renumber.lost if whole_end and upto is not None and lost is not None else None
        last = renumber.last if stream is Stream.OPS else last
    _copy_state(target, damaged.tables)
    told = recovered("damaged", old_epoch, salvaged, lost, at)
    for frame in pack_events(Stream.OPS, [envelope(told, origin, last + 1, at)], "identity"):
        rows.insert(target, frame, at.wall_ms)
    new_epoch(target, str(uuid.uuid4()), machine)
    return data.Recovered(reason="damaged", old_epoch=old_epoch, salvaged=salvaged, lost=lost)


def _identity(source: sqlite3.Connection) -> tuple[str | None, dict[Stream, int]]:
    old_epoch: str | None = None
    watermarks: dict[Stream, int] = {}
    with suppress(sqlite3.DatabaseError):
        old_epoch = meta.get(source, meta.EPOCH)
    with suppress(sqlite3.DatabaseError):
        watermarks = ledger.load_watermarks(source)
    return old_epoch, watermarks


def _in_order(source: sqlite3.Connection) -> bool:
    """Tell whether what can be read of the frames, from both ends, has the ids of frames, each beyond the one before.

    A torn leaf may keep its header: SQLite then takes what lies in it for rows, and steps past their ids in silence.
    """
    low, high = min(rows.key(stream, 0) for stream in Stream), max(map(rows.end, Stream))
    for direction, step in (("ASC", 1), ("DESC", -1)):
        before = low - 1 if step > 0 else high
        with suppress(sqlite3.DatabaseError):
            for (identity,) in source.execute(f"SELECT id FROM frame ORDER BY id {direction}"):  # noqa: S608 — constants
                if not low <= identity < high or (identity - before) * step <= 0:
                    return False
                before = identity
    return True


def _copy_frames(target: sqlite3.Connection, damaged: _Damaged, renumber: Renumber) -> bool:
    """Record again what can be read of one stream. Returns whether its newest sequence is known for sure."""
    low, high = rows.key(renumber.stream, 0), rows.end(renumber.stream) - 1
    select = f"SELECT {rows.COLUMNS} FROM frame WHERE id"  # noqa: S608 — a constant
    ranges = readable_ranges(damaged.frames, select, "id", low, high)
    # A tree that was put together again ends where its leaves end, and knows of none that is missing behind them.
    whole, newest = _read_through(damaged.tables, f"{select} BETWEEN ? AND ? ORDER BY id DESC", low, high)
    row = None
    target.execute("BEGIN")
    for number, columns in enumerate(_read(damaged.frames, f"{select} BETWEEN ? AND ? ORDER BY id", ranges), 1):
        if number % _PORTION == 0:  # without a journal, SQLite keeps every page of a transaction in memory
            target.execute("COMMIT")
            target.execute("BEGIN")
        row = rows.from_columns(renumber.stream, columns)
        for frame, gap in renumber.frames(row):
            rows.insert(target, frame, row.recorded_ms, gap)
    target.execute("COMMIT")
    return (whole or newest is not None) and (row is None or row.intact)


def _copy_state(target: sqlite3.Connection, source: sqlite3.Connection) -> None:
    select = f"SELECT number, {state.COLUMNS} FROM state WHERE number"  # noqa: S608 — a constant
    ranges = readable_ranges(source, select, "number", 0, _NUMBERS)
    for _, part, key, value, expires_ms, crc in _read(source, f"{select} BETWEEN ? AND ? ORDER BY number", ranges):
        if isinstance(value, bytes) and crc == state.checksum(part, key, value, expires_ms):
            target.execute(state.UPSERT, (part, key, value, expires_ms, crc))


def _read(
    source: sqlite3.Connection, statement: str, ranges: list[tuple[int, int]]
) -> Generator[tuple[Any, ...], None, None]:
    for bounds in ranges:
        cursor = source.execute(statement, bounds)
        # Behind the last row of a readable range SQLite looks at the next page, which may be the damaged one.
        with suppress(sqlite3.DatabaseError):
            while (columns := cursor.fetchone()) is not None:
                yield columns


def readable_ranges(source: sqlite3.Connection, select: str, key: str, low: int, high: int) -> list[tuple[int, int]]:
    """Find the ranges of ``key`` whose rows can be read, ascending.

    ``select`` ends where ``BETWEEN ? AND ?`` follows. Each unreadable range is narrowed from both sides, then split;
    the narrowest goes first. With the newest page destroyed every key above the rows is unreadable too, and nothing
    tells where they ended: halving that would spend every probe far above them.
    """
    found: list[tuple[int, int]] = []
    waiting = [(high - low, low, high)]
    for _ in range(_PROBES):
        if not waiting:
            break
        _, low, high = heappop(waiting)
        whole, newest = _read_through(source, f"{select} BETWEEN ? AND ? ORDER BY {key}", low, high)
        if whole:
            found.append((low, high))
            continue
        if newest is not None:
            found.append((low, newest))
            low = newest + 1
        whole, oldest = _read_through(source, f"{select} BETWEEN ? AND ? ORDER BY {key} DESC", low, high)
        if oldest is not None:
            found.append((oldest, high))
            high = oldest - 1
        if low < high and not whole:
            for part in _split(low, high):
                heappush(waiting, (part[1] - part[0], *part))
    return sorted(found)


def _split(low: int, high: int) -> Generator[tuple[int, int], None, None]:
    """Part a range of two keys or more, each part at most twice as wide as the one before."""
    width = 1
    while low <= high:
        last = min(low + width - 1, high)
        yield low, last
        low, width = last + 1, width * 2


def _read_through(source: sqlite3.Connection, statement: str, low: int, high: int) -> tuple[bool, int | None]:
    """Read rows, keeping none. Returns whether the range came to its end, and the key of the last row that was read."""
    reached: int | None = None
    try:
        for row in source.execute(statement, (low, high)):
            reached = row[0]
    except sqlite3.DatabaseError:
        return False, reached
    return True, reached


def _building(database: Path) -> Path:
    return database.with_name(database.name + ".building")


def _salvaged(database: Path) -> Path:
    return database.with_name(database.name + ".salvaged")


def _forget_oldest(quarantine: Path, database: Path) -> None:
    """Keep the newest few damaged databases; all that could be read of the older ones was."""
    kept = sorted(quarantine.glob(f"{database.stem}-*{database.suffix}"), reverse=True)
    for old in kept[_QUARANTINED:]:
        for suffix in ("-wal", "-shm", ""):
            old.with_name(old.name + suffix).unlink(missing_ok=True)
