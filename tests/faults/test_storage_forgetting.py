"""Forgetting while it is killed, while the disk is full, and while frames are on their way."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.contract.events import Stream
from edge_agent.contract.frames import unpack
from edge_agent.shop.outcome import Outcome
from edge_agent.simulator import central_reading as reading
from edge_agent.simulator.broker import Broker
from edge_agent.storage import FORGETTABLE, Storage
from tests.support.agent import TOPICS, agent
from tests.support.broker import Listener, needs_mosquitto, until
from tests.support.central import CentralProcess
from tests.support.disk import small_disk
from tests.support.forgetting import bodies, remains, visit
from tests.support.storage import frames, held, of, order, running, small

ANNA, OTHERS = "anna-7f3c01d2e9", "others-55aa77cc"
ROOT = Path(__file__).parents[2]


async def fill(storage: Storage, rounds: int, rng: random.Random) -> None:
    """Record visits in frames of many sizes, every third of them Anna's."""
    for _ in range(rounds):
        for stream in FORGETTABLE:
            count = rng.choice([1, 20, 200])
            await storage.commit(of(*(visit(stream, ANNA if n % 3 == 1 else OTHERS, n) for n in range(count))))


def forget_and_kill(state_dir: Path, marks: int, rng: random.Random) -> bool:
    """Start to forget, kill it a moment after it has said ``marks`` bytes. Returns whether it was still at work."""
    said = state_dir.parent / "said"
    with said.open("wb") as out:
        command = [sys.executable, "-m", "tests.support.storage_forgetter", str(state_dir), ANNA]
        with subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, cwd=ROOT) as process:
            deadline = time.monotonic() + 60
            while said.stat().st_size < marks and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.001)
            time.sleep(rng.random() * 0.01)
            process.kill()
    return process.returncode != 0


async def test_killed_at_any_moment_it_is_finished_by_the_next_call(tmp_path: Path) -> None:
    seed = int(os.environ.get("STORAGE_SEED", "20261122"))
    rng = random.Random(seed)
    state_dir = tmp_path / "state"
    async with running(state_dir) as storage:
        await fill(storage, 60, rng)
        await storage.about_to_send()
        storage.acknowledge(Stream.CHECKINS, storage.last(Stream.CHECKINS) // 2)
        before = {stream: bodies(await frames(storage, stream)) for stream in FORGETTABLE}
    events = sum(map(len, before.values()))
    hits = sum(forget_and_kill(state_dir, 1 + rng.randrange(events // 150), rng) for _ in range(6))
    assert hits >= 4, f"seed {seed}: killed too late"
    async with running(state_dir) as storage:
        await storage.forget(lambda body: ANNA.encode() in body)
        for stream, recorded in before.items():
            items = await held(storage, stream, 0)
            gaps = {n for item in items if item.gap for n in range(item.first, item.last + 1)}
            assert gaps == {n for n, body in recorded.items() if ANNA.encode() in body}, f"seed {seed}"
            after = bodies(await frames(storage, stream))
            assert all(after[n] == body for n, body in recorded.items() if n not in gaps)
        assert remains(state_dir, ANNA) == []
        assert storage.damaged_frames == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as found:
        yield found


async def test_on_a_full_disk_others_make_room_and_nothing_is_left(disk: Path) -> None:
    rng = random.Random(20261122)
    async with running(disk / "state") as storage:
        await fill(storage, 60, rng)
        for _ in range(20):
            await storage.commit(of(*(small(Stream.PRESENCE, n) for n in range(400))))
        await storage.commit(of(*(order(n) for n in range(50))))
        recorded = bodies(await frames(storage, Stream.CHECKINS))
        status = os.statvfs(disk)
        with (disk / "filler").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize)
        async with asyncio.timeout(60):
            await storage.forget(lambda body: ANNA.encode() in body)
        assert remains(disk, ANNA) == []
        for stream in FORGETTABLE:
            items = await held(storage, stream)
            assert sum(item.last - item.first + 1 for item in items) == storage.last(stream)
            assert {item.gap for item in items} <= {None, "forgotten", "evicted"}
        left = bodies(await frames(storage, Stream.CHECKINS))
        kept = [item.last for item in await held(storage, Stream.CHECKINS) if item.gap is None]
        assert all(left[n] == recorded[n] for n in kept)
        # Scattered gaps do not stand in the way of what has to go for orders.
        async with asyncio.timeout(60):
            for n in range(400):
                await storage.commit(of(order(50 + n, lines=30)))
        assert [item.gap for item in await held(storage, Stream.ORDERS)] == [None] * 450


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    needs_mosquitto()
    with Broker(tmp_path / "broker") as broker:
        yield broker


async def test_what_was_read_ahead_and_not_confirmed_is_never_sent_as_it_was(tmp_path: Path, broker: Broker) -> None:
    """The broker takes frames that nobody confirms, until the window is full; the rest is read and waits."""
    async with agent(tmp_path / "state", broker.port, compression="identity") as box:
        with Listener(broker.port, TOPICS.up("checkins")) as listener:
            await until(lambda: box.sync.connected)
            padding = "x" * 2_000
            for start in range(0, 1_200, 100):
                people = [ANNA if n % 10 == 5 else OTHERS for n in range(start, start + 100)]
                await box.storage.commit(Outcome(tuple(visit(Stream.CHECKINS, who + padding) for who in people)))
            # A full window: 1 MiB, of events of 4.5 KB.
            await until(lambda: sum(len(seen.payload) for seen in listener.seen) > 900_000)
            await until(lambda: len(listener.seen) == box.sync.sent_frames)
            before = len(listener.seen)
            assert await box.storage.forget(lambda body: ANNA.encode() in body) == 120
            with CentralProcess(tmp_path, broker.port, "--quiet") as central:
                await box.delivered()
                await until(lambda: len(listener.seen) == box.sync.sent_frames)
                stored = [event for event in reading.events(central.database) if event.stream == "checkins"]
                assert reading.alarms(central.database) == []
        sent = [unpack(seen.payload, seen.user["encoding"]) for seen in listener.seen[before:]]
        assert not any(ANNA.encode() in body for body in sent)
        assert len(stored) == 1_200
        assert sum(event.type == "o2o.agent.gap.v1" for event in stored) == 120
