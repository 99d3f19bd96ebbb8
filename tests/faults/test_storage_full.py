"""A full disk, for real: a small tmpfs, filled by somebody else."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge_agent.clock import Clock
from edge_agent.contract import data
from edge_agent.contract.events import Stream
from edge_agent.errors import StorageError
from edge_agent.health import Health
from edge_agent.shop.outcome import Capture, StateChange
from edge_agent.storage import Storage
from tests.support.disk import small_disk
from tests.support.storage import HurriedClock, held, of, order, running, small, told, until


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as found:
        yield found


def fill(disk: Path, leave: int = 0) -> Path:
    """Take all the room there is but ``leave`` bytes; return the file that has it."""
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - leave
    with filler.open("ab") as file:
        os.posix_fallocate(file.fileno(), filler.stat().st_size, free)
    return filler


def remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)


def free(disk: Path) -> int:
    status = os.statvfs(disk)
    return status.f_bavail * status.f_frsize


async def levels(storage: Storage) -> list[str]:
    return [
        msgspec.json.decode(event.data, type=data.StorageLow).level
        for event in await told(storage, "o2o.agent.storage_low.v1")
    ]


async def commit_orders(storage: Storage, count: int, start: int = 0) -> list[str]:
    drafts = [order(start + n, lines=30) for n in range(count)]
    for n, draft in enumerate(drafts):
        async with asyncio.timeout(20):
            await storage.commit(of(draft, state=[StateChange("line", "till-1", b"%d" % n)]))
    return [draft.id for draft in drafts]


async def test_orders_go_on_when_the_disk_is_full_and_it_heals_without_a_restart(disk: Path) -> None:
    clock = Clock(quality=lambda: True)
    health = Health(clock)
    state = disk / "state"
    async with running(state, clock=clock, health=health) as storage:
        ids = await commit_orders(storage, 20)
        assert (state / "reserve").exists()
        filler = fill(disk)
        assert free(disk) == 0
        ids += await commit_orders(storage, 300, 20)
        assert [reported.condition.code for reported in health.conditions()] == ["disk_low"]
        assert [item.id for item in await held(storage, Stream.ORDERS)] == ids
        filler.unlink()
        await until(lambda: not health.conditions())
        assert await levels(storage) == ["low", "ok"]
        assert (state / "reserve").exists()
        ids += await commit_orders(storage, 5, 400)
    async with running(state) as storage:
        assert [item.id for item in await held(storage, Stream.ORDERS)] == ids


async def test_lower_streams_make_room_in_order_and_leave_their_names(disk: Path) -> None:
    async with running(disk / "state") as storage:
        for start in range(0, 12_000, 500):
            await storage.commit(of(*(small(Stream.PRESENCE, start + n) for n in range(300)),
                                    *(small(Stream.OPS, start + n) for n in range(100)),
                                    *(small(Stream.CHECKINS, start + n) for n in range(100))))  # fmt: skip
        fill(disk)
        ids = await commit_orders(storage, 600)
        assert [item.id for item in await held(storage, Stream.ORDERS)] == ids
        presence = await held(storage, Stream.PRESENCE)
        ops = await held(storage, Stream.OPS)
        checkins = await held(storage, Stream.CHECKINS)
        evicted = {name: sum(i.last - i.first + 1 for i in items if i.gap == "evicted")
                   for name, items in (("presence", presence), ("ops", ops), ("checkins", checkins))}  # fmt: skip
        assert evicted["presence"] > 0
        assert evicted["ops"] == 0 or all(item.gap for item in presence[:-1])
        assert evicted["checkins"] == 0 or all(item.gap for item in ops[:-1])
        assert presence[0].gap == "evicted"
        assert len([item for item in presence if item.gap]) == 1, "adjacent gaps are one gap"
        assert "low" in await levels(storage)


async def test_presence_keeps_rolling_on_a_full_disk(disk: Path) -> None:
    """Nothing but presence, no link, no room: the newest stays, the oldest is named; numbers have no holes."""
    async with running(disk / "state") as storage:
        fill(disk, leave=1_000_000)
        for start in range(0, 20_000, 400):
            async with asyncio.timeout(20):
                await storage.commit(of(*(small(Stream.PRESENCE, start + n) for n in range(400))))
        fill(disk)
        newest = [small(Stream.PRESENCE, n) for n in range(400)]
        await storage.commit(of(*newest))
        found = await held(storage, Stream.PRESENCE)
        assert storage.last(Stream.PRESENCE) == 20_400
        assert sum(item.last - item.first + 1 for item in found) == 20_400
        assert found[0].gap == "evicted"
        assert {draft.id for draft in newest} & {item.id for item in found} or found[-1].gap
        await commit_orders(storage, 200)


async def test_delivered_frames_and_captures_go_before_anything_waiting(disk: Path) -> None:
    body = os.urandom(30_000)
    async with running(disk / "state") as storage:
        for n in range(30):
            drafts = [small(Stream.CHECKINS, 400 * n + k) for k in range(400)]
            await storage.commit(of(*drafts, captures=[Capture(f"{n:064x}", body)]))
        await storage.about_to_send()
        storage.acknowledge(Stream.CHECKINS, 10_000)
        await storage.commit(of(small(Stream.PRESENCE, 1)))
        await until(lambda: len(list((disk / "state" / "captures").glob("*.zst"))) == 30)
        fill(disk)
        await commit_orders(storage, 320)
        assert (await held(storage, Stream.CHECKINS, 10_000))[0].gap is None
        assert [item.gap for item in await held(storage, Stream.PRESENCE)] == [None]
        rows_left = await storage._thread.run(
            lambda c: c.execute("SELECT count(*) FROM frame WHERE id >> 48 = 2").fetchone()[0]
        )
        assert rows_left < 30 * 2


async def test_when_nothing_fits_orders_wait_and_go_on_when_room_returns(disk: Path) -> None:
    clock = HurriedClock()
    health = Health(clock)
    async with running(disk / "state", clock=clock, health=health) as storage:
        ids = await commit_orders(storage, 5)
        filler = fill(disk)
        count = 0
        waiting = order(9_999)
        async with asyncio.TaskGroup() as tasks:
            while True:
                commit = tasks.create_task(commit_orders(storage, 1, 1_000 + count))
                await until(
                    lambda commit=commit: (
                        commit.done()  # type: ignore[misc]  # bound now
                        or any(reported.condition.code == "disk_full" for reported in health.conditions())
                    )
                )
                if not commit.done():
                    break
                ids += commit.result()
                count += 1
                # A thief takes whatever is given back to the file system.
                if free(disk):
                    fill(disk)
            assert count >= 1
            late = tasks.create_task(storage.commit(of(waiting)))
            cancelled = tasks.create_task(storage.commit(of(order(10_000))))
            await asyncio.sleep(0.05)
            cancelled.cancel()
            assert not late.done()
            for _ in range(2):
                clock.passed_ms += 600_000  # longer than any promise
                await until(lambda: health.stalled() == [])
            assert not late.done()
            filler.unlink()
        ids += [*commit.result(), waiting.id]
        assert [item.id for item in await held(storage, Stream.ORDERS)] == ids
        await until(lambda: not health.conditions())


async def test_a_disk_full_from_the_start_opens_with_the_reserve(disk: Path) -> None:
    state = disk / "state"
    async with running(state) as storage:
        ids = await commit_orders(storage, 10)
    fill(disk)
    async with running(state) as storage:
        assert [item.id for item in await held(storage, Stream.ORDERS)] == ids
        ids += await commit_orders(storage, 200, 10)
        assert [item.id for item in await held(storage, Stream.ORDERS)] == ids


async def test_a_fresh_start_on_a_full_disk_says_what_to_do(disk: Path) -> None:
    (disk / "state").mkdir(mode=0o700)
    (disk / "state" / "lock").touch()
    filler = fill(disk)
    with pytest.raises(StorageError, match="free some space"):
        async with running(disk / "state"):
            pass
    filler.unlink()
    async with running(disk / "state") as storage:
        await commit_orders(storage, 1)
    assert not (disk / "state" / "quarantine").exists()


async def test_a_read_only_file_system(disk: Path) -> None:
    state = disk / "state"
    async with running(state) as storage:
        await commit_orders(storage, 1)
    remount(disk, "ro")
    try:
        with pytest.raises(StorageError, match="writable file system"):
            async with running(state):
                pass
    finally:
        remount(disk, "rw")


async def test_a_salvage_without_room_leaves_the_damaged_file(disk: Path) -> None:
    state = disk / "state"
    async with running(state) as storage:
        ids = await commit_orders(storage, 800)
    with (state / "edge.db").open("rb+") as file:
        file.write(bytes(100))
    (state / "reserve").unlink()
    filler = fill(disk)
    damaged = (state / "edge.db").read_bytes()
    with pytest.raises(StorageError, match="free some space"):
        async with running(state):
            pass
    assert (state / "edge.db").read_bytes() == damaged
    filler.unlink()
    async with running(state) as storage:
        assert [item.id for item in await held(storage, Stream.ORDERS)] == ids
