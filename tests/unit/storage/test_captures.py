import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard

from edge_agent.errors import StorageError
from edge_agent.shop.outcome import Capture, StateChange
from edge_agent.storage import Storage, StorageSettings, connection, recorder
from edge_agent.storage.captures import MAX_ABOUTS, Captures, Held
from edge_agent.storage.connection import FullError
from tests.support.storage import of, order, running

MIB = 1024 * 1024


def capture(body: bytes, about: bytes = b"") -> Capture:
    return Capture(hashlib.sha256(body).hexdigest(), body, about)


def captures(folder: Path) -> Captures:
    return Captures(folder, StorageSettings(), 64 * MIB)


def test_a_capture_is_held_with_what_is_known_about_each_slip(tmp_path: Path) -> None:
    kept = captures(tmp_path / "captures")
    kept.write([capture(b"a coffee", b"one"), capture(b"a coffee", b"two"), capture(b"tea")])
    coffee = capture(b"a coffee").sha256
    assert kept.held(coffee) == Held(b"a coffee", (b"one", b"two"))
    assert kept.held(capture(b"tea").sha256) == Held(b"tea", ())
    assert kept.read(coffee) == b"a coffee"
    assert kept.held("0" * 64) is None
    assert sorted(kept.names()) == sorted([coffee, capture(b"tea").sha256])
    for n in range(MAX_ABOUTS):
        kept.write([capture(b"a coffee", b"%d" % n)])
    held = kept.held(coffee)
    assert held is not None
    assert (len(held.about), held.about[0]) == (MAX_ABOUTS, b"one")


def test_the_raw_bytes_are_what_zstd_itself_gives(tmp_path: Path) -> None:
    kept = captures(tmp_path)
    kept.write([capture(b"a coffee", b'{"about": 1}')])
    packed = (tmp_path / f"{capture(b'a coffee').sha256}.zst").read_bytes()
    with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as reader:
        assert reader.read() == b"a coffee"


@pytest.mark.skipif(not Path("/usr/bin/zstd").exists(), reason="no zstd program here")
def test_and_the_zstd_program(tmp_path: Path) -> None:
    captures(tmp_path).write([capture(b"a coffee", b'{"about": 1}')])
    file = tmp_path / f"{capture(b'a coffee').sha256}.zst"
    assert subprocess.run(["/usr/bin/zstd", "-dc", file], capture_output=True, check=True).stdout == b"a coffee"


def test_damage_costs_what_it_touches_and_raises_nothing(tmp_path: Path) -> None:
    rng = random.Random(5)
    kept = captures(tmp_path)
    body, about = b"a coffee and a cake " * 40, b'{"sent": "an order"}' * 20
    file = tmp_path / f"{capture(body).sha256}.zst"
    for _ in range(400):
        file.unlink(missing_ok=True)
        kept.write([capture(body, about)])
        packed = bytearray(file.read_bytes())
        if rng.random() < 0.3:
            packed = packed[: rng.randrange(len(packed))]
        else:
            packed[rng.randrange(len(packed))] ^= 1 << rng.randrange(8)
        file.write_bytes(packed)
        held = kept.held(capture(body).sha256)
        assert held is None or (held.body == body and held.about in ((), (about,)))
    kept.write([capture(body, about)])  # what is damaged is written again
    file.write_bytes(b"")
    kept.write([capture(body, about)])
    assert kept.held(capture(body).sha256) == Held(body, (about,))


def test_rewriting_keeps_the_age_and_the_count_of_bytes(tmp_path: Path) -> None:
    kept = captures(tmp_path)
    kept.write([capture(b"a coffee", b"one"), capture(b"a coffee", b"two")])
    old = capture(b"a coffee").sha256
    os.utime(tmp_path / f"{old}.zst", ns=(10**18, 10**18))
    assert kept.rewrite(old, lambda about: about.upper())
    assert kept.held(old) == Held(b"a coffee", (b"ONE", b"TWO"))
    assert kept.rewrite(old, lambda about: about, b"a *xxxxx")
    new = capture(b"a *xxxxx").sha256
    assert kept.names() == [new]
    assert kept.held(new) == Held(b"a *xxxxx", (b"ONE", b"TWO"))
    assert (tmp_path / f"{new}.zst").stat().st_mtime_ns == 10**18
    assert not kept.rewrite(old, lambda about: about)
    assert kept.drop(1) == 4096, "its place on the disk is counted once"
    kept.write([capture(b"tea")])
    kept.delete(capture(b"tea").sha256)
    kept.delete(capture(b"tea").sha256)
    assert kept.names() == []


def test_two_captures_that_become_the_same_know_about_all_their_slips(tmp_path: Path) -> None:
    kept = captures(tmp_path)
    kept.write([capture(b"tel 1", b"one"), capture(b"tel *", b"two")])
    kept.rewrite(capture(b"tel 1").sha256, lambda about: about, b"tel *")
    assert kept.held(capture(b"tel *").sha256) == Held(b"tel *", (b"two", b"one"))


async def test_forgetting_reaches_what_is_kept_beside_captures(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        await storage.commit(of(captures=[capture(b"a coffee", b"anna"), capture(b"tea", b"bob")]))
        await storage.forget(lambda _: False, lambda about: about.replace(b"anna", b"-"))
        names = await storage.captures()
        held = [await storage.held_capture(name) for name in names]
    assert sorted(item.about for item in held if item is not None) == [(b"-",), (b"bob",)]


async def test_a_capture_that_cannot_be_rewritten_is_as_it_was(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        await storage.commit(of(captures=[capture(b"a coffee", b"one")]))
        (name,) = await storage.captures()
        (blocker,) = [(tmp_path / "captures" / name).with_suffix(".new")]
        blocker.mkdir(parents=True)
        with pytest.raises(StorageError, match="capture"):
            await storage.rewrite_capture(name, lambda about: about + b"!")
        held = await storage.held_capture(name)
    assert held == Held(b"a coffee", (b"one",))


async def test_a_certain_capture_is_on_disk_with_its_event(tmp_path: Path) -> None:
    unread = replace(capture(b"a slip", b"about it"), certain=True)
    read = capture(b"an order")
    async with running(tmp_path / "state") as storage:
        await storage.commit(of(order(1), captures=[unread, read]))
        shutil.copytree(tmp_path / "state", tmp_path / "killed")  # what a kill just then would leave
        assert await storage.held_capture(unread.sha256) is None
    async with running(tmp_path / "killed") as storage:
        assert await storage.held_capture(unread.sha256) == Held(b"a slip", (b"about it",))
        assert await storage.held_capture(read.sha256) is None
        assert storage.state("capture") == {}
    for state_dir in (tmp_path / "state", tmp_path / "killed"):
        async with running(state_dir) as storage:  # the rows have gone, on disk as well
            assert await storage.held_capture(unread.sha256) == Held(b"a slip", (b"about it",))
            assert await storage._thread.run(lambda c: c.execute("SELECT count(*) FROM state").fetchone()) == (0,)


async def test_the_row_of_a_capture_that_a_full_disk_kept_goes_before_the_capture_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unread = replace(capture(b"a slip", b"unread"), certain=True)
    async with running(tmp_path) as storage:
        with monkeypatch.context() as full:
            full.setattr(recorder, "transaction", _full_for_rows_that_go(connection.transaction))
            await storage.commit(of(order(1), captures=[unread]))
            assert await storage.captures() == [unread.sha256]
        assert await _rows(storage) == 1
        assert await storage.captures() == [unread.sha256]
        await storage.rewrite_capture(unread.sha256, lambda _: b"an order by now")
        assert await _rows(storage) == 0
    async with running(tmp_path) as storage:
        assert await storage.held_capture(unread.sha256) == Held(b"a slip", (b"an order by now",))


async def test_a_row_of_another_version_does_not_keep_the_storage_closed(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        await storage.commit(of(order(1), state=[StateChange("capture", "of/old", b"\x91\x01")]))
    async with running(tmp_path) as storage:
        assert await _rows(storage) == 0


def test_folders_among_the_captures_stay_and_hold_up_nothing(tmp_path: Path) -> None:
    coffee, tea = capture(b"a coffee"), capture(b"tea")
    (tmp_path / f"{coffee.sha256}.zst" / "within").mkdir(parents=True)
    os.utime(tmp_path / f"{coffee.sha256}.zst", (0, 0))  # the oldest of all: the first to go
    kept = captures(tmp_path)
    kept.write([coffee, tea])
    assert kept.names() == [tea.sha256]
    kept.delete(coffee.sha256)
    kept.expire(2**60)
    assert kept.names() == []
    kept.write([tea])
    assert kept.drop(MIB) == 4096
    assert (tmp_path / f"{coffee.sha256}.zst" / "within").is_dir()


async def _rows(storage: Storage) -> int:
    (count,) = await storage._thread.run(lambda c: c.execute("SELECT count(*) FROM state").fetchone())
    return int(count)


def _full_for_rows_that_go(transaction: Any) -> Any:
    """Return a transaction that the disk refuses where all it does is to let a capture's row go."""

    @contextmanager
    def refusing(database: sqlite3.Connection) -> Iterator[None]:
        with transaction(database):
            yield
            if database.execute("SELECT count(*) FROM state").fetchone() == (0,):
                raise FullError("the disk is full")

    return refusing
