"""The power goes: whatever the disk then holds, the agent starts by itself and has all that it said was recorded."""

import asyncio
import os
import random
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from edge_agent.config.shelf import Shelf
from edge_agent.contract import data
from edge_agent.contract.events import Stream
from edge_agent.contract.frames import decode_events
from edge_agent.remote.commands.parcel import Parcel
from tests.support.matrix import Fault
from tests.support.powercut import MODES, Call, Disk, Mode, calls, recorder
from tests.support.shop import ShopUnderTest, until
from tests.support.storage import frames, held, of, order, running, told

LONG = int(os.environ.get("EDGE_AGENT_SEEDS", "0"))
STATES = 3 * LONG or 30
CUTS = LONG // 5 or 2  # with the whole agent
ORDERS = 100 if LONG else 25  # of each of three lines; the long form empties the write-ahead log meanwhile


@dataclass(slots=True)
class Relied:
    """What the writer had said by the moment of the cut."""

    recorded: set[int] = field(default_factory=set)
    sent: dict[str, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    shelf: int = 0
    parcels: set[str] = field(default_factory=set)

    @classmethod
    def on(cls, said: bytes) -> "Relied":
        relied = cls()
        for line in said.decode().splitlines():
            match line.split():
                case ["recorded", number]:
                    relied.recorded.add(int(number))
                case ["sent", epoch, sequence, name]:
                    relied.sent[epoch][int(sequence)] = name
                case ["shelf", version]:
                    relied.shelf = int(version)
                case ["parcel", name]:
                    relied.parcels.add(name)
        return relied


def recorded_writer(folder: Path) -> list[Call]:
    """Run the writer under the recorder."""
    with (folder / "said").open("wb") as said:
        writer = (sys.executable, "-m", "tests.support.power_writer", str(folder), str(ORDERS))
        command = [*recorder(folder / "log"), *writer]
        root = Path(__file__).parents[3]
        subprocess.run(command, stdout=said, stderr=subprocess.DEVNULL, cwd=root, check=True, timeout=300)
    return list(calls(folder / "log"))


@pytest.mark.fault("power", "cut at any moment: all that a disk may hold then, opened by the storage")
async def test_every_state_a_cut_leaves(tmp_path: Path, fault: Fault, rng: random.Random) -> None:
    record = await asyncio.to_thread(recorded_writer, tmp_path)
    whole = Disk(tmp_path / "state-before", tmp_path / "said", as_if=tmp_path / "state")
    changing = [number for number, call in enumerate(record) if whole.do(call)]
    whole.leave(tmp_path / "whole", "all", rng)
    for path in (tmp_path / "state").rglob("*"):
        if path.is_file():  # or the record says something else than what happened
            assert (tmp_path / "whole" / path.relative_to(tmp_path / "state")).read_bytes() == path.read_bytes(), path

    disk = Disk(tmp_path / "state-before", tmp_path / "said", as_if=tmp_path / "state")
    done = 0
    for number, cut in enumerate(sorted(rng.choices(changing, k=STATES))):
        for call in record[done : cut + 1]:
            disk.do(call)
        done = cut + 1
        left, mode = tmp_path / f"left-{number}", MODES[number % len(MODES)]
        disk.leave(left, mode, rng)
        relied = Relied.on(bytes(disk.said))
        try:
            recorded = await opened(left, relied)
        except Exception as error:
            raise AssertionError(f"cut {number} ({mode}) after call {cut} of {len(record)}: {left}") from error
        fault.kept(recorded=recorded, confirmed=recorded)
        shutil.rmtree(left)


async def opened(left: Path, relied: Relied) -> int:
    """Open what a cut has left, as the agent does; return how many events are there."""
    async with running(left) as storage:
        assert await told(storage, "o2o.agent.recovered.v1") == [], "a cut is no damage"
        items = await held(storage, Stream.ORDERS, after=0)
        assert not any(item.gap for item in items)
        assert [item.last for item in items] == list(range(1, len(items) + 1))
        bodies = [
            msgspec.json.decode(event.data, type=data.Order)
            for frame in await frames(storage, Stream.ORDERS)
            for event in decode_events(frame.body, frame.encoding)
        ]
        numbers = [int(str(body.order_no).removeprefix("20261122")) for body in bodies]
        assert len(numbers) == len(set(numbers)), "recorded twice"
        assert relied.recorded <= set(numbers), f"lost: {relied.recorded - set(numbers)}"
        positions = {int(value) for value in storage.state("line").values()}
        assert positions <= set(numbers), "a line's position without its event"
        assert relied.sent.keys() <= {storage.epoch}, "a new epoch, and what was sent in the old one is unknown"
        names = {item.last: item.id for item in items}
        assert relied.sent[storage.epoch].items() <= names.items(), "a sequence that the broker has seen came again"
        assert storage.watermark(Stream.ORDERS) <= len(items)
        await storage.captures()
        await storage.commit(of(order(999_999)))
    shelf = Shelf(left / "config")
    line = shelf.line()
    assert not shelf.damaged()
    assert line.version >= relied.shelf, f"config {relied.shelf} was on the shelf, now {line.version}"
    assert all(shelf.payload(config.sha256) for config in line.committed)
    for name in relied.parcels:
        parcel = Parcel.found(left / "outgoing" / name)
        assert parcel is not None, f"{name} was to go up"
        parcel.cut(1024)
        parcel.chunk()
    return len(items)


@pytest.mark.fault("power", "cut under the whole agent, with what was read and not yet recorded")
@pytest.mark.parametrize("number", range(CUTS))
async def test_cut_under_the_agent(
    shop: ShopUnderTest, fault: Fault, rng: random.Random, tmp_path: Path, number: int
) -> None:
    await shop.central()
    state, runtime, log = tmp_path / "state", tmp_path / "run", tmp_path / "log"
    runtime.mkdir()  # in memory, as systemd makes it
    env = {"RUNTIME_DIRECTORY": str(runtime)}
    disk = Disk(state)
    agent, _ = await shop.agent(env=env, wrapper=recorder(log))
    register = await shop.register("--interval=0.03", "--style=mixed", f"--seed={rng.randrange(10**6)}")
    await until(lambda: len(shop.printed) >= 10)
    safe = dict(shop.printed)
    await shop.until_status(lambda status: recorded_orders(status) >= len(safe))
    await until(lambda: safe.items() <= shop.held().items())
    if number % 2:
        shop.store.broker.kill()  # so that the disk alone has it
        more = len(shop.printed) + 20
        await until(lambda: len(shop.printed) >= more)
    await asyncio.sleep(rng.uniform(0, 0.5))
    await cut(agent.process.pid)
    await register.stop()
    if number % 2:
        shop.store.broker.restart(keep_memory=True)

    shutil.rmtree(state)
    shutil.rmtree(runtime)
    runtime.mkdir()
    for call in calls(log):
        disk.do(call)
    mode: Mode = rng.choice(MODES)
    disk.leave(state, mode, rng)
    printed = dict(shop.printed)
    recorded = await on_disk(tmp_path, state)
    await shop.agent(env=env)
    fault.mended()
    taken = {no: payable for no, payable in printed.items() if no not in recorded and no not in shop.held_loosely()}
    assert not taken.keys() & safe.keys(), f"{mode}: lost {taken.keys() & safe.keys()}, which were recorded"
    # What lay in the register's cable, or was read and not committed within its silence: the last ones, and few.
    assert list(taken) == list(printed)[len(printed) - len(taken) :], f"{mode}: not the last ones: {taken}"
    for lost in taken:
        del shop.printed[lost]
    await shop.sell(5, f"--first={len(printed) + 1}")
    await fault.settled(shop)
    assert shop.events("o2o.agent.recovered.v1") == [], mode


def recorded_orders(status: dict[str, object]) -> int:
    today = status["today"]
    assert isinstance(today, dict)
    return int(today["orders"] + today["returns"] + today["voids"])


async def cut(tracer: int) -> None:
    """End the recorder's agent, then the recorder with it."""
    children = Path(f"/proc/{tracer}/task/{tracer}/children").read_text("ascii").split()
    for child in children:
        os.kill(int(child), 9)
    await until(lambda: not any(Path(f"/proc/{child}/exe").exists() for child in children))


async def on_disk(tmp_path: Path, state: Path) -> set[str]:
    """Return the numbers of the orders that a state directory holds, looking at a copy."""
    copy = tmp_path / "copy"
    shutil.copytree(state, copy)
    async with running(copy) as storage:
        found = [
            msgspec.json.decode(event.data, type=data.Order).order_no
            for frame in await frames(storage, Stream.ORDERS)
            for event in decode_events(frame.body, frame.encoding)
            if event.type.startswith("o2o.order.")
        ]
    shutil.rmtree(copy)
    return {str(number) for number in found}
