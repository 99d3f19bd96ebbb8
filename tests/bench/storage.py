"""The storage against the raw limits of the same file system, in one run: ratios, since seconds differ by machine.

``python -m tests.bench.storage [DIRECTORY]`` prints them; the directory should be on the disk that the agent would use.
"""

import asyncio
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from edge_agent import log
from edge_agent.contract.events import Draft, envelope
from edge_agent.contract.frames import encode_events
from edge_agent.storage import Storage
from tests.support.storage import AT, ORIGIN, of, order, running

ROUNDS = 5  # interleaved with the raw limit, so that a neighbour's load meets both
LONE_EVENTS = 300
PRODUCERS = 1000
_BLOCK = b"\xa5" * 4096


def raw_fdatasyncs_per_second(folder: Path, count: int = LONE_EVENTS) -> float:
    """Overwrite 4 KB blocks of an allocated file, each followed by fdatasync: the least a durable commit can cost."""
    path = folder / "raw"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.pwrite(descriptor, _BLOCK * count, 0)
        os.fsync(descriptor)

        def work() -> None:
            for n in range(count):
                os.pwrite(descriptor, _BLOCK, n * len(_BLOCK))
                os.fdatasync(descriptor)

        return count / _seconds(work)
    finally:
        os.close(descriptor)
        path.unlink()


def raw_rows_per_second(folder: Path, count: int = PRODUCERS) -> float:
    """Insert ``count`` ready-made rows (the JSON of the same orders): one ``executemany``, one durable COMMIT."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS event (sequence INTEGER PRIMARY KEY, body BLOB)")
        rows = [(encode_events([envelope(draft, ORIGIN, n, AT)]),) for n, draft in enumerate(_orders(count))]

        def work() -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO event (body) VALUES (?)", rows)
            connection.execute("COMMIT")

        return count / _seconds(work)
    finally:
        connection.close()


def _orders(count: int) -> list[Draft]:
    """Orders of different moments, as a busy shop makes them."""
    return [order(n, at=replace(AT, wall_ms=AT.wall_ms + 7 * n)) for n in range(count)]


def lone_event_ratio(folder: Path) -> float:
    """One order after the other, each awaited until durable, over raw 4 KB fdatasyncs. 1.0 would be the disk itself."""

    async def lone(storage: Storage) -> float:
        outcomes = [of(draft) for draft in _orders(LONE_EVENTS)]
        started = time.perf_counter()
        for outcome in outcomes:
            await storage.commit(outcome)
        return LONE_EVENTS / (time.perf_counter() - started)

    return asyncio.run(_ratio(folder, lone, raw_fdatasyncs_per_second))


def thousand_producers_ratio(folder: Path) -> float:
    """1,000 producers that wait for one order each, encoding included, over ``executemany`` of ready-made rows."""

    async def crowd(storage: Storage) -> float:
        outcomes = [of(draft) for draft in _orders(PRODUCERS)]
        started = time.perf_counter()
        async with asyncio.TaskGroup() as producers:
            for outcome in outcomes:
                producers.create_task(storage.commit(outcome))
        return PRODUCERS / (time.perf_counter() - started)

    return asyncio.run(_ratio(folder, crowd, raw_rows_per_second))


async def _ratio(folder: Path, measure: Callable[[Storage], Awaitable[float]], raw: Callable[[Path], float]) -> float:
    ratios = []
    with tempfile.TemporaryDirectory(dir=folder) as place:
        async with running(Path(place) / "state") as storage:
            await _warm_up(measure, storage, Path(place) / "state" / "edge.db-wal")
            for _ in range(ROUNDS):
                limit = raw(Path(place))
                ratios.append(await measure(storage) / limit)
    return statistics.median(ratios)


async def _warm_up(measure: Callable[[Storage], Awaitable[float]], storage: Storage, write_ahead: Path) -> None:
    """Run until the log is as long as it gets: from then on it is overwritten, as in a process that has run a while."""
    size = -1
    while (grown := write_ahead.stat().st_size) > size:
        size = grown
        await measure(storage)


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main(folder: Path) -> None:
    """Print both ratios."""
    print(f"lone durable event / raw 4 KB fdatasync: {lone_event_ratio(folder):.2f}")  # noqa: T201 — its result
    print(f"1,000 producers / executemany(1000):     {thousand_producers_ratio(folder):.2f}")  # noqa: T201 — its result


if __name__ == "__main__":
    log.set_up("error")
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.gettempdir()))
