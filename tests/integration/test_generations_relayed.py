"""A till with a printer behind it, from one generation to the next: it prints on, and what it prints is read."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge_agent.config import Config
from edge_agent.contract.events import Stream
from edge_agent.devices.relay_start import Relays, socket_of
from edge_agent.generation import lines
from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support.broker import until
from tests.support.generation import Running, configure, running
from tests.support.pty import Cable
from tests.support.relay import CablePrinter, kill_relays, serving_process
from tests.support.till import Till
from tests.support.turns import PATIENT, TILL, all_recorded, numbers, types, up

CHANGES = 8
DIRECT = STORE_TOML
RELAYED = STORE_TOML.replace('port = "till-1"', 'port = "till-1"\npassthrough = "printer"')


class Counter:
    """A till that prints without a pause, its printer, and the books."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cable = Cable(folder / "till-1")
        self.printer = CablePrinter(folder / "printer")
        self.cable.plug()
        self.printer.plug()
        self.books: dict[str, int] = {}
        self.sent = bytearray()
        self.relays = Relays.of(folder / "state", folder / "agent.toml")
        seed = random.randrange(2**32)
        print(f"seed {seed}")  # noqa: T201 - pytest shows it when the test fails
        self._rng = random.Random(seed)
        self._till = Till(self.books, self._rng)

    def config(self, store: str) -> Config:
        return configure(self.folder, store=store)

    def process(self, device: str = TILL) -> int | None:
        """Return the relay that serves a device, if there is one."""
        return serving_process(socket_of(self.relays, device))

    async def print(self) -> None:
        """Print one receipt, in two pieces."""
        receipt = self._till.ring("zh-retail")
        cut = self._rng.randrange(len(receipt))
        for part in (receipt[:cut], receipt[cut:]):
            await self.cable.write(part)
            self.sent += part
            await asyncio.sleep(self._rng.uniform(0, 0.02))

    async def print_until(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await self.print()

    async def all_printed(self) -> None:
        await self.printer.until(lambda: len(self.printer.printed) >= len(self.sent))


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    counter = Counter(tmp_path)
    try:
        yield counter
    finally:
        await kill_relays(counter.relays.folder)
        counter.cable.close()
        counter.printer.close()


async def turned(shop: Running, counter: Counter, store: str, device: str = TILL) -> None:
    """Turn to another config between receipts that go on."""
    await shop.generations.change(counter.config(store))
    await up(shop, device)


async def test_a_till_prints_on_through_changes_of_other_things(counter: Counter) -> None:
    over = asyncio.Event()
    async with running(counter.config(RELAYED)) as shop:
        await up(shop, TILL)
        process = counter.process()
        async with asyncio.TaskGroup() as traffic:
            traffic.create_task(counter.print_until(over))
            for change in range(CHANGES):
                await asyncio.sleep(0.05)
                await turned(shop, counter, RELAYED.replace("1号收银小票", f"1号 {change}"))
            over.set()
        await counter.all_printed()
        assert counter.printer.printed == counter.sent
        assert counter.process() == process
        await all_recorded(shop.storage, counter.books)
        assert await numbers(shop.storage) == list(counter.books)
        assert await types(shop.storage, Stream.OPS) == ["o2o.device.up.v1"]


async def test_a_relay_goes_and_comes_with_the_config_and_its_copy_is_read(counter: Counter) -> None:
    """What was read by whom: the relay's last copy before it ends, then the port itself, then another relay."""
    renamed = RELAYED.replace(TILL, "till-1-renamed")
    async with running(counter.config(RELAYED)) as shop:
        await up(shop, TILL)
        for store, device in ((DIRECT, TILL), (RELAYED, TILL), (renamed, "till-1-renamed"), (RELAYED, TILL)):
            await counter.print()
            await turned(shop, counter, store, device)
            assert (counter.process(device) is not None) == (store is not DIRECT)
        await counter.print()
        await all_recorded(shop.storage, counter.books)
        assert await numbers(shop.storage) == list(counter.books)
        reasons = [kind for kind in await types(shop.storage, Stream.OPS) if kind != "o2o.device.up.v1"]
        assert reasons == [], "no device was down on the way"


async def test_a_till_is_read_through_a_relay_and_without_one_while_it_prints(counter: Counter) -> None:
    """What is printed before the agent finds its new relay is read, too, and no receipt is torn."""
    over = asyncio.Event()
    async with running(counter.config(RELAYED + PATIENT)) as shop:
        await up(shop, TILL)
        async with asyncio.TaskGroup() as traffic:
            traffic.create_task(counter.print_until(over))
            for store in (DIRECT, RELAYED):
                before = len(counter.books)
                await until(lambda before=before: len(counter.books) > before + 10)  # type: ignore[misc]  # a lambda
                await turned(shop, counter, store + PATIENT)
            over.set()
        await all_recorded(shop.storage, counter.books)
        assert await numbers(shop.storage) == list(counter.books)


async def test_half_a_receipt_is_read_to_its_end_behind_another_printer(
    counter: Counter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "QUIET_S", 0.1)
    receipt = Till(counter.books, random.Random(1)).ring("zh-retail")
    other = CablePrinter(tmp_path / "other")
    other.plug()
    try:
        async with running(counter.config(RELAYED + PATIENT)) as shop:
            await up(shop, TILL)
            await counter.cable.write(receipt[:100])
            await counter.printer.until(lambda: len(counter.printer.printed) == 100)
            for store in (RELAYED.replace('"printer"', '"other"'), DIRECT, RELAYED):
                await turned(shop, counter, store + PATIENT)
            await counter.cable.write(receipt[100:])
            await all_recorded(shop.storage, counter.books)
    finally:
        other.close()


async def test_a_relay_gets_another_printer(counter: Counter, tmp_path: Path) -> None:
    other = CablePrinter(tmp_path / "other")
    other.plug()
    try:
        async with running(counter.config(RELAYED)) as shop:
            await up(shop, TILL)
            await counter.print()
            await counter.all_printed()
            await turned(shop, counter, RELAYED.replace('"printer"', '"other"'))
            await until(lambda: shop.generation.devices[TILL].state == "up")
            await counter.print()
            await other.until(lambda: len(counter.printer.printed) + len(other.printed) == len(counter.sent))
            assert counter.printer.printed + other.printed == counter.sent
            await all_recorded(shop.storage, counter.books)
    finally:
        other.close()
