"""People in the whole agent: a tap's way to the disk, a crowd on the air, and a reader that nobody uses."""

import asyncio
import random
import statistics
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from edge_agent.clock import Clock
from edge_agent.contract.events import CloudEvent
from edge_agent.simulator import central_reading
from edge_agent.simulator.virtual_store import PEOPLE_TOML, SDM_KEYS, STORE_TOML, Part, VirtualStore
from tests.bench.whole import IDLE_S, WAIT_S, cpu_s

TAPS = 25
WARM_UP = 3
HOLD_S = 0.5  # a card lies there, and is away, for longer than it takes to notice either
DEVICES, RATE, FLOOD_S = 500, 2_000, 10


@dataclass(frozen=True, slots=True)
class Crowd:
    """Share of one core of the whole agent while a crowd advertises, and what was sent and never arrived."""

    core_share: float
    sent: int
    lost: int


async def tap_to_recorded_s(folder: Path) -> float:
    """Return the median seconds from a card laid on the reader to its check-in's time of recording."""
    clock, rng = Clock(), random.Random(1)
    laid: list[int] = []
    async with AsyncExitStack() as stack:
        store, reader, _, _ = await _store(stack, folder)
        for number in range(WARM_UP + TAPS):
            tag = {"kind": "sdm", "uid": f"04{rng.randbytes(6).hex()}", **SDM_KEYS, "url": "https://o2o.example/m"}
            await asyncio.sleep(HOLD_S + rng.random() * 0.1)  # no rhythm with the reader's own polls
            laid.append(clock.now().wall_ms)
            reader.tell("put", tag=tag)
            async with asyncio.timeout(WAIT_S):
                while len(_checkins(store)) <= number:
                    await asyncio.sleep(0.02)
            await asyncio.sleep(HOLD_S)
            reader.tell("take")
        recorded = [_recorded_ms(event) for event in _checkins(store)]
    return statistics.median(done - begun for begun, done in list(zip(laid, recorded, strict=True))[WARM_UP:]) / 1000


async def crowd(folder: Path) -> Crowd:
    """Have 500 devices send 2,000 advertisements a second."""
    async with AsyncExitStack() as stack:
        _, _, bluez, (agent, url) = await _store(stack, folder)
        await asyncio.sleep(2)
        before, received = cpu_s(agent.process.pid), await _received(url)
        bluez.tell("flood", devices=DEVICES, rate=RATE, seconds=FLOOD_S, seed=1)
        async with asyncio.timeout(FLOOD_S + WAIT_S):
            sent = int((await bluez.first("did", "flood"))["heard"])
        await asyncio.sleep(1)
        share = (cpu_s(agent.process.pid) - before) / FLOOD_S
        return Crowd(share, sent, sent - (await _received(url) - received))


async def idle_share(folder: Path) -> float:
    """Return the share of one core of the agent with one reader and one radio and nobody there."""
    async with AsyncExitStack() as stack:
        _, _, _, (agent, _) = await _store(stack, folder)
        await asyncio.sleep(3)
        before = cpu_s(agent.process.pid)
        await asyncio.sleep(IDLE_S)
        return (cpu_s(agent.process.pid) - before) / IDLE_S


async def _store(stack: AsyncExitStack, folder: Path) -> tuple[VirtualStore, Part, Part, tuple[Part, str]]:
    store = VirtualStore(folder)
    stack.enter_context(store.broker)
    stack.enter_context(store.bus)
    store.configure(store=STORE_TOML + PEOPLE_TOML)
    parts = [await store.start_central("--quiet"), await store.start_reader(), await store.start_bluez()]
    for part in parts:
        stack.push_async_callback(part.kill)
    agent, url = await store.start_agent()
    stack.push_async_callback(agent.stop)
    return store, parts[1], parts[2], (agent, url)


def _checkins(store: VirtualStore) -> list[central_reading.HeldEvent]:
    return central_reading.events(store.database, "o2o.checkin.")


def _recorded_ms(event: central_reading.HeldEvent) -> int:
    recorded = msgspec.json.decode(event.body, type=CloudEvent).recordedtime
    return round(datetime.fromisoformat(recorded).timestamp() * 1000)


async def _received(url: str) -> int:
    """Return how many advertisements the agent has taken from its radio."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}metrics") as response:
        text = await response.text()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return int(sum(s.value for s in samples if s.labels.get("what") == "received"))
