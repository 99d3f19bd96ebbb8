"""Retention, expiry and captures: what goes, what stays, and that a wrong clock makes nothing old."""

import hashlib
import os
from pathlib import Path

import pytest

from edge_agent.contract.events import Stream
from edge_agent.shop.outcome import Capture, StateChange
from edge_agent.storage import Storage, StorageSettings
from edge_agent.storage.captures import Captures
from edge_agent.storage.housekeeping import Housekeeping
from tests.support.storage import SetClock, held, of, order, running, small, until

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_795_343_465_120


async def keep_house(storage: Storage, clock: SetClock, settings: StorageSettings | None = None) -> None:
    housekeeping = Housekeeping(storage._recorder, settings or StorageSettings())
    for _ in range(1_000):
        at = clock.now()
        more, _ = await storage._thread.run(lambda c, at=at: housekeeping.step(c, at))  # type: ignore[misc]  # a bound now
        if not more:
            return
    raise AssertionError("housekeeping never ends")


async def fill(storage: Storage, clock: SetClock) -> None:
    """Record something of every stream on day 0 and on day 10; deliver it all but the last of each."""
    for day in (0, 10):
        clock.wall_ms = START + day * DAY
        for n in range(5):
            await storage.commit(of(*(small(stream, 10 * day + n) for stream in Stream)))
    await storage.about_to_send()
    for stream in Stream:
        storage.acknowledge(stream, 9)
    await storage.commit(of(*(small(stream, 999) for stream in Stream)))


@pytest.mark.parametrize(
    ("day", "first_orders", "first_presence"),
    [(10.5, 1, 6), (12, 1, 10), (14.5, 6, 10), (30, 10, 10)],
)
async def test_delivered_frames_go_by_age(tmp_path: Path, day: float, first_orders: int, first_presence: int) -> None:
    clock = SetClock(START)
    async with running(tmp_path, clock=clock) as storage:
        await fill(storage, clock)
        clock.wall_ms = START + int(day * DAY)
        await keep_house(storage, clock)
        for stream, first in (
            (Stream.ORDERS, first_orders), (Stream.OPS, first_orders),
            (Stream.CHECKINS, first_presence), (Stream.PRESENCE, first_presence),
        ):  # fmt: skip
            [oldest, *_] = await storage.pending(stream, 0, 1, 1)
            assert (stream, oldest.first) == (stream, first)


async def test_an_unsynced_clock_makes_nothing_old(tmp_path: Path) -> None:
    clock = SetClock(START)
    async with running(tmp_path, clock=clock) as storage:
        await fill(storage, clock)
        await storage.commit(of(state=[StateChange("visit", "a", b"1", expires_ms=START)]))
        clock.wall_ms, clock.trusted = START + 900 * DAY, False
        await keep_house(storage, clock)
        assert (await storage.pending(Stream.PRESENCE, 0, 1, 1))[0].first == 1
        assert storage.state("visit") == {"a": b"1"}


async def test_undelivered_and_newest_frames_stay_for_ever(tmp_path: Path) -> None:
    clock = SetClock(START)
    async with running(tmp_path, clock=clock) as storage:
        await storage.commit(of(small(Stream.PRESENCE, 1), order(1)))
        await storage.about_to_send()
        storage.acknowledge(Stream.ORDERS, 1)
        await storage.commit(of())
        clock.wall_ms = START + 900 * DAY
        await keep_house(storage, clock)
        assert len(await held(storage, Stream.PRESENCE, 0)) == 1
        assert len(await held(storage, Stream.ORDERS, 0)) == 1
        await storage.commit(of(order(2)))
        assert storage.last(Stream.ORDERS) == 2


async def test_delivered_frames_go_by_size_and_room_is_given_back(tmp_path: Path) -> None:
    clock = SetClock(START)
    settings = StorageSettings(compression="identity", retention_bytes=4 << 20)
    async with running(tmp_path, clock=clock, settings=settings) as storage:
        for start in range(0, 8_000, 200):
            await storage.commit(of(*(order(start + n, lines=5) for n in range(200))))
        await storage.about_to_send()
        await keep_house(storage, clock, settings)
        assert (await storage.pending(Stream.ORDERS, 0, 1, 1))[0].first == 1, "what waits does not count"
        before = await storage._thread.run(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
        storage.acknowledge(Stream.ORDERS, 7_990)
        await storage.commit(of())
        await keep_house(storage, clock, settings)
        after, spare = await storage._thread.run(
            lambda c: (c.execute("PRAGMA page_count").fetchone()[0], c.execute("PRAGMA freelist_count").fetchone()[0])
        )
        assert (after - spare) * 4096 <= 4 << 20
        assert before * 4096 > 18 << 20
        assert after * 4096 <= 13 << 20  # 4 MB kept, 8 MB spare for the next backlog
        assert len(await held(storage, Stream.ORDERS)) == 10


async def test_facts_expire_in_memory_and_on_disk(tmp_path: Path) -> None:
    clock = SetClock(START)
    async with running(tmp_path, clock=clock) as storage:
        await storage.commit(
            of(
                state=[
                    StateChange("visit", "short", b"1", START + HOUR),
                    StateChange("visit", "long", b"2", START + DAY),
                ]
            )
        )
        clock.wall_ms = START + 2 * HOUR
        await storage._writer._keep_house(clock.now())
        assert storage.state("visit") == {"long": b"2"}
    async with running(tmp_path, clock=clock) as storage:
        assert storage.state("visit") == {"long": b"2"}


def captures(folder: Path, limit: int = 1 << 20) -> Captures:
    return Captures(folder / "captures", StorageSettings(capture_bytes=limit), 1 << 40)


def capture(body: bytes) -> Capture:
    return Capture(hashlib.sha256(body).hexdigest(), body)


def age(folder: Path, sha256: str, seconds: int) -> None:
    os.utime(folder / "captures" / f"{sha256}.zst", (START / 1000 - seconds, START / 1000 - seconds))


def test_a_capture_is_read_back_and_checked(tmp_path: Path) -> None:
    kept = captures(tmp_path)
    one = capture(b"\x1b@receipt" * 100)
    kept.write([one, one])
    assert captures(tmp_path).read(one.sha256) == one.body
    assert [path.name for path in (tmp_path / "captures").iterdir()] == [f"{one.sha256}.zst"]
    assert kept.read("0" * 64) is None
    (tmp_path / "captures" / f"{one.sha256}.zst").write_bytes(b"damaged")
    assert kept.read(one.sha256) is None


def test_captures_are_bounded_by_size_oldest_first(tmp_path: Path) -> None:
    kept = captures(tmp_path, 40_000)
    all_of_them = [capture(os.urandom(3_000)) for _ in range(20)]
    for n, one in enumerate(all_of_them):
        kept.write([one])
        age(tmp_path, one.sha256, 1000 - n)
    left = {path.stem for path in (tmp_path / "captures").iterdir()}
    assert left == {one.sha256 for one in all_of_them[-len(left) :]}
    assert 5 <= len(left) <= 10
    assert kept.drop(4096 * 2) == 4096 * 2
    assert len(list((tmp_path / "captures").iterdir())) == len(left) - 2


def test_captures_are_bounded_by_age(tmp_path: Path) -> None:
    kept = captures(tmp_path)
    old, new = capture(b"old"), capture(b"new")
    kept.write([old, new])
    age(tmp_path, old.sha256, 31 * 86_400)
    age(tmp_path, new.sha256, 29 * 86_400)
    kept.expire(START)
    assert (kept.read(old.sha256), kept.read(new.sha256)) == (None, b"new")


async def test_a_capture_that_cannot_be_kept_never_blocks_an_order(tmp_path: Path) -> None:
    (tmp_path / "captures").write_text("a file where the folder should be")
    async with running(tmp_path) as storage:
        await storage.commit(of(order(1), captures=[capture(b"x")]))
        assert len(await held(storage, Stream.ORDERS)) == 1
        assert storage.capture(capture(b"x").sha256) is None


async def test_captures_follow_their_commit_soon_and_before_the_storage_stops(tmp_path: Path) -> None:
    soon, last = capture(b"receipt"), capture(b"the last receipt")
    async with running(tmp_path) as storage:
        await storage.commit(of(order(1), captures=[soon]))
        await until(lambda: storage.capture(soon.sha256) == b"receipt")
        await storage.commit(of(order(2), captures=[last]))
    async with running(tmp_path) as storage:
        assert storage.capture(last.sha256) == b"the last receipt"
