"""Turns that are cut short, hindered, or crossed by something else: nothing is lost or doubled."""

import asyncio
import gc
import os
import random
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from edge_agent.config import Config
from edge_agent.contract.events import Stream
from edge_agent.devices.serial import SerialDevice
from edge_agent.errors import ConfigError, StorageError
from edge_agent.generation import Generation
from edge_agent.generation import generation as generations
from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support.broker import until
from tests.support.generation import Running, configure, running
from tests.support.pty import Cable
from tests.support.till import Till
from tests.support.turns import (
    PATIENT,
    RENAMED,
    TILL,
    all_recorded,
    events,
    is_amid,
    numbers,
    open_files,
    types,
    up,
)

LIVES = 12


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    cable = Cable(tmp_path / "till-1")
    cable.plug()
    yield cable
    cable.close()


@pytest.fixture
def rng() -> random.Random:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it when the test fails
    return random.Random(seed)


async def test_an_agent_that_ends_at_any_moment_of_a_turn_loses_nothing(
    tmp_path: Path, cable: Cable, rng: random.Random
) -> None:
    """What ends in the midst of a turn starts again with the config before, as after any end during a trial."""
    books: dict[str, int] = {}
    till, over, own = Till(books, rng), asyncio.Event(), open_files(cable.port)
    config, renamed = (configure(tmp_path, store=store + PATIENT) for store in (STORE_TOML, RENAMED))

    async def prints() -> None:
        while not over.is_set():
            receipt = till.ring("zh-retail")
            cut = rng.randrange(len(receipt))
            for part in (receipt[:cut], receipt[cut:]):
                await cable.write(part)
                await asyncio.sleep(rng.uniform(0, 0.02))

    async def changes(shop: Running, other: Config) -> None:
        with suppress(StorageError):  # it has ended first
            await shop.generations.change(other)

    async with asyncio.TaskGroup() as traffic:
        traffic.create_task(prints())
        for life in range(LIVES):
            async with running(config) as shop:
                await asyncio.sleep(rng.uniform(0, 0.1))
                traffic.create_task(changes(shop, renamed if life % 2 else config))
                await asyncio.sleep(rng.uniform(0, 0.03))
                if life % 2 and shop.generations.config is renamed:
                    await shop.generations.change(config)
        over.set()
    assert open_files(cable.port) == own
    async with running(config) as shop:
        await all_recorded(shop.storage, books)
        assert await numbers(shop.storage) == list(books), "in the order they were printed"
        assert len(books) > LIVES


async def test_what_arrives_while_no_generation_runs_is_read_by_the_next(
    tmp_path: Path, cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = Till(books := dict[str, int](), random.Random(11))
    complete = Generation.complete

    async def meanwhile(self: Generation, next_: Config) -> None:
        receipt = till.ring("zh-retail")
        await cable.write(receipt[:200])
        await until(lambda: cable.unread() == 200)
        await complete(self, next_)
        await cable.write(receipt[200:])

    monkeypatch.setattr(Generation, "complete", meanwhile)
    async with running(config := configure(tmp_path)) as shop:
        await up(shop, TILL)
        device = shop.generation.devices[TILL].device
        assert isinstance(device, SerialDevice)
        assert device._reader is not None
        port = device._reader._port
        for other in (config, configure(tmp_path, store=RENAMED), config):
            await shop.generations.change(other)
            (only,) = shop.generation.devices.values()
            assert isinstance(only.device, SerialDevice)
            assert only.device._reader is not None
            assert only.device._reader._port is port, "it was never closed"
        await all_recorded(shop.storage, books)
        assert len(books) == 3


async def test_an_agent_that_ends_within_a_turn_reads_ports_empty(
    tmp_path: Path, cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An adapter forgets what was not read once nobody has it open; a pty does not, so what waits in it is counted."""
    till = Till(books := dict[str, int](), random.Random(13))

    async def meanwhile(_: Generation, next_: Config) -> None:
        receipts = till.ring("zh-retail") + till.ring("zh-retail")
        await cable.write(receipts)
        await until(lambda: cable.unread() == len(receipts))
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    config = configure(tmp_path)
    async with running(config) as shop:
        await up(shop, TILL)
        with monkeypatch.context() as patched:
            patched.setattr(Generation, "complete", meanwhile)
            with pytest.raises(StorageError):
                await shop.generations.change(config)
    assert cable.unread() == 0
    async with running(config) as shop:
        await all_recorded(shop.storage, books)


async def test_a_turn_that_follows_a_turn_at_once_keeps_what_was_not_taken_yet(tmp_path: Path, cable: Cable) -> None:
    """Devices that are ended before their first step leave what they have not even taken; nobody wants it: closed."""
    receipt = Till(books := dict[str, int](), random.Random(12)).ring("zh-retail")
    own = open_files(cable.port)
    config = configure(tmp_path)
    without = configure(tmp_path, store=STORE_TOML[: STORE_TOML.index("[[device]]")])
    async with running(config) as shop:
        await up(shop, TILL)
        await cable.write(receipt[:100])
        await until(lambda: is_amid(shop))
        async with asyncio.TaskGroup() as group:
            for other in (config, config, config):
                group.create_task(shop.generations.change(other))
        assert open_files(cable.port) == own + 1
        await cable.write(receipt[100:])
        await all_recorded(shop.storage, books)
        await shop.generations.change(without)
        assert open_files(cable.port) == own
        assert shop.generations._handover._left == {}


async def test_a_change_that_cannot_be_made_any_more_says_so(tmp_path: Path, cable: Cable) -> None:
    config = configure(tmp_path)
    async with running(config) as shop:
        await up(shop, TILL)
        async with asyncio.TaskGroup() as group:
            given_up = group.create_task(shop.generations.change(configure(tmp_path, store=RENAMED)))
            await asyncio.sleep(0)
            given_up.cancel()
        assert list(shop.generation.devices) == [TILL]
    with pytest.raises(StorageError):
        await shop.generations.change(config)


async def test_a_key_that_goes_while_a_change_waits_leaves_the_config_before(tmp_path: Path, cable: Cable) -> None:
    config = configure(tmp_path)
    key = tmp_path / "tenant.key"
    key.write_text("0123456789abcdef0123456789abcdef")
    other = configure(tmp_path, store=STORE_TOML + '\n[privacy]\nhash_key_file = "tenant.key"\n')
    async with running(config) as shop:
        await up(shop, TILL)
        async with asyncio.TaskGroup() as group:
            group.create_task(shop.generations.change(config))
            waiting = group.create_task(fails(shop, other))
            await asyncio.sleep(0)
            key.unlink()
        assert "tenant.key" in waiting.result()
        assert shop.generations.config is config
        await cable.write(Till({}, random.Random(4)).ring("zh-retail"))
        await until(lambda: shop.storage.last(Stream.ORDERS) == 1)
        assert await types(shop.storage, Stream.OPS) == ["o2o.device.up.v1"]


async def fails(shop: Running, config: Config) -> str:
    with pytest.raises(ConfigError) as raised:
        await shop.generations.change(config)
    return str(raised.value)


async def test_another_name_is_no_news(tmp_path: Path) -> None:
    async with running(configure(tmp_path)) as shop:  # nothing is plugged in
        await until(lambda: len(shop.health.conditions()) == 1)
        await until(lambda: shop.storage.last(Stream.OPS) == 1)
        (before,) = shop.health.conditions()
        await shop.generations.change(configure(tmp_path, store=STORE_TOML.replace("1号收银小票", "Bar")))
        (after,) = shop.health.conditions()
        assert after.condition.detail.startswith("Bar: ")
        assert (after.since, after.condition.code) == (before.since, before.condition.code)
        assert shop.generation.devices[TILL].state == "down"
    assert shop.storage.last(Stream.OPS) == 1


async def test_what_a_slow_disk_has_not_taken_yet_is_told_by_the_next_generation(
    tmp_path: Path, cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "FLUSH_S", 0.05)
    config = configure(tmp_path)
    async with running(config) as shop:
        await up(shop, TILL)
        await until(lambda: shop.storage.last(Stream.OPS) == 1)
        async with asyncio.TaskGroup() as group:
            group.create_task(shop.storage._thread.run(lambda _: time.sleep(0.5)))
            cable.unplug()
            await until(lambda: len(shop.generation._states.untold._waiting) == 2)
            await shop.generations.change(config)
        cable.plug()
        await up(shop, TILL)
        await until(lambda: not shop.generation._states.untold._waiting)
        told = {event.id: event for event in await events(shop.storage, Stream.OPS)}
        reasons = [msgspec.json.decode(event.data).get("reason") for event in told.values()]
        assert reasons == [None, "unplugged", "missing", None]


async def test_head_offices_word_that_is_not_recorded_yet_is_heard_by_the_next_generation(tmp_path: Path) -> None:
    async with running(config := configure(tmp_path), devices=False) as shop:  # nobody records
        shop.generation.answered((), settled=True)
        shop.generation.answered((), settled=False)
        following = shop.generations._build(config, shop.generation)
        assert following._answers.waiting.left() == [((), True), ((), False)]


async def test_presence_that_is_paused_at_a_turn_is_paused_after_it(tmp_path: Path, cable: Cable) -> None:
    config = configure(tmp_path)
    async with running(config) as shop:
        await up(shop, TILL)
        for _ in range(5):
            async with asyncio.TaskGroup() as group:
                group.create_task(shop.generations.change(config))
                for _ in range(3):
                    await asyncio.sleep(0)
                group.create_task(shop.generation.pause_presence())
            assert shop.generation.shop.people.paused_until_ms(shop.clock.now()) is not None
            await shop.generation.resume_presence()


async def test_generations_that_have_ended_are_gone(tmp_path: Path, cable: Cable) -> None:
    config = configure(tmp_path)
    async with running(config) as shop:
        ended = []
        await up(shop, TILL)
        own = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the kernel's
        for _ in range(5):
            ended.append(weakref.ref(shop.generation))
            await shop.generations.change(config)
        assert len(os.listdir("/proc/self/fd")) == own  # noqa: PTH208
        for _ in range(2):
            await shop.generations.change(configure(tmp_path, store=RENAMED))
            await shop.generations.change(config)
        assert len(os.listdir("/proc/self/fd")) == own  # noqa: PTH208
        gc.collect()
        assert [generation() for generation in ended] == [None] * 5
