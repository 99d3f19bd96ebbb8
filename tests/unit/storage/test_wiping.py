"""Copies that SQLite leaves in pages it goes on using are written over; what it needs is never touched."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.contract.events import Stream
from edge_agent.contract.frames import Frame
from edge_agent.storage import FORGETTABLE, StorageSettings, rows
from edge_agent.storage.connection import DamagedError, connect
from edge_agent.storage.space import PAGE_BYTES
from edge_agent.storage.wiping import Wiper
from tests.support.forgetting import bodies, remains, visit
from tests.support.storage import frames, of, running

ANNA, OTHERS = "anna-7f3c01d2e9", "others-55aa77cc"
NAME = b"anna-7f3c01d2e9"


@pytest.mark.parametrize("seed", range(3))
async def test_no_copy_is_left_and_none_comes_back(tmp_path: Path, seed: int) -> None:
    """Rows of all sizes in four streams of one tree: its pages are split and joined all the time."""
    rng = random.Random(seed)
    async with running(tmp_path, settings=StorageSettings(compression="identity")) as storage:

        async def work(rounds: int, share: float) -> None:
            for _ in range(rounds):
                drafts = []
                for stream in Stream:
                    for _ in range(rng.choice([0, 1, 3, 40, 200])):
                        who = ANNA if stream in FORGETTABLE and rng.random() < share else OTHERS
                        drafts += [visit(stream, who)] * rng.choice([1, 1, 1, 12])
                await storage.commit(of(*drafts[:600]))

        await storage._thread.run(lambda c: c.execute("PRAGMA cache_size = -100000"))  # every page stays in memory
        await work(60, 0.3)
        await storage.forget(lambda body: NAME in body)
        assert remains(tmp_path, ANNA) == []
        kept = {stream: bodies(await frames(storage, stream)) for stream in Stream}
        await work(30, 0)
        assert remains(tmp_path, ANNA) == []
        assert await storage._thread.run(lambda c: c.execute("PRAGMA integrity_check").fetchall()) == [("ok",)]
        for stream in Stream:
            assert bodies(await frames(storage, stream)).items() >= kept[stream].items()
        # In place: every page is written as it is in memory.
        await storage._thread.run(
            lambda c: c.execute("UPDATE frame SET recorded_ms = 1, body = zeroblob(length(body))")
        )
        await storage._thread.run(lambda c: c.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
        assert remains(tmp_path, ANNA) == []


def frame(first: int, size: int, fill: bytes) -> Frame:
    return Frame(Stream.PRESENCE, first, first, 1, "identity", (fill * size)[:size])


def wipe(path: Path, connection: sqlite3.Connection) -> None:
    following: int | None = 1
    with closing(Wiper(path)) as wiper:
        while following is not None:
            following = wiper.step(connection, following)


def test_rows_of_every_size_stay_what_they_are(tmp_path: Path) -> None:
    """Around each limit of the file format: whole on a leaf, one overflow page, the last one exactly full."""
    path = tmp_path / "edge.db"
    sizes = [*range(3_980, 4_100, 3), *range(8_060, 8_190, 3), *range(470, 520, 3), 65_536, 131_072, 1]
    random.Random(20261122).shuffle(sizes)
    connection = connect(path, 64)
    for first, size in enumerate(sizes, 1):
        rows.insert(connection, frame(first, size, b"%d-" % first), 1)
        rows.insert(connection, frame(1_000 + first, size, NAME), 1)
    for first, size in enumerate(reversed(sizes), 1):  # freed and taken at once: pages are reused as they are
        connection.execute("BEGIN")
        rows.delete(connection, Stream.PRESENCE, 1_000 + first, 1_000 + first)
        rows.insert(connection, frame(2_000 + first, size // 2 + 1, b"other"), 1)
        connection.execute("COMMIT")
    connection.executescript("PRAGMA incremental_vacuum(100000)")
    wipe(path, connection)
    assert remains(tmp_path, ANNA) == []
    connection.close()
    connection = connect(path, 64)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    found = list(rows.read(connection, Stream.PRESENCE, 0))
    connection.close()
    assert all(row.intact for row in found)
    assert [len(row.frame.body) for row in found[: len(sizes)]] == sizes
    assert len(found) == 2 * len(sizes)


@pytest.mark.parametrize(
    ("offset", "value"),
    [(0, b"\x07"), (3, b"\x7f\xff"), (5, b"\x0f\xff"), (5, b"\xff\xff")],
    ids=["kind", "cells", "content", "beyond"],
)
def test_a_page_that_is_not_what_was_written_is_left_alone(tmp_path: Path, offset: int, value: bytes) -> None:
    path = tmp_path / "edge.db"
    connection = connect(path, 64)
    for first in range(1, 40):
        rows.insert(connection, frame(first, 900, NAME), 1)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    content = path.read_bytes()
    leaf = content.rindex(NAME) // PAGE_BYTES * PAGE_BYTES
    assert content[leaf] == 13
    with path.open("r+b") as file:
        file.seek(leaf + offset)
        file.write(value)
    damaged = path.read_bytes()
    with pytest.raises(DamagedError, match="b-tree"):
        wipe(path, connection)
    connection.close()
    assert path.read_bytes() == damaged
