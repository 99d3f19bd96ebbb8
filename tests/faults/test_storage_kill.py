"""kill -9 in the middle of everything: what was acknowledged is there, without a hole, state with its event."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from edge_agent.contract import data
from edge_agent.contract.events import Stream
from edge_agent.contract.frames import decode_events
from tests.support.storage import frames, held, running, told

KILLS = 20


def run_and_kill(state_dir: Path, first: int, lines: int, rng: random.Random) -> list[tuple[int, str]]:
    """Start a writer, let it acknowledge some events, kill it at a random moment; return what it acknowledged."""
    # In a file, not a pipe: a killed process has said what it has said.
    said = state_dir.parent / f"said-{first}"
    with said.open("wb") as out:
        command = [sys.executable, "-m", "tests.support.storage_writer", str(state_dir), str(first)]
        with subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2]) as process:
            deadline = time.monotonic() + 60
            while said.read_bytes().count(b"\n") < lines:
                assert process.poll() is None, "the writer ended by itself"
                assert time.monotonic() < deadline
                time.sleep(0.005)
            time.sleep(rng.random() * 0.01)
            process.kill()
    whole = said.read_bytes().rpartition(b"\n")[0].decode().splitlines()
    return [(int(number), name) for number, name in (line.split() for line in whole)]


async def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    seed = int(os.environ.get("STORAGE_SEED", "20261122"))
    rng = random.Random(seed)
    state_dir = tmp_path / "state"
    acknowledged: set[int] = set()
    for kill in range(KILLS):
        acknowledged |= {number for number, _ in run_and_kill(state_dir, kill * 100_000, rng.randrange(1, 60), rng)}
    async with running(state_dir) as storage:
        items = await held(storage, Stream.ORDERS)
        assert [item.last for item in items] == list(range(1, len(items) + 1))
        assert not any(item.gap for item in items)
        orders = [
            msgspec.json.decode(event.data, type=data.Order)
            for frame in await frames(storage, Stream.ORDERS)
            for event in decode_events(frame.body, frame.encoding)
        ]
        numbers = [int(str(found.order_no).removeprefix("20261122")) for found in orders]
        assert len(numbers) == len(set(numbers)), "recorded twice"
        assert acknowledged <= set(numbers), f"seed {seed}"
        state = storage.state("line")
        last_life = [number for number in numbers if number >= (KILLS - 1) * 100_000]
        assert {int(value) for value in state.values()} <= set(numbers), "state without its event"
        assert max(last_life) in {int(value) for value in state.values()}, "an event without its state"
        assert await told(storage, "o2o.agent.recovered.v1") == []
    assert len(acknowledged) > KILLS
