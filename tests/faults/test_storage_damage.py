"""Damaged databases: what can be read is salvaged, what cannot is counted, nothing is deleted."""

import asyncio
import os
import random
import shutil
from pathlib import Path

import msgspec
import pytest

from edge_agent.contract import data
from edge_agent.contract.events import Draft, Stream
from edge_agent.contract.frames import Frame
from edge_agent.errors import StorageError
from edge_agent.shop.outcome import StateChange
from edge_agent.storage import Storage, rows, salvage
from tests.support.pages import PAGE, leaf_with, pages_of
from tests.support.storage import held, of, order, running, small, told

FRAMES = 150
DELIVERED = 20


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Draft]]:
    """A closed state directory with undelivered orders over many pages, and the drafts of those orders."""
    folder = tmp_path_factory.mktemp("shop") / "state"
    drafts = [order(n, lines=12) for n in range(FRAMES)]

    async def fill() -> None:
        async with running(folder) as storage:
            for n, draft in enumerate(drafts):
                fact = StateChange("line", f"d{n % 9}", b"%d" % n)
                await storage.commit(of(draft, small(Stream.PRESENCE, n), state=[fact]))
            await storage.about_to_send()
            storage.acknowledge(Stream.ORDERS, DELIVERED)

    asyncio.run(fill())
    (folder / "reserve").unlink()
    return folder, drafts[DELIVERED:]


@pytest.fixture
def shop(pattern: tuple[Path, list[Draft]], tmp_path: Path) -> tuple[Path, list[Draft]]:
    """A fresh copy of it."""
    folder, undelivered = pattern
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return tmp_path, undelivered


async def recovered(storage: Storage) -> data.Recovered:
    [event] = await told(storage, "o2o.agent.recovered.v1")
    return msgspec.json.decode(event.data, type=data.Recovered)


async def salvaged_orders(state_dir: Path) -> tuple[list[str], list[int], data.Recovered, dict[str, bytes]]:
    async with running(state_dir) as storage:
        found = await held(storage, Stream.ORDERS)
        presence = await held(storage, Stream.PRESENCE)
        said = await recovered(storage)
        assert said.salvaged == len(found) + len(presence)
        return [item.id for item in found], [item.last for item in found], said, storage.state("line")


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("rb+") as file:
        file.seek(offset)
        file.write(content)


@pytest.mark.parametrize("seed", range(6))
async def test_destroyed_pages_cost_what_was_on_them(shop: tuple[Path, list[Draft]], seed: int) -> None:
    state_dir, undelivered = shop
    rng = random.Random(seed)
    leaves = pages_of(state_dir / "edge.db", 13)[6:-6]
    for offset in rng.sample(leaves, 1 + seed):
        overwrite(state_dir / "edge.db", offset, rng.randbytes(PAGE) if seed % 2 else bytes(PAGE))
    ids, sequences, said, _ = await salvaged_orders(state_dir)
    expected = [draft.id for draft in undelivered]
    assert sequences == list(range(1, len(ids) + 1))
    assert ids == [identity for identity in expected if identity in set(ids)]
    assert len(ids) >= len(expected) - 12 * (1 + seed)
    assert (said.reason, said.lost) in [("damaged", FRAMES + len(expected) - said.salvaged), ("damaged", None)]
    assert len(list((state_dir / "quarantine").glob("edge-*.db"))) == 1


async def test_a_hole_is_read_around_though_the_newest_page_is_gone(shop: tuple[Path, list[Draft]]) -> None:
    """Every key above the newest page is unreadable then: nothing tells where the orders ended."""
    state_dir, undelivered = shop
    for number in (40, 90, FRAMES):
        offset = leaf_with(state_dir / "edge.db", rows.key(Stream.ORDERS, number))
        overwrite(state_dir / "edge.db", offset, random.Random(number).randbytes(PAGE))
    ids, _, said, _ = await salvaged_orders(state_dir)
    assert len(ids) >= len(undelivered) - 3 * 12
    assert undelivered[100 - DELIVERED].id in ids
    assert said.lost is None


@pytest.mark.parametrize("hole", [0, 40])
async def test_lost_inner_pages_cost_no_event(shop: tuple[Path, list[Draft]], hole: int) -> None:
    """What leads to the rows is gone, its root too; the leaves are found by what they are."""
    state_dir, undelivered = shop
    for offset in pages_of(state_dir / "edge.db", 5):
        if offset == 2 * PAGE or int.from_bytes((state_dir / "edge.db").read_bytes()[offset + 8 : offset + 12], "big"):
            overwrite(state_dir / "edge.db", offset, random.Random(offset).randbytes(PAGE))
    if hole:
        overwrite(state_dir / "edge.db", leaf_with(state_dir / "edge.db", rows.key(Stream.ORDERS, hole)), bytes(PAGE))
    ids, _, said, _ = await salvaged_orders(state_dir)
    assert len(ids) >= len(undelivered) - (12 if hole else 0)
    assert said.lost is None  # what stood behind the last leaf, nobody knows
    assert not list(state_dir.glob("*.regrown*"))


async def test_the_count_adds_up_to_the_last_event(shop: tuple[Path, list[Draft]]) -> None:
    state_dir, undelivered = shop
    offset = leaf_with(state_dir / "edge.db", rows.key(Stream.ORDERS, 80))
    overwrite(state_dir / "edge.db", offset, bytes(PAGE))
    ids, _, said, state = await salvaged_orders(state_dir)
    assert said.lost is not None
    assert 0 < said.lost < 12
    assert said.salvaged + said.lost == FRAMES + len(undelivered)
    assert len(state) == 9
    assert ids[0] == undelivered[0].id
    assert ids[-1] == undelivered[-1].id


@pytest.mark.parametrize("stream", [Stream.ORDERS, Stream.PRESENCE])
@pytest.mark.parametrize("seed", range(4))
async def test_a_torn_newest_page_is_not_counted_wrong(
    shop: tuple[Path, list[Draft]], stream: Stream, seed: int
) -> None:
    """Its header is whole, the ids of its rows are not: SQLite steps past them, and finds nothing wrong."""
    state_dir, undelivered = shop
    offset = leaf_with(state_dir / "edge.db", rows.key(stream, FRAMES))
    overwrite(state_dir / "edge.db", offset + 1024, random.Random(seed).randbytes(PAGE - 1024))
    _, _, said, _ = await salvaged_orders(state_dir)
    assert said.salvaged < FRAMES + len(undelivered)
    assert said.lost in (None, FRAMES + len(undelivered) - said.salvaged)


async def test_a_truncated_file_does_not_know_what_it_lost(shop: tuple[Path, list[Draft]]) -> None:
    state_dir, undelivered = shop
    size = (state_dir / "edge.db").stat().st_size
    os.truncate(state_dir / "edge.db", size * 2 // 3 // PAGE * PAGE)
    ids, sequences, said, _ = await salvaged_orders(state_dir)
    assert 0 < len(ids) < len(undelivered)
    assert sequences == list(range(1, len(ids) + 1))
    assert said.lost is None
    assert said.old_epoch is not None


@pytest.mark.parametrize("what", ["first page", "header", "schema"])
async def test_a_lost_first_page_costs_no_event(shop: tuple[Path, list[Draft]], what: str) -> None:
    state_dir, undelivered = shop
    size, start = {"first page": (PAGE, 0), "header": (100, 0), "schema": (600, PAGE - 600)}[what]
    overwrite(state_dir / "edge.db", start, random.Random(3).randbytes(size))
    ids, _, said, state = await salvaged_orders(state_dir)
    assert ids == [draft.id for draft in undelivered]
    assert said.lost == 0
    assert said.old_epoch is not None
    assert len(state) == 9
    assert not list(state_dir.glob("*.graft*"))


@pytest.mark.parametrize(
    "content", [b"", b"x", b"SQLite format 3\0", b"\0" * 40_000, random.Random(1).randbytes(50_000)]
)
async def test_garbage_is_kept_and_a_new_life_begins(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "edge.db").write_bytes(content)
    ids, _, said, _ = await salvaged_orders(tmp_path)
    assert ids == []
    assert (said.reason, said.old_epoch, said.salvaged, said.lost) == ("damaged", None, 0, None)
    [kept] = (tmp_path / "quarantine").glob("edge-*.db")
    assert kept.read_bytes() == content


@pytest.mark.parametrize("seed", range(12))
async def test_flipped_bits_anywhere_are_never_sent(shop: tuple[Path, list[Draft]], seed: int) -> None:
    """Whatever a flip hits, every event that is read is one that was recorded, and the rest is named or counted."""
    state_dir, undelivered = shop
    rng = random.Random(seed)
    path = state_dir / "edge.db"
    for _ in range(4):
        offset = rng.randrange(path.stat().st_size)
        with path.open("rb+") as file:
            file.seek(offset)
            [byte] = file.read(1)
            file.seek(offset)
            file.write(bytes([byte ^ 1 << rng.randrange(8)]))
    known = {draft.id for draft in undelivered}
    for _ in range(2):  # damage that opening does not see is met when reading; the next start salvages
        try:
            async with running(state_dir) as storage:
                found = await held(storage, Stream.ORDERS)
                events = {item.id for item in found if item.gap is None}
                named = sum(item.last - item.first + 1 for item in found if item.gap)
                said = await told(storage, "o2o.agent.recovered.v1")
                break
        except* StorageError:
            assert (state_dir / "damaged").exists()
    delivered_again = events - known
    assert len(delivered_again) <= DELIVERED
    missing = len(known - events)
    assert missing <= 40, "four flips cost four pages at most"
    if said:
        lost = msgspec.json.decode(said[0].data, type=data.Recovered).lost
        assert lost is None or missing <= lost + named
    else:
        assert missing <= named


async def meet_damage(state_dir: Path) -> None:
    async with running(state_dir) as storage:
        await storage._thread.run(lambda c: c.execute("PRAGMA cache_size=1").fetchall())
        for offset in pages_of(state_dir / "edge.db", 13)[-3:]:
            overwrite(state_dir / "edge.db", offset, b"\xff" * PAGE)
        for n in range(50):
            await storage.commit(of(order(1000 + n)))
            await held(storage, Stream.ORDERS)
            await held(storage, Stream.PRESENCE)


async def test_damage_met_while_running_ends_the_process_and_is_salvaged_next(shop: tuple[Path, list[Draft]]) -> None:
    state_dir, undelivered = shop
    with pytest.raises(BaseExceptionGroup) as caught:
        await meet_damage(state_dir)
    found = caught.value.subgroup(StorageError)
    assert found is not None
    assert "salvaged at the next start" in str(found.exceptions)
    assert (state_dir / "damaged").exists()
    ids, _, said, _ = await salvaged_orders(state_dir)
    assert said.reason == "damaged"
    assert set(ids) & {draft.id for draft in undelivered}
    assert not (state_dir / "damaged").exists()


@pytest.mark.parametrize("step", ["building", "salvaged", "log moved", "database moved"])
async def test_a_salvage_that_is_killed_anywhere_begins_or_goes_on(shop: tuple[Path, list[Draft]], step: str) -> None:
    state_dir, undelivered = shop
    database = state_dir / "edge.db"
    overwrite(database, 0, bytes(100))
    (state_dir / "edge.db-wal").write_bytes(b"what a crash left")
    from tests.support.storage import AT, ORIGIN

    if step == "building":
        (state_dir / "edge.db.building").write_bytes(b"half")
    else:
        salvage.salvage(database, ORIGIN, "zstd", None, AT)
        quarantine = state_dir / "quarantine"
        quarantine.mkdir(mode=0o700)
        if step != "salvaged":
            (state_dir / "edge.db-wal").rename(quarantine / "edge-x.db-wal")
        if step == "database moved":
            database.rename(quarantine / "edge-x.db")
    ids, sequences, said, _ = await salvaged_orders(state_dir)
    assert ids == [draft.id for draft in undelivered]
    assert sequences == list(range(1, len(ids) + 1))
    assert (said.reason, said.lost) == ("damaged", 0)
    assert len(list((state_dir / "quarantine").glob("edge-*.db"))) == 1
    assert not list(state_dir.glob("edge.db.*"))


async def test_only_a_few_damaged_files_are_kept(tmp_path: Path) -> None:
    for n in range(5):
        (tmp_path / "edge.db").unlink(missing_ok=True)
        (tmp_path / "edge.db.salvaged").write_bytes(b"x")
        (tmp_path / "edge.db").write_bytes(b"%d" % n)
        os.utime(tmp_path / "edge.db.salvaged", (1_700_000_000 + n, 1_700_000_000 + n))
        salvage.finish(tmp_path / "edge.db", tmp_path / "quarantine")
    assert sorted(path.read_bytes() for path in (tmp_path / "quarantine").iterdir()) == [b"2", b"3", b"4"]


async def test_salvage_twice_keeps_ids(shop: tuple[Path, list[Draft]]) -> None:
    state_dir, undelivered = shop
    for _ in range(2):
        overwrite(state_dir / "edge.db", 0, bytes(100))
        async with running(state_dir) as storage:
            ids = [item.id for item in await held(storage, Stream.ORDERS)]
        assert ids == [draft.id for draft in undelivered]


async def test_a_log_that_a_crash_left_is_read(tmp_path: Path) -> None:
    """Copied while running: the newest orders are only in the log; the first page is lost as well."""
    live, copy = tmp_path / "live", tmp_path / "copy"
    drafts = [order(n) for n in range(12)]
    async with running(live) as storage:
        for draft in drafts:
            await storage.commit(of(draft))
        shutil.copytree(live, copy)
    overwrite(copy / "edge.db", 0, random.Random(1).randbytes(PAGE))
    ids, _, said, _ = await salvaged_orders(copy)
    assert ids == [draft.id for draft in drafts]
    assert said.lost == 0


@pytest.mark.parametrize(("from_end", "is_told"), [(30, True), (1, False)])
async def test_a_log_damaged_in_its_midst_is_told(tmp_path: Path, from_end: int, is_told: bool) -> None:
    """SQLite stops reading, silently, at the first frame that is not sound; the last one may be what a cut leaves."""
    live, copy = tmp_path / "live", tmp_path / "copy"
    async with running(live) as storage:
        for n in range(40):
            await storage.commit(of(order(n)))
        shutil.copytree(live, copy)
    log = copy / "edge.db-wal"
    frame = 24 + PAGE
    overwrite(log, 32 + frame * (log.stat().st_size // frame - from_end) + 1000, b"a page that rotted")
    async with running(copy) as storage:
        found = await told(storage, "o2o.agent.recovered.v1")
        assert len(found) == is_told
        if is_told:
            assert (await recovered(storage)).lost is None
        assert len(await held(storage, Stream.ORDERS)) < 40


def test_frames_are_what_they_were(tmp_path: Path) -> None:
    """The key holds stream and sequence; what is read back is what was inserted."""
    from edge_agent.storage.connection import connect

    connection = connect(tmp_path / "edge.db", 64)
    for stream in Stream:
        frame = Frame(stream, (1 << 48) - 5, (1 << 48) - 3, 3, "identity", b"body")
        rows.insert(connection, frame, 17)
        [row] = rows.read(connection, stream, 0)
        assert (row.frame, row.recorded_ms, row.gap, row.intact) == (frame, 17, None, True)
    connection.close()
