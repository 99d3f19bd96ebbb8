"""A virtual store under test: what its register printed, what head office holds, and how to break it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from edge_agent.simulator import central_reading
from edge_agent.simulator.broker import BrokerOptions
from edge_agent.simulator.virtual_store import AGENT_TOML, STORE_TOML, Part, VirtualStore

# Everything is waited for as a condition; this only ends a test that would otherwise hang.
PATIENCE_S = 60.0
# Two telephones with random UIDs are told apart only by the moment in between: longer than a removal takes.
AWAY_S = 0.6


class ShopUnderTest:
    """The store's processes with a background reader for each, all ended with the context."""

    def __init__(self, store: VirtualStore, readers: asyncio.TaskGroup, stack: AsyncExitStack) -> None:
        self.store = store
        self._readers = readers
        self._stack = stack
        self.log: list[dict[str, Any]] = []
        self.printed: dict[str, int] = {}
        self.url = ""

    async def central(self, *options: str) -> Part:
        """Start head office."""
        part = await self.store.start_central("--quiet", *options)
        self._stack.push_async_callback(part.kill)
        self._readers.create_task(self._drain(part))
        return part

    async def register(self, *options: str) -> Part:
        """Start the register; numbers go on where the last one stopped, what it prints goes to ``self.printed``."""
        part = await self.store.start_register(f"--first={len(self.printed) + 1}", *options)
        self._stack.push_async_callback(part.kill)
        self._readers.create_task(self._watch(part))
        return part

    async def reader(self) -> Part:
        """Start the NFC reader of PEOPLE_TOML; ``put`` lays a tag on it."""
        part = await self.store.start_reader()
        self._stack.push_async_callback(part.kill)
        self._readers.create_task(self._drain(part))
        return part

    async def bluez(self) -> Part:
        """Start BlueZ on the store's bus, and the bus, where it does not run yet."""
        if self.store.bus.pid is None:
            self._stack.enter_context(self.store.bus)
        part = await self.store.start_bluez()
        self._stack.push_async_callback(part.kill)
        self._readers.create_task(self._drain(part))
        return part

    async def tap(self, reader: Part, tag: dict[str, Any]) -> None:
        """Hold a tag to the reader until the agent has made something of it, as people do, and take it away."""
        before = await self._taps()
        reader.tell("put", tag=tag)
        async with asyncio.timeout(PATIENCE_S):
            while await self._taps() == before:
                await asyncio.sleep(0.05)
        reader.tell("take")
        await asyncio.sleep(AWAY_S)

    async def _taps(self) -> float:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}metrics") as response:
            text = await response.text()
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return sum(sample.value for sample in samples if sample.name == "edge_agent_taps_total")

    async def sell(self, count: int, *options: str) -> None:
        """Print so many receipts, and pull the cable once they have been read."""
        wanted = len(self.printed) + count
        part = await self.register(f"--count={count}", "--interval=0.01", "--style=mixed", *options)
        await until(lambda: len(self.printed) == wanted, lambda: f"{len(self.printed)} of {wanted} printed")
        await part.stop()

    async def agent(self, **options: Any) -> tuple[Part, str]:
        """Start the agent and wait until it serves its page; its log goes to ``self.log``."""
        part, self.url = await self.store.start_agent(**options)
        self._stack.push_async_callback(part.kill)
        self._readers.create_task(self._drain(part))
        return part, self.url

    async def status(self) -> dict[str, Any]:
        """Return what the agent last started says of itself."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}api/status") as response:
            document: dict[str, Any] = await response.json()
            return document

    async def until_status(self, condition: Callable[[dict[str, Any]], bool], patience: float = PATIENCE_S) -> None:
        """Wait until the agent's status meets the condition."""
        last: dict[str, Any] = {}
        try:
            async with asyncio.timeout(patience):
                while not condition(last := await self.status()):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"the status did not come within {patience} s: {last}") from None

    async def until_recorded(self) -> None:
        """Wait until everything printed today is recorded."""
        await self.until_status(lambda status: slips(status) == len(self.printed))

    async def until_up(self, *devices: str) -> None:
        """Wait until the devices work (all of them, if none is named)."""
        await self.until_status(
            lambda status: all(
                device["state"] == "up" for device in status["devices"] if not devices or device["id"] in devices
            )
        )

    async def agent_unready(self, **options: Any) -> Part:
        """Start the agent and do not wait for anything."""
        part = await self.store.spawn_agent(**options)
        self._stack.push_async_callback(part.kill)
        self._readers.create_task(self._drain(part))
        return part

    def held(self) -> dict[str, int]:
        """Return what head office holds: payable by order number, each order id counted once."""
        orders = central_reading.orders(self.store.database).values()
        held: dict[str, int] = {}
        for order in orders:
            assert order.order_no is not None
            assert order.order_no not in held, f"{order.order_no} is counted twice"
            assert order.payable is not None
            held[order.order_no] = order.payable
        return held

    def held_loosely(self) -> dict[str | None, int | None]:
        """Return what head office holds, however odd: payable by order number."""
        return {order.order_no: order.payable for order in central_reading.orders(self.store.database).values()}

    async def until_equal(self) -> None:
        """Wait until head office holds exactly what the register printed."""
        await until(lambda: self.held() == self.printed, self._why_not_equal)

    def _why_not_equal(self) -> str:
        told = [line for line in self.log if line.get("level") in {"warning", "error"}][-5:]
        return f"{difference(self.printed, self.held())}; last in the log: {self.log[-3:]}; not well: {told}"

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the data of all events of a type that head office holds."""
        return [json.loads(event.body)["data"] for event in central_reading.events(self.store.database, kind)]

    async def _watch(self, register: Part) -> None:
        async for line in register.lines():
            if line.get("order_no"):
                self.printed[line["order_no"]] = line["payable"]

    async def _drain(self, part: Part) -> None:
        async for line in part.lines():
            self.log.append(line)


@asynccontextmanager
async def shop_under_test(
    folder: Path, broker: BrokerOptions | None = None, agent: str = AGENT_TOML, store_toml: str = STORE_TOML
) -> AsyncIterator[ShopUnderTest]:
    """Give a store with a running broker and its configuration written; nothing else runs yet."""
    store = VirtualStore(folder, broker)
    with store.broker:
        store.configure(agent, store_toml)
        async with asyncio.TaskGroup() as readers, AsyncExitStack() as stack:
            yield ShopUnderTest(store, readers, stack)


async def until(
    condition: Callable[[], bool], explain: Callable[[], object] = lambda: "", patience: float = PATIENCE_S
) -> None:
    """Wait for a condition of the outside world; fail with the explanation when it does not come."""
    try:
        async with asyncio.timeout(patience):
            while not condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"it did not happen within {patience} s: {explain()}") from None


def slips(status: dict[str, Any]) -> int:
    """Return how many orders of today a status counts."""
    today = status["today"]
    total: int = today["orders"] + today["returns"] + today["voids"]
    return total


def difference(printed: Mapping[str, int], held: Mapping[Any, int | None]) -> str:
    """Return how the register's and head office's books differ."""
    missing = sorted(printed.keys() - held.keys())
    invented = sorted(map(str, held.keys() - printed.keys()))
    altered = sorted(number for number in printed.keys() & held.keys() if printed[number] != held[number])
    return f"{len(printed)} printed, {len(held)} held; missing {missing}, invented {invented}, altered {altered}"
