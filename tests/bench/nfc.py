"""What taps cost and how soon they are heard of: the real nfcpy, each simulated PN532 a process of its own."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from edge_agent.identities import ndef
from edge_agent.supervisor import supervise
from tests.support.nfc import Till
from tests.support.pn532 import reader

SEED = 20261122
TAPS, REPLUGS, READERS, IDLE_S = 40, 8, 4, 10.0
PHASE_S = 0.2  # hands keep no time with the reader's looks: longer than from one look to the next
AWAY_S = (0.5, 3.0)  # how long a plug is out
URL = "https://t.example.com/c?e=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086"  # as long as an SDM URL is
TAGS: tuple[dict[str, str], ...] = (
    {"kind": "ntag213", "uid": "04112233445566", "uri": URL},
    {"kind": "type4", "uid": "04AABBCCDDEEFF", "uri": URL},
    {"kind": "felica", "idm": "0102030405060708", "uri": URL},
    {"kind": "classic", "uid": "C1C2C3C4"},
)


@dataclass(frozen=True, slots=True)
class Taps:
    """Seconds from a tag's coming to its octets parsed on the event loop, and from its going to TagGone."""

    heard_s: Sequence[float]
    gone_s: Sequence[float]

    @property
    def detail(self) -> str:
        """Return what is behind the medians."""
        ordered = sorted(self.heard_s)
        return f"p95 {ordered[int(len(ordered) * 0.95)] * 1000:.0f} ms, {len(ordered)} taps of four kinds"


@asynccontextmanager
async def _running(folder: Path, name: str = "nfc-counter") -> AsyncIterator[Till]:
    """Run a reader and its device, supervised as the agent does it."""
    async with reader(folder, name=name) as simulated, asyncio.TaskGroup() as tasks:
        till = Till(simulated)
        device = till.device
        rng = random.Random(SEED)
        task = tasks.create_task(
            supervise(name, lambda: device.run(till.recorder), on_down=device.status.down, rng=rng)
        )
        await till.states.until_last("up")
        try:
            yield till
        finally:
            task.cancel()


async def taps(folder: Path) -> Taps:
    """Lay tags there and take them away, at random moments."""
    rng = random.Random(SEED)
    heard, gone = [], []
    async with _running(folder) as till:
        for number in range(TAPS):
            tag = TAGS[number % len(TAGS)]
            await asyncio.sleep(rng.uniform(0, PHASE_S))
            began = time.perf_counter()
            read = await till.tap(**tag)  # type: ignore[arg-type]  # a kind's own fields
            if read.ndef is not None:
                assert ndef.contents(read.ndef).uris == (URL,)
            heard.append(time.perf_counter() - began)
            await asyncio.sleep(rng.uniform(0, PHASE_S))
            began = time.perf_counter()
            await till.take()
            gone.append(time.perf_counter() - began)
    return Taps(heard, gone)


async def back_s(folder: Path) -> list[float]:
    """Return the seconds from a plug's being put back to the reader's working, pulled out for a while each time."""
    rng = random.Random(SEED)
    found = []
    async with _running(folder) as till:
        for _ in range(REPLUGS):
            await till.simulated.do("unplug")
            await till.states.until_last("unplugged", "missing")
            await asyncio.sleep(rng.uniform(*AWAY_S))
            began = time.perf_counter()
            await till.simulated.do("plug")
            await till.states.until_last("up")
            found.append(time.perf_counter() - began)
    return found


async def idle_share(folder: Path) -> float:
    """Return the share of a core that a reader with nothing on it costs, the event loop's included."""
    async with AsyncExitStack() as stack:
        for number in range(READERS):
            await stack.enter_async_context(_running(folder, f"reader-{number}"))
        await asyncio.sleep(1)
        began, used = time.perf_counter(), time.process_time()
        await asyncio.sleep(IDLE_S)
        return (time.process_time() - used) / (time.perf_counter() - began) / READERS
