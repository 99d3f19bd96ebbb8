"""A person's events leave the outbox and the disk; everything else stays what and where it was."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.contract.events import Stream
from edge_agent.contract.frames import Encoding, Frame
from edge_agent.contract.topics import Topics
from edge_agent.shop.outcome import StateChange
from edge_agent.simulator.central_frames import Message
from edge_agent.simulator.central_store import CentralStore
from edge_agent.storage import FORGETTABLE, Storage, StorageSettings, rows
from tests.support.forgetting import bodies, remains, visit
from tests.support.storage import frames, held, of, running

ANNA, OTHERS = "anna-7f3c01d2e9", "others-55aa77cc"
AGENT = Topics("acme", "sh-0001", "pc-1")


def about(
    person: str = ANNA, *, asked: list[bytes] | None = None, fail_after: int | None = None
) -> Callable[[bytes], bool]:
    """Return what ``forget`` takes; it may note what it is asked, and fail once it was asked often enough."""

    def concerns(body: bytes) -> bool:
        if asked is not None:
            asked.append(body)
            if fail_after is not None and len(asked) > fail_after:
                raise RuntimeError("far enough")
        return person.encode() in body

    return concerns


async def put(storage: Storage, stream: Stream, pattern: str) -> None:
    """Record one commit: ``a`` is Anna's event, anything else is somebody else's."""
    await storage.commit(of(*(visit(stream, ANNA if c == "a" else OTHERS, n) for n, c in enumerate(pattern))))


async def shape(storage: Storage, stream: Stream) -> list[tuple[int, int, str | None]]:
    return [(item.first, item.last, item.gap) for item in await held(storage, stream, 0)]


@pytest.mark.parametrize("compression", ["zstd", "identity"])
async def test_runs_become_gaps_and_the_rest_keeps_its_bytes(tmp_path: Path, compression: Encoding) -> None:
    async with running(tmp_path, settings=StorageSettings(compression=compression)) as storage:
        for stream in FORGETTABLE:
            await put(storage, stream, "baaabab")
            await put(storage, stream, "aabb")
            await put(storage, stream, "aaa")
        before = {stream: bodies(await frames(storage, stream)) for stream in Stream}
        assert await storage.forget(about()) == 18
        for stream in FORGETTABLE:
            gap = "forgotten"
            assert await shape(storage, stream) == [
                (1, 1, None), (2, 4, gap), (5, 5, None), (6, 6, gap), (7, 7, None),
                (8, 9, gap), (10, 10, None), (11, 11, None), (12, 14, gap),
            ]  # fmt: skip
            after = bodies(await frames(storage, stream))
            assert all(after[n] == before[stream][n] for n in (1, 5, 7, 10, 11))
        assert await storage.forget(about()) == 0


async def test_a_long_run_over_many_frames_is_one_gap_until_part_of_it_is_delivered(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for _ in range(5):
            await put(storage, Stream.PRESENCE, "a" * 300)
            await put(storage, Stream.CHECKINS, "a" * 30)
        await storage.about_to_send()
        storage.acknowledge(Stream.CHECKINS, 75)
        assert await storage.forget(about()) == 1650
        assert await shape(storage, Stream.PRESENCE) == [(1, 1500, "forgotten")]
        # The row that is delivered in part is a gap of its own; before it each row stays one.
        assert [item[:2] for item in await shape(storage, Stream.CHECKINS)] == [(1, 30), (31, 60), (61, 150)]


async def test_what_is_delivered_is_not_sent_again_and_is_answered_by_its_gap(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        await put(storage, Stream.CHECKINS, "bab")
        await storage.about_to_send()
        storage.acknowledge(Stream.CHECKINS, 3)
        await storage.forget(about())
        assert await storage.pending(Stream.CHECKINS, 3, 10, 10_000) == []
        assert storage.waiting_events(Stream.CHECKINS) == 0
        await storage.hold(Stream.CHECKINS, 2, 2)
        (asked, *_) = await storage.pending(Stream.CHECKINS, 1, 1, 10_000)
        assert (asked.first, asked.last) == (2, 2)
        await storage.rewind(Stream.CHECKINS, 0)
        assert [item.gap for item in await held(storage, Stream.CHECKINS)] == [None, "forgotten", None]


async def test_the_frames_kept_at_hand_for_a_live_link_are_let_go(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        told: list[int] = []
        storage.on_forgotten.append(lambda: told.append(storage.last(Stream.CHECKINS)))
        await put(storage, Stream.CHECKINS, "ab")
        await storage.forget(about())
        (gap, kept) = await storage.pending(Stream.CHECKINS, 0, 10, 10_000)
        assert ANNA.encode() not in b"".join(bodies([gap, kept]).values())
        assert told == [2]


async def test_orders_and_ops_are_never_asked_about(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        asked: list[bytes] = []
        for stream in (Stream.ORDERS, Stream.OPS):
            await put(storage, stream, "ab")
        assert await storage.forget(about(asked=asked)) == 0
        assert asked == []
        assert remains(tmp_path, ANNA)
        assert await shape(storage, Stream.ORDERS) == [(1, 1, None), (2, 2, None)]


async def test_cut_short_it_is_finished_by_calling_again(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for _ in range(100):
            await put(storage, Stream.CHECKINS, "ab" * 100)
        with pytest.raises(RuntimeError):
            await storage.forget(about(asked=[], fail_after=10_000))
        done = sum(item.gap is not None for item in await held(storage, Stream.CHECKINS))
        assert 0 < done < 10_000
        assert await storage.forget(about()) == 10_000 - done
        assert not remains(tmp_path, ANNA)


async def test_the_writer_has_its_turn_between_bites(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for _ in range(100):
            await put(storage, Stream.CHECKINS, "ab" * 100)
        committed = 0
        async with asyncio.TaskGroup() as tasks:
            forgetting = tasks.create_task(storage.forget(about()))
            while not forgetting.done():
                await put(storage, Stream.ORDERS, "b")
                committed += 1
        # Some 100 rows, each split so often that it is a bite of its own; a commit may wait for two of them.
        assert committed >= 40
        assert forgetting.result() == 10_000


@pytest.mark.parametrize("reason", ["cloned", "rolled_back"])
async def test_a_new_epoch_meanwhile_hides_nothing(tmp_path: Path, reason: str) -> None:
    async with running(tmp_path) as storage:
        for _ in range(40):
            await put(storage, Stream.CHECKINS, "abb" * 60)
        await storage.about_to_send()
        storage.acknowledge(Stream.CHECKINS, 3_000)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(storage.forget(about()))
            await asyncio.sleep(0)
            tasks.create_task(storage.begin_epoch(reason))
        assert not any(ANNA.encode() in body for body in bodies(await frames(storage, Stream.CHECKINS)).values())
        assert len([item for item in await held(storage, Stream.CHECKINS) if item.gap is None]) == (7200 - 3000) * 2 / 3
        await storage.forget(about())
        assert not remains(tmp_path, ANNA)


async def test_what_cannot_be_read_goes_as_well(tmp_path: Path) -> None:
    async with running(tmp_path) as storage:
        for pattern in ("aab", "bbb", "ba"):
            await put(storage, Stream.PRESENCE, pattern)
        await storage._thread.run(lambda c: c.execute("UPDATE frame SET body = zeroblob(40) WHERE id & 0xff = 4"))
        assert await storage.forget(about()) == 3
        assert await shape(storage, Stream.PRESENCE) == [
            (1, 2, "forgotten"), (3, 3, None), (4, 6, "damaged"), (7, 7, None), (8, 8, "forgotten"),
        ]  # fmt: skip
        assert storage.damaged_frames == 1


@pytest.mark.parametrize("compression", ["zstd", "identity"])
async def test_what_was_deleted_before_leaves_the_files_too(tmp_path: Path, compression: Encoding) -> None:
    """Facts, and delivered frames that retention dropped: their pages are free, or in use by others."""
    rng = random.Random(20261122)
    async with running(tmp_path, settings=StorageSettings(compression=compression)) as storage:
        for n in range(60):
            value = ANNA.encode() * rng.choice([1, 20, 900])
            fact = StateChange("members", f"{ANNA}/{n}", value)
            await storage.commit(
                of(*(visit(Stream.CHECKINS, ANNA, k) for k in range(rng.randrange(120))), state=[fact])
            )
        await storage._thread.run(lambda c: rows.delete(c, Stream.CHECKINS, 1, storage.last(Stream.CHECKINS) - 1))
        await storage.commit(of(state=[StateChange("members", key, None) for key in storage.state("members")]))
        for n in range(40):  # others take some of the places
            await put(storage, Stream.ORDERS, "b" * rng.choice([1, 9, 60]))
            await storage.commit(of(state=[StateChange("members", f"{OTHERS}/{n}", bytes(rng.choice([9, 3_000])))]))
        assert remains(tmp_path, ANNA)
        await storage.forget(about())
        assert remains(tmp_path, ANNA) == []
        # Nothing in memory brings them back.
        await put(storage, Stream.ORDERS, "b" * 400)
        await storage._thread.run(lambda c: c.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
        assert remains(tmp_path, ANNA) == []
        assert await storage._thread.run(lambda c: c.execute("PRAGMA integrity_check").fetchall()) == [("ok",)]


class Shop:
    """Random work on one storage, what it must hold, and a central that is fed from it."""

    def __init__(self, storage: Storage, folder: Path, rng: random.Random) -> None:
        self.storage = storage
        self.folder = folder
        self.rng = rng
        self.central = CentralStore(folder.parent / "central.db")
        self.recorded: dict[Stream, dict[int, bytes]] = {stream: {} for stream in Stream}
        self.present = [f"person-{n:02d}-{rng.randrange(10**9):09d}" for n in range(12)]
        self.gone: list[str] = []

    async def commit(self) -> None:
        drafts = []
        for stream in Stream:
            people = [*self.present, OTHERS] if stream in FORGETTABLE else [OTHERS]
            while self.rng.random() < 0.7:
                drafts += [visit(stream, self.rng.choice(people)) for _ in range(self.rng.choice([1, 7]))]
        before = {stream: self.storage.last(stream) for stream in Stream}
        facts = [StateChange("seen", who, who.encode() * self.rng.choice([1, 300])) for who in self.present[:3]]
        await self.storage.commit(of(*drafts, state=facts))
        for stream, after in before.items():
            fresh = bodies(await frames(self.storage, stream, after))
            self.recorded[stream].update({n: body for n, body in fresh.items() if n > after})

    async def forget(self) -> None:
        if len(self.present) < 2:
            return
        person = self.present.pop(self.rng.randrange(len(self.present)))
        self.gone.append(person)
        await self.storage.commit(of(state=[StateChange("seen", person, None)]))
        about_person = [
            (stream, n)
            for stream in FORGETTABLE
            for n, body in self.recorded[stream].items()
            if person.encode() in body
        ]
        assert await self.storage.forget(about(person)) == len(about_person)
        for stream, n in about_person:
            del self.recorded[stream][n]
        assert remains(self.folder, *self.gone) == []

    async def deliver(self) -> None:
        """Give central some frames, repeats among them, and heed its watermark."""
        for stream in Stream:
            start = self.rng.choice([0, self.storage.watermark(stream)])
            some = (await frames(self.storage, stream, start))[: self.rng.randrange(20)]
            self.feed(some)

    def feed(self, some: list[Frame]) -> None:
        for frame in some:
            user = {"epoch": self.storage.epoch, "first": str(frame.first_sequence), "encoding": frame.encoding}
            batch = self.central.store([Message(AGENT.up(frame.stream), user, frame.body)], 0)
            assert batch.alarms == []
        if some:
            stream = Stream(some[0].stream)
            self.storage.acknowledge(stream, self.central.ack(AGENT).upto[stream])

    async def rewind(self) -> None:
        stream = self.rng.choice(list(Stream))
        await self.storage.rewind(stream, self.rng.randrange(self.storage.last(stream) + 1))

    async def check(self) -> None:
        for stream in Stream:
            items = await held(self.storage, stream, 0)
            assert [item.gap for item in items if item.gap not in (None, "forgotten")] == []
            assert [item.first for item in items] == [1, *(item.last + 1 for item in items)][: len(items)]
            kept = bodies(await frames(self.storage, stream))
            gaps = {item.last for item in items if item.gap}
            assert {n: body for n, body in kept.items() if n not in gaps} == self.recorded[stream]
            assert not any(who.encode() in body for body in kept.values() for who in self.gone)

    async def end(self) -> None:
        for stream in Stream:
            self.feed(await frames(self.storage, stream))
            assert self.storage.waiting_events(stream) == 0
        assert self.central.holes(AGENT) == {}
        self.central.close()


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_of_work(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    folder = tmp_path / "state"
    settings = StorageSettings(compression="identity" if seed % 2 else "zstd")
    async with running(folder, settings=settings) as storage:
        await storage.about_to_send()
        shop = Shop(storage, folder, rng)
        work = [shop.commit] * 8 + [shop.deliver] * 4 + [shop.forget] * 3 + [shop.rewind]
        for _ in range(60):
            await rng.choice(work)()
        await shop.check()
        assert len(shop.gone) >= 4
        await shop.end()
    assert remains(folder, *shop.gone) == []
    async with running(folder, settings=settings) as storage:
        shop.storage = storage
        await shop.check()
