"""Commit, read, acknowledge, rewind: what sync and the shop rely on."""

import asyncio
import sqlite3
from pathlib import Path

import aiosqlite
import msgspec
import pytest

from edge_agent.contract import data
from edge_agent.contract.events import Stream
from edge_agent.contract.frames import MAX_EVENTS, MAX_SENT_BYTES, decode_events
from edge_agent.errors import StorageError
from edge_agent.shop.outcome import Outcome, StateChange
from edge_agent.storage import Storage, StorageSettings
from edge_agent.storage.connection import Database
from tests.support.storage import frames, held, of, order, running, small, told, until


async def test_what_is_committed_is_there_after_a_restart_with_its_state(tmp_path: Path) -> None:
    first, second = order(1), order(2)
    async with running(tmp_path) as storage:
        await storage.commit(of(first, state=[StateChange("line", "till-1", b"120")]))
        await storage.commit(of(second, state=[StateChange("line", "till-1", b"240"), StateChange("x", "y", None)]))
        epoch = storage.epoch
    async with running(tmp_path) as storage:
        assert storage.epoch == epoch
        assert [item.id for item in await held(storage, Stream.ORDERS)] == [first.id, second.id]
        assert storage.state("line") == {"till-1": b"240"}
        assert storage.state("nothing") == {}


async def test_a_reserve_that_cannot_be_made_is_no_shortage_of_room(tmp_path: Path) -> None:
    (tmp_path / "reserve" / "within").mkdir(parents=True)
    async with running(tmp_path) as storage:
        for number in range(4):
            await storage.commit(of(order(number)))
        assert len(await held(storage, Stream.ORDERS)) == 4
        assert await told(storage, "o2o.agent.storage_low.v1") == []


async def test_events_are_whole_on_the_wire(tmp_path: Path) -> None:
    draft = order(1)
    async with running(tmp_path) as storage:
        await storage.commit(of(draft))
        [frame] = await frames(storage, Stream.ORDERS)
    [event] = decode_events(frame.body, frame.encoding)
    assert (frame.first, frame.last, frame.count, frame.encoding) == (1, 1, 1, "zstd")
    assert event.sequence == "1"
    assert event.source == "/tenants/acme/stores/sh-0001/agents/pc-1/devices/till-1-printer"
    assert msgspec.json.decode(event.data, type=data.Order) == draft.data


async def test_a_group_of_waiting_producers_shares_frames_and_keeps_each_order(tmp_path: Path) -> None:
    drafts = [order(n) for n in range(450)]
    async with running(tmp_path) as storage:
        async with asyncio.TaskGroup() as producers:
            for draft in drafts:
                producers.create_task(storage.commit(of(draft)))
        found = await held(storage, Stream.ORDERS)
        packed = await frames(storage, Stream.ORDERS)
    assert [item.id for item in found] == [draft.id for draft in drafts]
    assert len(packed) < 10
    assert all(frame.count <= MAX_EVENTS and len(frame.body) <= MAX_SENT_BYTES for frame in packed)


async def test_a_live_link_is_given_the_newest_frames_just_as_they_are_on_disk(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        await storage.commit(of(order(1), small(Stream.OPS, 1)))
        await storage.commit(of(order(2), order(3)))
        at_hand = await storage.pending(Stream.ORDERS, 1, 10, 1 << 20)
        assert storage._recorder.outbox.at_hand(Stream.ORDERS, 1, 10, 1 << 20) == at_hand
        assert [(frame.first, frame.last) for frame in at_hand] == [(2, 3)]
        assert (await storage.pending(Stream.ORDERS, 0, 10, 1 << 20))[1:] == at_hand, "read from disk"
        assert len(await storage.pending(Stream.OPS, 0, 10, 1 << 20)) == 1, "another stream's newest are kept as well"
        assert storage._recorder.outbox.at_hand(Stream.ORDERS, 1, 10, 1) == [], "more bytes than asked for"


async def test_newest_frames_do_not_outlive_their_epoch(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        await storage.commit(of(order(1)))
        await storage.about_to_send()
        storage.acknowledge(Stream.ORDERS, 1)
        await storage.commit(of(order(2)))
        await storage.begin_epoch("rolled_back")
        assert storage.last(Stream.ORDERS) == 1
        assert await storage.pending(Stream.ORDERS, 1, 10, 1 << 20) == []


async def test_streams_are_numbered_apart(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        await storage.commit(of(*(small(stream, n) for n in range(3) for stream in Stream)))
        for stream in Stream:
            assert [item.last for item in await held(storage, stream)] == [1, 2, 3]
            assert storage.last(stream) == 3
            assert storage.waiting_events(stream) == 3


async def test_listeners_are_woken_after_events_only(tmp_path: Path) -> None:
    calls: list[int] = []
    async with running(tmp_path) as storage:
        storage.on_recorded.append(lambda: calls.append(storage.last(Stream.ORDERS)))
        await storage.commit(of(state=[StateChange("a", "b", b"c")]))
        assert calls == []
        await storage.commit(of(order(1)))
        assert calls == [1]


async def test_reading_is_bounded_by_frames_and_by_bytes(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for n in range(5):
            await storage.commit(of(order(n)))
        [size] = {len(frame.body) // 2000 for frame in await frames(storage, Stream.ORDERS)}
        assert size == 0
        assert [f.first for f in await storage.pending(Stream.ORDERS, 1, 2, 1 << 20)] == [2, 3]
        assert [f.first for f in await storage.pending(Stream.ORDERS, 3, 10, 1)] == [4]
        assert await storage.pending(Stream.ORDERS, 5, 10, 1 << 20) == []


async def test_the_watermark_rises_never_falls_by_itself_and_survives(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        await storage.commit(of(*(order(n) for n in range(10))))
        await storage.about_to_send()
        storage.acknowledge(Stream.ORDERS, 7)
        storage.acknowledge(Stream.ORDERS, 3)
        assert storage.watermark(Stream.ORDERS) == 7
        storage.acknowledge(Stream.ORDERS, 99)
        assert storage.watermark(Stream.ORDERS) == 10
        waiting = await storage.waiting()
        assert (waiting[Stream.ORDERS].events, waiting[Stream.ORDERS].oldest_ms) == (0, None)
    async with running(tmp_path) as storage:
        assert storage.watermark(Stream.ORDERS) == 10
        await storage.commit(of(order(11)))
        assert (await held(storage, Stream.ORDERS))[0].last == 11


async def test_a_watermark_reaches_the_disk_without_a_commit(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        await storage.commit(of(order(1)))
        await storage.about_to_send()
        storage.acknowledge(Stream.ORDERS, 1)
        position = storage._ledger.positions[Stream.ORDERS]
        await until(lambda: position.saved == 1)


async def test_an_acknowledgement_inside_a_frame(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        await storage.commit(of(*(order(n) for n in range(10))))
        await storage.about_to_send()
        storage.acknowledge(Stream.ORDERS, 4)
        [frame] = await storage.pending(Stream.ORDERS, 4, 10, 1 << 20)
        assert (frame.first, frame.last) == (1, 10)
        assert len(await held(storage, Stream.ORDERS)) == 6
        assert storage.waiting_events(Stream.ORDERS) == 6


async def test_waiting_says_since_when(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        before = storage._clock.now().wall_ms
        await storage.commit(of(order(1)))
        waiting = (await storage.waiting())[Stream.ORDERS]
        assert waiting.events == 1
        assert waiting.oldest_ms is not None
        assert before <= waiting.oldest_ms <= storage._clock.now().wall_ms


async def test_what_is_sent_again_and_no_longer_held_is_named(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for n in range(9):
            await storage.commit(of(order(n)))
        await storage.about_to_send()
        storage.acknowledge(Stream.ORDERS, 8)
        await storage.commit(of(order(9)))
        await _forget(storage, Stream.ORDERS, 2, 5)
        await storage.rewind(Stream.ORDERS, 1)
        assert storage.watermark(Stream.ORDERS) == 1
        found = await held(storage, Stream.ORDERS)
        assert [(item.first, item.last, item.gap) for item in found] == [
            (2, 5, "not_held"), (6, 6, None), (7, 7, None), (8, 8, None), (9, 9, None), (10, 10, None),
        ]  # fmt: skip
        await storage.rewind(Stream.ORDERS, 8)
        assert storage.watermark(Stream.ORDERS) == 1
    async with running(tmp_path) as storage:
        assert storage.watermark(Stream.ORDERS) == 1


async def test_a_need_is_served_and_its_holes_are_named_once(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for n in range(9):
            await storage.commit(of(order(n)))
        await storage.about_to_send()
        storage.acknowledge(Stream.ORDERS, 9)
        await _forget(storage, Stream.ORDERS, 3, 4)
        await _forget(storage, Stream.ORDERS, 6, 6)
        await storage.hold(Stream.ORDERS, 2, 400)
        found = await held(storage, Stream.ORDERS, 1)
        assert [(item.first, item.last, item.gap) for item in found if item.gap] == [
            (3, 4, "not_held"), (6, 6, "not_held"),
        ]  # fmt: skip
        await storage.hold(Stream.ORDERS, 2, 400)
        assert await held(storage, Stream.ORDERS, 1) == found
        await storage.hold(Stream.ORDERS, 300, 400)
        await storage.hold(Stream.PRESENCE, 1, 5)
        assert await held(storage, Stream.PRESENCE, 0) == []


async def _forget(storage: Storage, stream: Stream, first: int, last: int) -> None:
    """Delete rows as retention does."""
    from edge_agent.storage import rows

    await storage._thread.run(lambda connection: rows.delete(connection, stream, first, last))


async def test_a_damaged_row_becomes_a_gap_and_is_never_sent(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for n in range(6):
            await storage.commit(of(*(order(10 * n + k) for k in range(3))))
        await storage._thread.run(
            lambda c: (
                c.execute("UPDATE frame SET body = zeroblob(length(body)) WHERE id & 0xFFFFFFFFFFFF IN (4, 7)").rowcount
            )
        )
        found = await held(storage, Stream.ORDERS)
        assert [(i.first, i.last, i.gap) for i in found if i.gap] == [(4, 9, "damaged")]
        assert len(found) == 1 + 12
        assert storage.damaged_frames == 2
    async with running(tmp_path) as storage:
        assert await held(storage, Stream.ORDERS) == found


async def test_damaged_columns_are_not_believed(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for n in range(4):
            await storage.commit(of(order(n), order(10 + n)))
        await storage._thread.run(lambda c: c.execute("UPDATE frame SET last = 900 WHERE id & 0xFFFF = 3").rowcount)
        found = await held(storage, Stream.ORDERS)
        assert [(i.first, i.last, i.gap) for i in found if i.gap] == [(3, 4, "damaged")]


async def test_a_cancelled_commit_that_has_not_begun_leaves_nothing(tmp_path: Path) -> None:
    async with Storage.open(*_arguments(tmp_path)) as storage:
        async with asyncio.TaskGroup() as tasks:
            abandoned = tasks.create_task(storage.commit(of(order(1))))
            await asyncio.sleep(0)
            abandoned.cancel()
        async with asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(storage.run())
            await storage.commit(of(order(2)))
            assert storage.last(Stream.ORDERS) == 1
            writer.cancel()


async def test_a_cancelled_commit_on_its_way_returns_when_it_has_landed(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        landed: list[dict[str, bytes]] = []

        async def producer() -> None:
            try:
                await storage.commit(of(order(1), state=[StateChange("line", "a", b"1")]))
            finally:
                landed.append(storage.state("line"))

        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(producer())
            while not storage._writer._flying:
                await asyncio.sleep(0)
            task.cancel()
        assert landed == [{"a": b"1"}]
        await storage.commit(Outcome())
        assert storage.last(Stream.ORDERS) == 1


async def test_a_commit_after_the_end_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        await storage.commit(of(order(1)))
    with pytest.raises(StorageError, match="stopped"):
        await storage.commit(of(order(2)))


async def test_compression_none_sends_plain_frames(tmp_path: Path) -> None:
    async with running(tmp_path, settings=StorageSettings(compression="identity")) as storage:
        await storage.commit(of(*(order(n) for n in range(300))))
        found = await frames(storage, Stream.ORDERS)
        assert {frame.encoding for frame in found} == {"identity"}
        assert max(len(frame.body) for frame in found) <= MAX_SENT_BYTES
        assert len(await held(storage, Stream.ORDERS)) == 300


async def test_files_are_private_and_durable(tmp_path: Path) -> None:
    state_dir = tmp_path / "deep" / "state"
    async with running(state_dir) as storage:
        await storage.commit(of(order(1)))
        assert state_dir.stat().st_mode & 0o777 == 0o700
        for path in state_dir.iterdir():
            assert path.stat().st_mode & 0o077 == 0, path
        pragmas = await storage._thread.run(
            lambda c: [c.execute(f"PRAGMA {p}").fetchone()[0] for p in ("journal_mode", "synchronous", "secure_delete")]
        )
        assert pragmas == ["wal", 2, 2]
    assert await told_types(state_dir) == []


async def told_types(state_dir: Path) -> list[object]:
    async with running(state_dir) as storage:
        return list(await told(storage, "o2o.agent.recovered.v1"))


def test_aiosqlite_still_has_the_verb_the_one_hop_stands_on() -> None:
    assert callable(aiosqlite.Connection._execute)
    assert {"_conn", "_thread", "_execute"} <= set(dir(Database(lambda: sqlite3.connect(":memory:"), 1))) | {"_thread"}


async def test_one_hop_runs_in_one_other_thread(tmp_path: Path) -> None:
    import threading

    async with Database(lambda: sqlite3.connect(":memory:"), 64) as database:
        threads = {await database.run(lambda c: threading.get_ident()) for _ in range(3)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def _arguments(state_dir: Path):  # type: ignore[no-untyped-def]  # the arguments of Storage.open
    from edge_agent.clock import Clock
    from edge_agent.health import Health
    from tests.support.storage import ORIGIN

    clock = Clock(quality=lambda: True)
    return state_dir, ORIGIN, clock, Health(clock), StorageSettings(), None


def test_nothing_is_left_open(tmp_path: Path) -> None:
    import threading

    async def once() -> None:
        async with running(tmp_path / "a") as storage:
            await storage.commit(of(order(1)))

    before = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        asyncio.run(once())
    assert (threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))) == before
