"""The whole way, measured from outside: last byte to confirmed, live, drain, idle."""

import asyncio
import os
import random
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from edge_agent.clock import Clock
from edge_agent.contract.events import Draft, Origin, Stream, envelope
from edge_agent.contract.frames import encode_events
from edge_agent.contract.ids import uuid7
from edge_agent.contract.topics import Topics
from edge_agent.health import Health
from edge_agent.shop.outcome import Outcome
from edge_agent.simulator.receipts import encode, ring_up
from edge_agent.simulator.virtual_store import STORE_TOML, Part, VirtualStore
from edge_agent.storage import Storage, StorageSettings
from edge_agent.sync import Sync
from edge_agent.uplink import Uplink, UplinkSettings
from tests.bench import limits
from tests.support import golden
from tests.support.pty import Cable

GROUP = 50  # events of one commit of a busy shop
PRODUCERS = 4  # commits under way at once
LIVE_EVENTS = 20_000
RECEIPTS = 60
WARM_UP = 5  # receipts before the first that counts
PAUSE_S = 0.05  # rest before everything that is measured on an idle store
WAIT_S = 30.0  # for what takes milliseconds: a bench ends, whatever happens
IDLE_S = 20.0
TICKS = os.sysconf("SC_CLK_TCK")
ORIGIN = Origin("bench", "sh-0001", "pc-1", ZoneInfo("Asia/Shanghai"))
TOPICS = Topics("bench", "sh-0001", "pc-1")


@dataclass(frozen=True, slots=True)
class Latency:
    """Median seconds: last byte to central's word, and what it is measured against, sampled between the receipts."""

    confirmed_s: float
    fdatasync_s: float
    round_trip_s: float

    @property
    def raw_s(self) -> float:
        """The raw limit: two fdatasyncs (the agent's, central's) and two MQTT round trips."""
        return 2 * self.fdatasync_s + 2 * self.round_trip_s


async def last_byte_to_confirmed(folder: Path) -> Latency:
    """Print one receipt after the other on an idle store, each confirmed before the next, with a pause after each."""
    store = VirtualStore(folder)
    cable = Cable(store.port)
    rng = random.Random(1)
    confirmed: list[float] = []
    flushes: list[float] = []
    trips: list[float] = []
    async with AsyncExitStack() as stack:
        stack.enter_context(store.broker)
        flush = stack.enter_context(limits.disk(folder))
        trip = stack.enter_context(limits.round_trip(store.broker.port))
        store.configure()
        stack.callback(cable.close)
        cable.plug()
        lines = (await _central(stack, store)).lines()
        await _process(stack, store)
        for number in range(WARM_UP + RECEIPTS):
            sale = ring_up(rng, "zh-retail", f"{number:08}", datetime(2026, 11, 22, tzinfo=UTC))
            await asyncio.sleep(PAUSE_S)
            await cable.write(encode(sale))
            begin = time.perf_counter()
            async with asyncio.timeout(WAIT_S):
                async for line in lines:
                    if line.get("order_no") == sale.order_no:
                        break
            confirmed.append(time.perf_counter() - begin)
            for sample, samples in ((flush, flushes), (trip, trips)):
                await asyncio.sleep(PAUSE_S)
                samples.append(sample())
    return Latency(*(statistics.median(samples[WARM_UP:]) for samples in (confirmed, flushes, trips)))


@dataclass(frozen=True, slots=True)
class Live:
    """Events a second from commit to central's word, CPU seconds of the agent's process for 10,000, the raw rows/s."""

    events_per_s: float
    cpu_per_10k: float
    raw_rows_per_s: float


async def live(folder: Path) -> Live:
    """Record events in groups of 50 and carry them home at the same time."""
    store = VirtualStore(folder)
    async with AsyncExitStack() as stack:
        stack.enter_context(store.broker)
        await _central(stack, store, "--quiet")
        async with _agent(folder / "state", store.broker.port) as (storage, sync):
            await _record(storage, 500)
            await _until_delivered(sync)
            cpu, begin = time.process_time(), time.perf_counter()
            async with asyncio.TaskGroup() as producers:
                for _ in range(PRODUCERS):
                    producers.create_task(_record(storage, LIVE_EVENTS // PRODUCERS))
            await _until_delivered(sync)
            elapsed, cpu = time.perf_counter() - begin, time.process_time() - cpu
    raw = limits.rows_per_s(folder, encode_events([envelope(_draft(), ORIGIN, 1, golden.RECORDED)]), GROUP)
    return Live(LIVE_EVENTS / elapsed, cpu / LIVE_EVENTS * 10_000, raw)


@dataclass(frozen=True, slots=True)
class Drain:
    """Events a second of a backlog carried home, and how much memory that took beyond what was there before, in MB."""

    events_per_s: float
    growth_mb: float


async def drain(folder: Path, events: int) -> Drain:
    """Record a backlog without a link, then connect."""
    store = VirtualStore(folder)
    async with AsyncExitStack() as stack:
        stack.enter_context(store.broker)
        async with _agent(folder / "state", store.broker.port, connect=False) as (storage, _):
            await _record(storage, events)
        await _central(stack, store, "--quiet")
        before = _peak_rss_mb(reset=True)
        begin = time.perf_counter()
        async with _agent(folder / "state", store.broker.port) as (_, sync):
            await _until_delivered(sync)
            elapsed = time.perf_counter() - begin
            growth = _peak_rss_mb() - before
    return Drain(events / elapsed, growth)


@dataclass(frozen=True, slots=True)
class Idle:
    """Share of one core and resident memory (MB) of the real agent with four serial devices and nothing to do."""

    core_share: float
    rss_mb: float


async def idle(folder: Path) -> Idle:
    """Run the agent with four silent ports for a while."""
    store = VirtualStore(folder)
    cables = [Cable(folder / f"till-{number}") for number in range(1, 5)]
    devices = "".join(
        f'\n[[device]]\nid = "printer-{number}"\nkind = "serial"\ntouchpoint = "till-1"\n'
        f'port = "till-{number}"\ndecoder = "escpos"\n'
        for number in range(2, 5)
    )
    async with AsyncExitStack() as stack:
        stack.enter_context(store.broker)
        store.configure(store=STORE_TOML + devices)
        for cable in cables:
            stack.callback(cable.close)
            cable.plug()
        central = await _central(stack, store)
        agent = await _process(stack, store)
        await cables[0].write(encode(ring_up(random.Random(1), "zh-retail", "1", datetime(2026, 11, 22, tzinfo=UTC))))
        await central.first("order_no", "1")
        await asyncio.sleep(3)
        before = cpu_s(agent.process.pid)
        await asyncio.sleep(IDLE_S)
        share = (cpu_s(agent.process.pid) - before) / IDLE_S
        rss = status_kb(agent.process.pid, "VmRSS") / 1024
    return Idle(share, rss)


async def _central(stack: AsyncExitStack, store: VirtualStore, *options: str) -> Part:
    """Start head office; it is stopped with ``stack``, whatever happens."""
    central = await store.start_central(*options)
    stack.push_async_callback(central.stop)
    return central


async def _process(stack: AsyncExitStack, store: VirtualStore) -> Part:
    """Start the real agent; it is stopped with ``stack``, whatever happens."""
    agent, _ = await store.start_agent()
    stack.push_async_callback(agent.stop)
    return agent


@asynccontextmanager
async def _agent(state_dir: Path, port: int, *, connect: bool = True) -> AsyncIterator[tuple[Storage, Sync]]:
    clock = Clock()
    health = Health(clock)
    async with Storage.open(state_dir, ORIGIN, clock, health, StorageSettings(), None) as storage:
        sync = Sync(storage, TOPICS, health, clock)
        settings = UplinkSettings("127.0.0.1", port, TOPICS.client_id)
        uplink = Uplink(settings, TOPICS, health, clock, lambda: storage.epoch)
        async with asyncio.TaskGroup() as parts:
            running = [parts.create_task(storage.run())]
            if connect:
                running.append(parts.create_task(uplink.run(sync.run)))
            yield storage, sync
            for task in reversed(running):
                task.cancel()


async def _record(storage: Storage, events: int) -> None:
    for _ in range(events // GROUP):
        await storage.commit(Outcome(tuple(_draft() for _ in range(GROUP))))


def _draft() -> Draft:
    return Draft(
        uuid7(golden.HAPPENED.wall_ms), Stream.ORDERS, "o2o.order.completed.v1", golden.HAPPENED,
        golden.order("sale", 1),
        "till-1-printer", "order/1", "sh-0001/till-1",
    )  # fmt: skip


async def _until_delivered(sync: Sync) -> None:
    while not await sync.delivered(within_s=5.0):
        await asyncio.sleep(0.01)  # not connected yet


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def status_kb(pid: int | str, field: str) -> int:
    text = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(next(line for line in text.splitlines() if line.startswith(field)).split()[1])


def _peak_rss_mb(*, reset: bool = False) -> float:
    """Return this process's peak resident memory; ``reset``: begin a new peak at what is resident now (proc(5))."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5", "ascii")
        return status_kb("self", "VmRSS") / 1024
    return status_kb("self", "VmHWM") / 1024
