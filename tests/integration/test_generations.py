"""From one generation to the next: what is said meanwhile is recorded once, and lines stay open."""

import asyncio
import os
import random
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from edge_agent.config import Config
from edge_agent.contract.events import Stream
from edge_agent.contract.frames import decode_events
from edge_agent.errors import ConfigError
from edge_agent.generation import lines
from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support.broker import until
from tests.support.generation import configure, running
from tests.support.pty import Cable
from tests.support.storage import captured, frames
from tests.support.till import Till
from tests.support.turns import PATIENT, RENAMED, TILL, all_recorded, events, is_amid, numbers, types, up

CHANGES = 30
SCANNER = STORE_TOML.replace('decoder = "escpos"\nencoding = "gb18030"', 'decoder = "scanner"')
Books = dict[str, int]
NETWORK = """
[[device]]
id = "{id}"
name = "{name}"
kind = "tcp-listen"
touchpoint = "till-1"
listen = "127.0.0.1:{listen}"
decoder = "escpos"

[[device]]
id = "till-3-printer"
kind = "tcp"
touchpoint = "till-1"
host = "127.0.0.1"
port = {server}
decoder = "escpos"
"""
ADDED = """
[[device]]
id = "new"
kind = "serial"
touchpoint = "till-1"
port = "nowhere"
decoder = "scanner"
"""


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    cable = Cable(tmp_path / "till-1")
    cable.plug()
    yield cable
    cable.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_tills_print_through_many_changes(tmp_path: Path, cable: Cable) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it when the test fails
    rng = random.Random(seed)
    listen, accepted = free_port(), asyncio.Queue[asyncio.StreamWriter]()
    server = await asyncio.start_server(lambda _, writer: accepted.put_nowait(writer), "127.0.0.1", 0)
    server_port = server.sockets[0].getsockname()[1]

    def variant(number: int) -> Config:
        table = NETWORK.format(
            id="till-2-printer" if number % 4 else "till-2-renamed", name=f"2号 {number}", listen=listen,
            server=server_port,
        )  # fmt: skip
        till_1 = (RENAMED if number % 5 == 0 else STORE_TOML) + PATIENT
        store = till_1.replace("1号收银小票", f"1号 {number}") + table + (ADDED if number % 3 == 2 else "")
        return configure(tmp_path, store=store)

    books: dict[str, int] = {}
    till = Till(books, rng)
    async with running(variant(1)) as shop:
        await up(shop, "till-1-printer", "till-2-printer", "till-3-printer")
        _, caller = await asyncio.open_connection("127.0.0.1", listen)
        dialled = await accepted.get()

        async def serial(data: bytes) -> None:
            await cable.write(data)

        def network(writer: asyncio.StreamWriter) -> Callable[[bytes], Awaitable[None]]:
            async def send(data: bytes) -> None:
                writer.write(data)
                await writer.drain()

            return send

        over, all_printed = asyncio.Event(), list[list[str]]()

        async def prints(send: Callable[[bytes], Awaitable[None]]) -> None:
            printed: list[str] = []
            all_printed.append(printed)
            while not over.is_set():
                receipt = till.ring("zh-retail")
                printed.append(list(books)[-1])
                cut = rng.randrange(len(receipt))
                for part in (receipt[:cut], receipt[cut:]):
                    await send(part)
                    await asyncio.sleep(rng.uniform(0, 0.02))

        async with asyncio.TaskGroup() as traffic:
            for send in (serial, network(caller), network(dialled)):
                traffic.create_task(prints(send))
            for change in range(2, CHANGES + 2):
                await asyncio.sleep(rng.uniform(0, 0.1))
                await shop.generations.change(variant(change))
            over.set()
        await all_recorded(shop.storage, books)
        recorded = await numbers(shop.storage)
        for printed in all_printed:
            assert [number for number in recorded if number in set(printed)] == printed
        assert accepted.empty(), "the connection was kept"
        assert len(books) > 3 * CHANGES
        caller.close()
        dialled.close()
    server.close()


async def test_a_line_configured_alike_stays_open_and_is_no_news(tmp_path: Path, cable: Cable) -> None:
    config = configure(tmp_path)
    with capture_logs() as log:
        async with running(config) as shop:
            await up(shop, "till-1-printer")
            since = shop.generation.devices["till-1-printer"].since
            await until(lambda: shop.storage.last(Stream.OPS) == 1)
            for _ in range(3):
                await shop.generations.change(config)
            running_device = shop.generation.devices["till-1-printer"]
            assert (running_device.state, running_device.since) == ("up", since)
            receipt = Till(books := Books(), random.Random(1)).ring("zh-retail")
            await cable.write(receipt)
            await until(lambda: shop.storage.last(Stream.ORDERS) == 1)
            assert await numbers(shop.storage) == list(books)
            assert await types(shop.storage, Stream.OPS) == ["o2o.device.up.v1"]
    assert sum(entry["event"] == "lines_handed_over" for entry in log) == 3


async def test_what_the_next_config_reads_otherwise_is_completed(
    tmp_path: Path, cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a receipt of a decoder that goes is what it is; the new decoder does not see its bytes."""
    monkeypatch.setattr(lines, "QUIET_S", 0.1)
    half = Till({}, random.Random(2)).ring("zh-retail")[:-40]
    patient = STORE_TOML.replace('encoding = "gb18030"', 'encoding = "gb18030"\nidle_end = "30s"')
    async with running(configure(tmp_path, store=patient)) as shop:
        await up(shop, "till-1-printer")
        await cable.write(half)
        await until(lambda: is_amid(shop))
        await shop.generations.change(configure(tmp_path, store=SCANNER))
        await until(lambda: shop.storage.last(Stream.ORDERS) == 1)
        await up(shop, "till-1-printer")
        await cable.write(b"6901234567892\r\n")
        await until(lambda: shop.storage.last(Stream.CHECKINS) == 1)
        assert await types(shop.storage, Stream.CHECKINS) == ["o2o.code.presented.v1"]
        assert shop.generation.devices["till-1-printer"].undecoded == {}


async def test_half_a_receipt_is_read_to_its_end_by_the_next(tmp_path: Path, cable: Cable) -> None:
    receipt = Till(books := Books(), random.Random(3)).ring("zh-retail")
    async with running(config := configure(tmp_path, store=STORE_TOML + PATIENT)) as shop:
        await up(shop, "till-1-printer")
        await cable.write(receipt[:100])
        await until(lambda: is_amid(shop))
        await shop.generations.change(config)
        await cable.write(receipt[100:])
        await until(lambda: shop.storage.last(Stream.ORDERS) == 1)
        assert await numbers(shop.storage) == list(books)


async def test_what_is_wrong_with_a_device_that_goes_goes_with_it(tmp_path: Path, cable: Cable) -> None:
    config = configure(tmp_path)
    async with running(configure(tmp_path, store=STORE_TOML + ADDED)) as shop:
        await until(lambda: [r.part for r in shop.health.conditions()] == ["device/new"])
        await shop.generations.change(config)
        assert shop.health.conditions() == []
        assert list(shop.generation.devices) == ["till-1-printer"]


async def test_a_config_that_cannot_be_built_leaves_the_one_before(tmp_path: Path, cable: Cable) -> None:
    config = configure(tmp_path)
    key = tmp_path / "tenant.key"
    key.write_text("0123456789abcdef0123456789abcdef")
    other = configure(tmp_path, store=STORE_TOML + '\n[privacy]\nhash_key_file = "tenant.key"\n')
    async with running(config) as shop:
        await up(shop, "till-1-printer")
        key.unlink()
        with pytest.raises(ConfigError, match=r"tenant\.key"):
            await shop.generations.change(other)
        assert shop.generations.config is config
        await cable.write(Till({}, random.Random(4)).ring("zh-retail"))
        await until(lambda: shop.storage.last(Stream.ORDERS) == 1)


async def test_a_change_settles_zone_and_retention(tmp_path: Path, cable: Cable) -> None:
    abroad = STORE_TOML.replace("Asia/Shanghai", "Europe/Berlin") + "\n[privacy]\ncapture_days = 3\n"
    async with running(configure(tmp_path)) as shop:
        await up(shop, "till-1-printer")
        await shop.generations.change(configure(tmp_path, store=abroad))
        await cable.write(Till({}, random.Random(5)).ring("zh-retail"))
        await until(lambda: shop.storage.last(Stream.ORDERS) == 1)
        (frame,) = await frames(shop.storage, Stream.ORDERS)
        (event,) = decode_events(frame.body, frame.encoding)
        assert event.time.endswith(("+01:00", "+02:00"))
        assert shop.storage._writer.housekeeping.settings.capture_days == 3
        (capture,) = await captured(shop.storage)
        path = tmp_path / "state" / "captures" / f"{capture}.zst"
        four_days = 4 * 24 * 3600
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - four_days))
        at = shop.clock.now()
        await shop.storage._thread.run(lambda _: shop.storage._recorder.captures.expire(at.wall_ms))
        assert not path.exists()


async def test_another_decoder_begins_without_what_the_last_one_was_told(tmp_path: Path, cable: Cable) -> None:
    """The file was edited while the agent was away: the printer's modes, on disk, are noise to a scanner."""
    async with running(configure(tmp_path)) as shop:
        await up(shop, TILL)
        head, cut, rest = Till({}, random.Random(7)).ring("zh-retail").rpartition(b"\x1dV")
        await cable.write(head + b"\x1bt\x10" + cut + rest)  # ESC t: another code page, from here on
        await until(lambda: shop.storage.last(Stream.ORDERS) == 1)
        assert msgspec.msgpack.decode(shop.storage.state("line")[TILL])["modes"]
    async with running(configure(tmp_path, store=SCANNER)) as shop:
        await up(shop, TILL)
        await cable.write(b"6901234567892\r\n")
        await until(lambda: shop.storage.last(Stream.CHECKINS) == 1)
        (event,) = await events(shop.storage, Stream.CHECKINS)
        assert msgspec.json.decode(event.data)["code"] == "6901234567892"
        assert shop.generation.devices[TILL].undecoded == {}
    async with running(configure(tmp_path)) as shop:
        await up(shop, TILL)
        await cable.write(Till({}, random.Random(8)).ring("zh-retail"))
        await until(lambda: shop.storage.last(Stream.ORDERS) == 2)


async def test_a_device_is_opened_anew_when_asked(tmp_path: Path, cable: Cable) -> None:
    receipt = Till(books := Books(), random.Random(6)).ring("zh-retail")
    async with running(configure(tmp_path)) as shop:
        await up(shop, "till-1-printer")
        before = shop.generation.devices["till-1-printer"].device
        await cable.write(receipt[:100])
        await until(lambda: is_amid(shop))
        await shop.generation.restart("till-1-printer")
        after = shop.generation.devices["till-1-printer"]
        assert after.state == "up"
        assert after.device is not before
        await cable.write(receipt[100:])
        await until(lambda: shop.storage.last(Stream.ORDERS) == 1)
        assert await numbers(shop.storage) == list(books)
        with pytest.raises(ConfigError, match="till-1-printer"):
            await shop.generation.restart("nobody")
        with pytest.raises(ConfigError, match="not a display"):
            shop.generation.show("till-1-printer", ["x"], 1)


async def test_a_change_while_a_change_waits_and_an_end_in_between(tmp_path: Path, cable: Cable) -> None:
    config = configure(tmp_path)
    async with running(config) as shop:
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(shop.generations.change(config))
        async with asyncio.TaskGroup() as group:
            given_up = group.create_task(shop.generations.change(config))
            await asyncio.sleep(0)
            given_up.cancel()
        await shop.generations.change(config)
        await up(shop, "till-1-printer")
