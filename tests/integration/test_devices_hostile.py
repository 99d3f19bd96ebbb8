"""Every decoder behind a real port, on a line that pauses at random and loses bytes in between."""

import asyncio
import random
from pathlib import Path
from typing import Any, cast

from edge_agent import decoders
from edge_agent.clock import Clock
from edge_agent.config.devices import line_model
from edge_agent.devices import create
from edge_agent.devices.line import Start
from edge_agent.devices.serial import SerialDevice
from edge_agent.observations import Observation
from tests.support.devices import SEED, MemoryJournal, Recorder, States, supervised
from tests.support.hostile import Good, chunked, goods, lossy
from tests.support.pty import Cable

# Silence that ends a record. Pauses stay far below it; between records it is kept.
IDLE_MS = 400
PAUSE_S = 0.003


async def heard_through_a_port(good: Good, cable: Cable, rng: random.Random) -> tuple[list[Observation], list[Any]]:
    """Return what a device says of the stream after bad ones, and what it should say."""
    settings = line_model("serial", good.decoder).model_validate(
        {
            "id": "line",
            "touchpoint": "till-1",
            "kind": "serial",
            "port": str(cable.port),
            "decoder": good.decoder,
            "idle_end": f"{IDLE_MS}ms",
            **good.settings,
        }
    )
    emit, states, journal = Recorder(), States(), MemoryJournal()
    device = cast(
        "SerialDevice",
        create(
            settings,
            lambda line: decoders.create(good.decoder, line),
            clock=Clock(),
            report=states,
            keep=lambda _: (journal, Start()),
        ),
    )
    async with supervised(device, emit):
        await states.until_last("up")
        for data in (good.data, good.data, lossy(good.data, rng), good.data):
            await say(cable, data, rng)
            await silence(journal)
        before = len(emit.observations)
        await say(cable, good.data, rng)
        await emit.until(lambda: len(emit.observations) >= before + len(good.said))
        await silence(journal)
    return emit.observations[before:], good.said


async def say(cable: Cable, data: bytes, rng: random.Random) -> None:
    """Write as a register does that has other things to do."""
    for piece in chunked(data, rng, 60):
        await cable.write(piece)
        await asyncio.sleep(rng.random() * PAUSE_S)


async def silence(journal: MemoryJournal) -> None:
    """Wait until silence has ended what was under way: the line holds nothing any more."""
    await journal.until(lambda: bool(journal.kept) or journal.begin > 0)
    await asyncio.sleep(1.5 * IDLE_MS / 1000)


async def test_every_decoder_reads_on_rightly_behind_a_port_that_loses_bytes(tmp_path: Path) -> None:
    print("seed", SEED)  # noqa: T201 - pytest shows it where the test fails
    streams = [goods(name, 1)[0] for name in decoders.names()]
    cables = [Cable(tmp_path / f"port-{index}") for index in range(len(streams))]
    found = []
    try:
        for cable in cables:
            cable.plug()
        async with asyncio.TaskGroup() as tasks:
            for index, (good, cable) in enumerate(zip(streams, cables, strict=True)):
                rng = random.Random(SEED + index)
                found.append(tasks.create_task(heard_through_a_port(good, cable, rng), name=good.decoder))
    finally:
        for cable in cables:
            cable.close()
    for task in found:
        seen, said = task.result()
        assert seen == said, task.get_name()
