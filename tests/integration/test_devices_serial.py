"""The serial device on real pseudo-terminals."""

import asyncio
import fcntl
import os
import random
import sys
import termios
import tracemalloc
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import cast

import pytest

from edge_agent.clock import Clock
from edge_agent.config.devices import SerialSettings
from edge_agent.devices import create
from edge_agent.devices.line import ROOM, SLICE, Start
from edge_agent.devices.serial import SerialDevice
from edge_agent.errors import DeviceError
from tests.support.devices import SEED, LineDecoder, MemoryJournal, Recorder, States, supervised
from tests.support.pty import Cable

FLOOD = 16 << 20
HOLD = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    cable = Cable(tmp_path / "till")
    yield cable
    cable.close()


class Bench:
    """A device and everything around it."""

    def __init__(self, cable: Cable, *, start: Start | None = None, line: dict[str, object] | None = None) -> None:
        self.cable = cable
        self.emit = Recorder()
        self.states = States()
        self.journal = MemoryJournal()
        settings = SerialSettings.model_validate(
            {"id": "till-1", "touchpoint": "till-1", "kind": "serial", "port": str(cable.port), "decoder": "lines"}
            | (line or {})
        )
        self.device = cast(
            "SerialDevice",
            create(
                settings,
                lambda _: LineDecoder(),
                clock=Clock(),
                report=self.states,
                keep=lambda _: (self.journal, start or Start()),
            ),
        )

    def supervised(self) -> AbstractAsyncContextManager[None]:
        return supervised(self.device, self.emit)


async def test_what_arrived_before_the_port_was_opened_is_read(cable: Cable) -> None:
    cable.plug()
    await cable.write(b"while the agent was away\n")
    bench = Bench(cable)
    async with bench.supervised():
        await bench.states.until_last("up")
        await bench.emit.until(lambda: bench.emit.codes == ["while the agent was away"])


async def test_a_port_that_is_not_there_yet_is_read_once_it_is(cable: Cable) -> None:
    bench = Bench(cable)
    async with bench.supervised():
        await bench.states.until_last("missing")
        cable.plug()
        await cable.write(b"hello\n")
        await bench.emit.until(lambda: bench.emit.codes == ["hello"])
    assert bench.states.reasons == ["missing", "up"]


async def test_five_replugs_under_one_name_lose_nothing(cable: Cable) -> None:
    cable.plug()
    bench = Bench(cable)
    sent = []
    async with bench.supervised():
        for cycle in range(5):
            await bench.states.until_last("up")
            for number in range(200):
                sent.append(f"order {cycle}-{number}")
                await cable.write(sent[-1].encode() + b"\n")
            await bench.emit.until(lambda: bench.emit.codes == sent)
            cable.unplug()
            await bench.states.until_last("missing")
            cable.plug()
            sent.append(f"printed before it was opened again {cycle}")
            await cable.write(sent[-1].encode() + b"\n")
        await bench.emit.until(lambda: len(bench.emit.codes) >= len(sent))
    assert bench.emit.codes == sent
    assert bench.states.reasons == ["up", *["unplugged", "missing", "up"] * 5]


async def test_a_receipt_torn_by_a_short_unplug_is_put_together(cable: Cable) -> None:
    cable.plug()
    bench = Bench(cable, line={"idle_end": "30s"})
    async with bench.supervised():
        await bench.states.until_last("up")
        await cable.write(b"first half, ")
        await bench.journal.until(lambda: bench.journal.kept == b"first half, ")
        cable.unplug()
        cable.plug()
        await cable.write(b"second half\n")
        await bench.emit.until(lambda: bench.emit.codes == ["first half, second half"])


async def test_a_receipt_torn_by_an_unplug_is_completed_while_the_port_is_gone(cable: Cable) -> None:
    cable.plug()
    bench = Bench(cable, line={"idle_end": "200ms"})
    async with bench.supervised():
        await bench.states.until_last("up")
        await cable.write(b"first half")
        await bench.journal.until(lambda: bench.journal.kept == b"first half")
        cable.unplug()
        await bench.emit.until(lambda: bench.emit.codes == ["first half"])
    assert bench.states.reasons == ["up", "unplugged", "missing"]


async def test_a_port_locked_by_another_program_is_busy_until_it_is_free(cable: Cable) -> None:
    cable.plug()
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, str(cable.port), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    await holder.stdout.readline()
    bench = Bench(cable)
    async with bench.supervised():
        await bench.states.until_last("busy")
        holder.stdin.close()
        await cable.write(b"hello\n")
        await bench.emit.until(lambda: bench.emit.codes == ["hello"])
    await holder.wait()
    assert bench.states.reasons == ["busy", "up"]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become another user; the kernel lets root pass TIOCEXCL")
async def test_other_users_cannot_open_the_port_of_a_running_device(
    cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.serial_port._PSEUDO_TERMINALS", range(0))  # the pty stands for a real port
    cable.plug()
    bench = Bench(cable)
    async with bench.supervised():
        await bench.states.until_last("up")
        assert b"Device or resource busy" in await opened_by_nobody(cable)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become another user; the kernel lets root pass TIOCEXCL")
async def test_a_pseudo_terminal_can_be_opened_again_by_the_next_life_of_a_killed_agent(cable: Cable) -> None:
    cable.plug()
    bench = Bench(cable)
    async with bench.supervised():
        await bench.states.until_last("up")
        assert b"0 bytes copied" in await opened_by_nobody(cable)


async def opened_by_nobody(cable: Cable) -> bytes:
    slave = cable.port.resolve()
    slave.chmod(0o666)
    dd = await asyncio.create_subprocess_exec(
        "/bin/dd", f"if={slave}", "count=0", user=65534, stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await dd.communicate()
    return complaint


async def test_a_port_the_kernel_keeps_for_another_is_busy(cable: Cable, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(16, "Device or resource busy")  # TIOCEXCL does not bind root, and tests may run as root

    cable.plug()
    monkeypatch.setattr("serial.serialposix.os.open", refuse)
    with pytest.raises(DeviceError) as raised:
        await Bench(cable).device.run(Recorder())
    assert raised.value.reason == "busy"


async def test_a_file_that_is_no_port_is_refused(cable: Cable) -> None:
    cable.port.write_text("not a port")
    with pytest.raises(DeviceError, match="not a serial port") as raised:
        await Bench(cable).device.run(Recorder())
    assert raised.value.reason == "refused"


@pytest.mark.parametrize(
    "line", [{"parity": "E"}, {"bytesize": 7}, {"stopbits": 2}, {"rtscts": True}, {"baudrate": 12345}]
)
async def test_settings_that_a_port_cannot_take_do_not_keep_it_from_being_read(
    cable: Cable, line: dict[str, object]
) -> None:
    cable.plug()
    for _ in range(2):  # the second time nothing changes, which is when tcsetattr says EINVAL
        bench = Bench(cable, line=line)
        await cable.write(b"hello\n")
        async with bench.supervised():
            await bench.emit.until(lambda emit=bench.emit: emit.codes == ["hello"])  # type: ignore[misc]  # bound per turn


async def test_a_hang_up_ends_the_run_once_all_is_handed_over(cable: Cable) -> None:
    cable.plug()
    bench = Bench(cable)
    await cable.write(b"one\ntwo\n")
    async with asyncio.TaskGroup() as tasks:

        async def run() -> None:
            with pytest.raises(DeviceError) as raised:
                await bench.device.run(bench.emit)
            assert raised.value.reason == "unplugged"

        tasks.create_task(run())
        await bench.emit.until(lambda: bench.emit.codes == ["one", "two"])
        cable.unplug()


async def test_silence_ends_a_receipt_without_a_cut(cable: Cable) -> None:
    cable.plug()
    bench = Bench(cable, line={"idle_end": "50ms"})
    async with bench.supervised():
        await cable.write(b"no cut")
        await bench.emit.until(lambda: bench.emit.codes == ["no cut"])


async def test_noise_degrades_the_device_and_text_heals_it(cable: Cable) -> None:
    cable.plug()
    bench = Bench(cable)
    noise = random.Random(SEED)
    async with bench.supervised():
        for _ in range(40):
            await cable.write(noise.randbytes(64) + b"\xff\n")
        await bench.states.until_last("up", "unreadable")
        for number in range(200):
            await cable.write(f"order {number:020}\n".encode())
        await bench.states.until_last("up", "unreadable", "up")


async def test_a_slow_commit_loses_nothing(cable: Cable) -> None:
    cable.plug()
    bench = Bench(cable)
    sent = [f"{number:06} " + "x" * 90 for number in range(4000)]  # 390 KB: six times what a line holds
    bench.emit.gate.clear()
    async with bench.supervised(), asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(cable.write("".join(code + "\n" for code in sent).encode()))
        await bench.journal.until(lambda: len(bench.journal.kept) >= ROOM)
        await asyncio.sleep(0.05)  # time enough to read the rest ten times over
        assert len(bench.journal.kept) < ROOM + 2 * SLICE
        assert not writer.done()
        bench.emit.gate.set()
        await bench.emit.until(lambda: len(bench.emit.codes) == len(sent))
    assert bench.emit.codes == sent
    assert bench.journal.kept == b""


async def test_a_flood_is_reported_in_bounded_memory_and_the_loop_stays_free(cable: Cable) -> None:
    cable.plug()
    bench = Bench(cable)
    bench.emit = Forgetful()
    block = random.Random(SEED).randbytes(1 << 16).replace(b"\n", b"\xff")
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with bench.supervised(), asyncio.TaskGroup() as tasks:
        await bench.states.until_last("up")
        tracemalloc.start()
        other = tasks.create_task(others())
        for _ in range(FLOOD // len(block)):
            await cable.write(block)
        other.cancel()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert bench.states.reasons[-1] == "flooding"
        for _ in range(40):
            await cable.write(b"\n" + b"order 000000000\n" * 50)
        await bench.states.until_last("up")
    assert peak < 8 * ROOM
    assert turns > FLOOD // SLICE


class Forgetful(Recorder):
    """Counts what is handed over and keeps none of it."""

    async def __call__(self, observations: object, at: object, position: object = None) -> None:
        await asyncio.sleep(0)


async def test_stopping_reads_the_port_empty_into_the_journal(cable: Cable) -> None:
    cable.plug()
    bench = Bench(cable)
    async with bench.supervised():
        await bench.states.until_last("up")
        await asyncio.sleep(0)
        master_write = os.write(cable._master, b"one\nlast words")
        assert master_write == 14
    assert cable.unread() == 0
    assert bench.journal.kept.endswith(b"last words")

    again = Bench(cable, start=Start(bench.journal.begin, replay=bench.journal.kept))
    async with again.supervised():
        await cable.write(b" of the old agent\n")
        await again.emit.until(lambda: "last words of the old agent" in again.emit.codes)
    assert bench.emit.codes + again.emit.codes == ["one", "last words of the old agent"]


async def test_nothing_is_ever_written_to_the_line(cable: Cable) -> None:
    cable.plug()
    bench = Bench(cable)
    async with bench.supervised():
        await cable.write(b"\x10\x04\x01hello\n" * 10)
        await bench.emit.until(lambda: len(bench.emit.observations) == 10)
    with pytest.raises(BlockingIOError):
        os.read(cable._master, 1)


async def test_the_lock_ends_with_the_device(cable: Cable) -> None:
    cable.plug()
    bench = Bench(cable)
    async with bench.supervised():
        await bench.states.until_last("up")
    descriptor = os.open(cable.port, os.O_RDWR | os.O_NOCTTY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert termios.tcgetattr(descriptor)
    finally:
        os.close(descriptor)
