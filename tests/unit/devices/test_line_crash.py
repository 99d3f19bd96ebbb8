"""An agent killed at any byte goes on from what it recorded and what its journal kept: none lost, none doubled."""

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import pytest

from edge_agent.clock import Clock, Moment
from edge_agent.decoders import escpos
from edge_agent.devices.line import Line, Position, Start
from edge_agent.devices.line_status import LineStatus
from edge_agent.observations import Observation, Receipt
from edge_agent.simulator.receipts import encode, ring_up
from tests.support.devices import MemoryJournal, Recorder

LIVES = 4
STREAMS = 30


class SlowDisk(Recorder):
    """Can be killed before a commit and after it."""

    async def __call__(self, observations: Sequence[Observation], at: Moment, position: Position | None = None) -> None:
        await asyncio.sleep(0)
        await super().__call__(observations, at, position)
        await asyncio.sleep(0)


class Tap:
    ended = False

    def resume(self) -> None:
        pass


async def live(journal: MemoryJournal, start: Start, data: bytes, rng: random.Random, *, kill: bool) -> Recorder:
    """One life of the agent: it reads ``data`` in pieces and is killed, perhaps while it commits."""
    emit, tap = SlowDisk(), Tap()
    status = LineStatus(lambda state: None, Clock(), rate=960)
    line = Line("till-1", escpos.Decoder(escpos.Settings()), status, idle_end=60, journal=journal, start=start)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(line.run(emit, tap))
        position = 0
        while position < len(data):
            size = rng.choice((1, 7, 64, 1000))
            line.receive(data[position : position + size])
            position += size
            if rng.random() < 0.5:
                await asyncio.sleep(0)
        if kill:
            for _ in range(rng.randrange(6)):
                await asyncio.sleep(0)
            task.cancel()
        else:
            tap.ended = True
            line.wake()
    return emit


def texts(observations: Sequence[Observation]) -> list[tuple[str, ...]]:
    return [observation.lines for observation in observations if isinstance(observation, Receipt)]


def receipts(rng: random.Random) -> list[bytes]:
    """Return receipts of three shops, and slips in a code page that was chosen once, before the first."""
    shops = ("zh-retail", "en-retail", "zh-restaurant")
    sold = [
        encode(ring_up(rng, rng.choice(shops), f"2026112200{n:04}", datetime(2026, 11, 22, 10, n))) for n in range(5)
    ]
    slips = [b"Caf\x82 %d\n\x1dVB\x00" % n for n in range(30)]
    return [*sold, b"\x1b@\x1c.\x1bt\x02" + slips[0], *slips[1:]]  # ESC t 2: CP850, where 82 is e acute


@pytest.mark.parametrize("seed", range(STREAMS))
async def test_killed_at_any_byte(seed: int) -> None:
    rng = random.Random(seed)
    printed = receipts(rng)
    stream = b"".join(printed)
    expected = texts(escpos.Decoder(escpos.Settings()).feed(stream))
    assert len(expected) == len(printed)
    assert expected[-1] == ("Café 29",)

    cuts = [0, *sorted(rng.randrange(len(stream)) for _ in range(LIVES - 1)), len(stream)]
    journal, start, recorded = MemoryJournal(), Start(), []
    for number, (begin, end) in enumerate(pairwise(cuts), 1):
        emit = await live(journal, start, stream[begin:end], rng, kill=number < LIVES)
        recorded += emit.observations
        if emit.positions:
            start = Start(emit.positions[-1].consumed, emit.positions[-1].modes)
        kept = journal.kept[start.consumed - journal.begin :]
        start = Start(start.consumed, start.modes, kept)
    assert texts(recorded) == expected
