"""The simulated register, in its own process, and the serial device that reads it: their totals are equal."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from edge_agent.clock import Clock
from edge_agent.config.devices import SerialSettings
from edge_agent.decoders import escpos
from edge_agent.devices import create
from edge_agent.devices.line import Start
from edge_agent.observations import Receipt
from tests.support.devices import MemoryJournal, Recorder, States, supervised


@asynccontextmanager
async def register(link: Path, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "edge_agent.simulator.register", "--link", str(link), *options),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def told(process: asyncio.subprocess.Process, count: int) -> list[str]:
    """Return the next order numbers the register says it has printed."""
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(count)]
    return [json.loads(line)["order_no"] for line in lines]


def agent(link: Path, emit: Recorder, states: States, idle_end: str = "2s") -> AbstractAsyncContextManager[None]:
    settings = SerialSettings.model_validate(
        {
            "id": "till",
            "touchpoint": "till",
            "kind": "serial",
            "port": str(link),
            "decoder": "escpos",
            "idle_end": idle_end,
        }
    )
    device = create(
        settings,
        lambda _: escpos.Decoder(escpos.Settings()),
        clock=Clock(),
        report=states,
        keep=lambda _: (MemoryJournal(), Start()),
    )
    return supervised(device, emit)


def printed(emit: Recorder) -> list[str]:
    """Return the order numbers in the QR codes of what was read."""
    return [code for receipt in emit.observations if isinstance(receipt, Receipt) for code in receipt.barcodes]


@pytest.mark.parametrize("style", ["zh-retail", "mixed"])
async def test_every_receipt_is_read_across_unplugs(tmp_path: Path, style: str) -> None:
    emit, states = Recorder(), States()
    options = ("--count", "12", "--interval", "0", "--replug", "5", "--style", style)
    async with register(tmp_path / "till", *options) as process, agent(tmp_path / "till", emit, states):
        sold = await told(process, 12)
        await emit.until(lambda: len(printed(emit)) >= 12)
    assert printed(emit) == sold
    assert states.reasons.count("unplugged") == 2
    assert all(isinstance(observation, Receipt) and not observation.flags for observation in emit.observations)


async def test_what_is_printed_while_no_agent_runs_waits_in_the_port(tmp_path: Path) -> None:
    emit, states = Recorder(), States()
    async with register(tmp_path / "till", "--count", "3", "--interval", "0") as process:
        sold = await told(process, 3)
        async with agent(tmp_path / "till", emit, states):
            await emit.until(lambda: len(printed(emit)) >= 3)
    assert printed(emit) == sold


async def test_the_cable_is_pulled_and_put_back_by_signals(tmp_path: Path) -> None:
    emit, states = Recorder(), States()
    link = tmp_path / "till"
    async with register(link, "--count", "1", "--interval", "0") as process:
        await told(process, 1)
        async with agent(link, emit, states):
            await emit.until(lambda: len(printed(emit)) == 1)
            process.send_signal(signal.SIGUSR1)
            await states.until_last("missing")
            assert not link.is_symlink()
            process.send_signal(signal.SIGUSR2)
            await states.until_last("up")
    assert process.returncode == 0
    assert not link.is_symlink()


async def test_sigterm_lets_the_receipt_in_hand_be_finished(tmp_path: Path) -> None:
    emit, states = Recorder(), States()
    link = tmp_path / "till"
    async with register(link, "--baudrate", "19200", "--interval", "0") as process, agent(link, emit, states):
        sold = await told(process, 1)
        process.terminate()
        assert process.stdout is not None
        rest = (await process.stdout.read()).splitlines()
        sold += [json.loads(line)["order_no"] for line in rest]
        await emit.until(lambda: len(printed(emit)) >= len(sold))
    assert printed(emit) == sold
    assert len(sold) <= 2
    assert all(isinstance(observation, Receipt) for observation in emit.observations)
