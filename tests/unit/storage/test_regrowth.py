"""A tree put together again above its leaves."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.storage.regrowth import regrow
from edge_agent.storage.space import PAGE_BYTES

LOW, HIGH = 1 << 48, 5 << 48


@pytest.mark.parametrize("count", [2, 40, 2_000])  # a root of its own, one level, two levels
def test_every_row_is_found_again(tmp_path: Path, count: int) -> None:
    path = tmp_path / "x.db"
    rng = random.Random(count)
    rows = {LOW + number * 3: rng.randbytes(rng.choice([10, 1_500, 9_000])) for number in range(count)}
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE frame (id INTEGER PRIMARY KEY, body BLOB)")
        database.execute("CREATE TABLE other (id INTEGER PRIMARY KEY, body BLOB)")
        database.executemany("INSERT INTO other VALUES (?, ?)", ((n, bytes(500)) for n in range(100)))
        shuffled = rng.sample(list(rows.items()), count)
        database.executemany("INSERT INTO frame VALUES (?, ?)", shuffled)
        database.commit()
        roots = dict(database.execute("SELECT name, rootpage FROM sqlite_master"))
    content = bytearray(path.read_bytes())
    other = (roots["other"] - 1) * PAGE_BYTES
    inner = [at for at in range(PAGE_BYTES, len(content), PAGE_BYTES) if content[at] == 5 and at != other]
    for at in inner:
        content[at : at + PAGE_BYTES] = rng.randbytes(PAGE_BYTES)
    path.write_bytes(content)

    regrow(path, roots["frame"], LOW, HIGH)

    with closing(sqlite3.connect(path)) as database:
        assert dict(database.execute("SELECT id, body FROM frame")) == rows
        assert database.execute("SELECT count(*) FROM other").fetchone() == (100,)
        middle = sorted(rows)[count // 2]
        assert database.execute("SELECT body FROM frame WHERE id = ?", (middle,)).fetchone() == (rows[middle],)


def test_noise_is_no_leaf(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    rng = random.Random(7)
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE frame (id INTEGER PRIMARY KEY, body BLOB)")
        database.executemany("INSERT INTO frame VALUES (?, ?)", ((LOW + n, bytes(900)) for n in range(50)))
        database.commit()
    with path.open("ab") as file:
        for _ in range(200):
            file.write(b"\x0d" + rng.randbytes(PAGE_BYTES - 1))
    regrow(path, 2, LOW, HIGH)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM frame").fetchone() == (50,)
