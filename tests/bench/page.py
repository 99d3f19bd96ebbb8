"""The manager's page of the real agent: what open pages cost in memory, a status request in CPU, and how it weighs."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp

from edge_agent.clock import Clock
from edge_agent.page import html
from edge_agent.simulator.receipts import encode, ring_up
from edge_agent.simulator.virtual_store import STORE_TOML, VirtualStore
from tests.bench import whole
from tests.support.pty import Cable

ORDERS = 400  # a busy shop's day
BACKLOG = 100  # of them, those printed since the link was lost
STREAMS = 100
REQUESTS = 500
CLIENTS = 5  # addresses they come from: each may ask 240 times at once
BUSY = 1_000  # orders printed while the CPU is measured,
EVERY_S = 0.01  # and the pause between two of them
WAIT_S = 60.0
LAST = b"event: manager"  # of the sections that a stream begins with
ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Cost:
    """Resident MB of ``STREAMS`` open pages, CPU ms of a status request, bytes of the page as it is first opened.

    ``looked_share``: of a core, beside what the orders themselves cost, while an order comes every ``EVERY_S`` and all
    those pages are open.
    """

    streams_mb: float
    status_ms: float
    page_bytes: int
    assets_bytes: int
    sections_bytes: int
    looked_share: float

    @property
    def weight_kb(self) -> float:
        """All that a browser takes until the page is on the screen, not compressed."""
        return (self.page_bytes + self.assets_bytes + self.sections_bytes) / 1024


async def cost(folder: Path) -> Cost:
    """Run the agent with four lines, a day's orders, and a backlog; then look at its page."""
    async with _shop(folder) as (pid, url, cable):
        document, sections_bytes = await _first_look(url)
        status_ms = await _status_ms(pid, url)
        unlooked_s, _ = await _busy(pid, url, cable, ORDERS)
        before = whole.status_kb(pid, "VmRSS")
        async with AsyncExitStack() as pages:
            for number in range(STREAMS):
                await pages.enter_async_context(_opened(url, f"127.0.1.{1 + number}"))
            looked_s, lasted_s = await _busy(pid, url, cable, ORDERS + BUSY)
            streams_kb = whole.status_kb(pid, "VmRSS") - before
    looked_share = (looked_s - unlooked_s) / lasted_s
    return Cost(
        streams_kb / 1024, status_ms, len(document), sum(map(len, _loaded(document))), sections_bytes, looked_share
    )


@asynccontextmanager
async def _shop(folder: Path) -> AsyncIterator[tuple[int, str, Cable]]:
    store = VirtualStore(folder)
    cables = [Cable(folder / f"till-{number}") for number in range(1, 5)]
    devices = "".join(
        f'\n[[device]]\nid = "printer-{number}"\nkind = "serial"\ntouchpoint = "till-1"\n'
        f'port = "till-{number}"\ndecoder = "escpos"\n'
        for number in range(2, 5)
    )
    async with AsyncExitStack() as stack:
        broker = stack.enter_context(store.broker)
        store.configure(store=STORE_TOML + devices)
        for cable in cables:
            stack.callback(cable.close)
            cable.plug()
        central = await store.start_central()
        agent, url = await store.start_agent()
        stack.push_async_callback(agent.stop)
        await _print(cables[0], 0, ORDERS - BACKLOG)
        await central.first("order_no", _number(ORDERS - BACKLOG - 1))
        await central.stop()
        broker.stop()
        await _print(cables[0], ORDERS - BACKLOG, ORDERS)
        await _until_counted(url, ORDERS)
        yield agent.process.pid, url, cables[0]


async def _print(cable: Cable, first: int, last: int) -> None:
    """Print receipts, one after the other, the numbers from ``first`` to before ``last``."""
    rng = random.Random(first)
    now = datetime.fromtimestamp(Clock().now().wall_ms / 1000, ZONE)
    for number in range(first, last):
        await cable.write(encode(ring_up(rng, "zh-retail", _number(number), now)))
        await asyncio.sleep(EVERY_S)


def _number(number: int) -> str:
    return f"{number:08}"


async def _until_counted(url: str, slips: int) -> None:
    """Wait until so many receipts have been read."""
    async with asyncio.timeout(WAIT_S), aiohttp.ClientSession() as session:
        while True:
            async with session.get(url + "api/status") as response:
                today = (await response.json())["today"]
            if today["orders"] + today["returns"] >= slips:
                return
            await asyncio.sleep(0.2)


async def _first_look(url: str) -> tuple[bytes, int]:
    """Return the document, and how many bytes the first of all sections are."""
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as response:
            document = await response.read()
        async with session.get(url + "api/events") as response:
            return document, await _sections(response)


def _loaded(document: bytes) -> list[bytes]:
    """Return the files that a document names, and those that they name."""
    left = {name.encode(): body for name, (body, _) in html.assets().items()}
    loaded: list[bytes] = []
    looked_through = [document]
    while looked_through:
        text = looked_through.pop()
        named = [name for name in left if name in text]
        looked_through += [left[name] for name in named]
        loaded += [left.pop(name) for name in named]
    return loaded


async def _sections(response: aiohttp.ClientResponse) -> int:
    """Read until the last section has come; return how many bytes that were."""
    taken = 0
    async with asyncio.timeout(WAIT_S):
        while not (line := await response.content.readline()).startswith(LAST):
            assert line, "the stream has ended"
            taken += len(line)
        return taken + len(line) + len(await response.content.readline())


async def _status_ms(pid: int, url: str) -> float:
    """Return the CPU milliseconds of one status request."""
    before = whole.cpu_s(pid)
    for number in range(CLIENTS):
        connector = aiohttp.TCPConnector(local_addr=(f"127.0.0.{2 + number}", 0))
        async with aiohttp.ClientSession(connector=connector) as session:
            for _ in range(REQUESTS // CLIENTS):
                async with session.get(url + "api/status") as response:
                    assert response.status == 200, response.status
                    await response.read()
    return (whole.cpu_s(pid) - before) / REQUESTS * 1000


async def _busy(pid: int, url: str, cable: Cable, first: int) -> tuple[float, float]:
    """Print ``BUSY`` orders; return the CPU seconds the agent took until all were read, and how long that was."""
    loop = asyncio.get_running_loop()
    before, begin = whole.cpu_s(pid), loop.time()
    await _print(cable, first, first + BUSY)
    await _until_counted(url, first + BUSY)
    return whole.cpu_s(pid) - before, loop.time() - begin


@asynccontextmanager
async def _opened(url: str, address: str) -> AsyncIterator[None]:
    """Hold a page open, its sections taken as they come."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    timeout = aiohttp.ClientTimeout(total=None)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        session.get(url + "api/events") as response,
        asyncio.TaskGroup() as group,
    ):
        await _sections(response)
        reading = group.create_task(_drain(response))
        yield
        reading.cancel()


async def _drain(response: aiohttp.ClientResponse) -> None:
    async for _ in response.content.iter_any():
        pass
