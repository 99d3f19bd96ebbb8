"""An NFC reader that is pulled out, hangs or talks nonsense, and works again: the real nfcpy, under supervision."""

import asyncio
import os
import termios
import threading
from pathlib import Path

import pytest

from edge_agent.devices.nfc.driver import open_reader
from tests.support.devices import supervised
from tests.support.nfc import OTHER_UID, UID, Till, till
from tests.support.pn532 import reader

# What nfcpy makes of each of the simulator's faults, once it is no single slip.
FAULTS = {
    "hang": "no_reply",
    "no_reply": "no_reply",
    "short_frame": "protocol",
    "bad_checksum": "protocol",
    "error_frame": "protocol",
    "slow_ack": "no_reply",
}


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def threads(name: str = "nfc-") -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(name)]


async def works(at: Till) -> None:
    """See that a tag is read and seen to go."""
    read = await at.tap("ntag213", uid=OTHER_UID, text="x")
    assert read.uid == bytes.fromhex(OTHER_UID)
    assert await at.take() == bytes.fromhex(OTHER_UID)


@pytest.mark.parametrize("fault", FAULTS)
async def test_one_slip_costs_nothing_and_a_lasting_fault_ends_with_it(tmp_path: Path, fault: str) -> None:
    async with till(tmp_path) as at:
        await at.simulated.do("fault", name=fault, count=1)
        async with asyncio.timeout(20):
            while "spurious" not in at.counts:
                await asyncio.sleep(0.01)
        await works(at)
        assert at.states.reasons == ["up"]
        await at.simulated.do("fault", name=fault)
        await at.states.until(lambda: at.states.reasons[1:2] == [FAULTS[fault]])
        await at.simulated.do("clear")
        await at.states.until_last("up")
        await works(at)
        assert at.counts["reopened"] == 1


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_slip_in_the_middle_of_a_tag_costs_a_look(tmp_path: Path, fault: str) -> None:
    async with till(tmp_path) as at:
        await at.simulated.put("ntag213", uid=UID, text="x" * 100)
        await at.simulated.wait_for("tap")
        await at.simulated.do("fault", name=fault, count=1)
        await at.recorder.until(lambda: len(at.reads) == 1)
        assert at.reads[0].ndef is not None
        await at.take()
        assert at.states.reasons == ["up"]


@pytest.mark.parametrize("fault", ["hang", "bad_checksum"])
async def test_a_fault_while_a_tag_lies_there_neither_repeats_nor_loses_it(tmp_path: Path, fault: str) -> None:
    async with till(tmp_path) as at:
        await at.tap("type4", uid=UID, text="x")
        await at.simulated.do("fault", name=fault)
        await at.states.until(lambda: at.states.reasons[1:2] == [FAULTS[fault]])
        await at.simulated.do("clear")
        await at.states.until_last("up")
        await at.looks(6)
        assert (len(at.reads), at.gone) == (1, [])
        assert await at.take() == bytes.fromhex(UID)
        await works(at)


async def test_pulled_out_and_put_back_it_reads_again(tmp_path: Path) -> None:
    async with till(tmp_path) as at:
        await at.simulated.do("unplug")
        await at.states.until_last("unplugged", "missing")
        await at.simulated.do("plug")
        await at.states.until_last("up")
        await works(at)
        assert at.counts["reopened"] == 1


async def test_pulled_out_under_a_tag_it_says_so_once(tmp_path: Path) -> None:
    async with till(tmp_path) as at:
        await at.tap("ntag213", uid=UID, text="x")
        await at.simulated.do("unplug")
        await at.states.until_last("unplugged", "missing")
        await at.simulated.do("plug")
        await at.states.until_last("up")
        await at.looks(6)
        assert (len(at.reads), at.gone) == (1, [])
        assert await at.take() == bytes.fromhex(UID)
        await at.tap("phone")
        await at.simulated.do("unplug")
        await at.states.until_last("unplugged", "missing")
        await at.simulated.do("take")
        await at.simulated.do("plug")
        await at.recorder.until(lambda: len(at.gone) == 2)
        await works(at)


async def test_a_chip_left_at_another_speed_is_fetched_back(tmp_path: Path) -> None:
    async with reader(tmp_path) as simulated:
        killed = open_reader(f"{simulated.path}:pn532", lambda: None)  # as by an agent that is killed then
        killed.device.chipset.transport.close()
        left = os.open(simulated.path, os.O_RDWR | os.O_NOCTTY)
        assert termios.tcgetattr(left)[4] == termios.B921600
        os.close(left)
        at = Till(simulated)
        async with supervised(at.device, at.recorder):
            await at.states.until_last("up")
            await works(at)
            assert at.states.reasons == ["up"]


async def test_a_port_that_is_not_there_and_one_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    odd = tmp_path / "x;touch trapped"
    odd.touch()
    async with reader(tmp_path) as simulated:
        for path, reason in (
            (f"{tmp_path}/none:pn532", "missing"),
            ("tty:no-such-port:pn532", "missing"),
            ("usb:ffff:ffff", "missing"),
            (f"{file}:pn532", "refused"),
            (f"{odd}:pn532", "refused"),  # nfcpy would give this to a shell
        ):
            at = Till(simulated, path=path)
            async with supervised(at.device, at.recorder):
                await at.states.until_last(reason)
            assert at.states.reasons == [reason]
            assert not Path("trapped").exists()


@pytest.mark.skipif(not os.access("/dev", os.W_OK), reason="needs to make a name in /dev")
async def test_a_name_in_dev_with_a_dash_is_found(tmp_path: Path) -> None:
    link = Path(f"/dev/nfc-test-{os.getpid()}")
    async with reader(tmp_path) as simulated:
        link.symlink_to(simulated.path)
        try:
            at = Till(simulated, path=f"tty:{link.name}:pn532")
            async with supervised(at.device, at.recorder):
                await at.states.until_last("up")
                await works(at)
        finally:
            link.unlink()


async def test_a_driver_that_hangs_is_given_up_and_taken_up_when_it_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.devices.nfc.uart.WRITE_S", None)  # pyserial's own: wait for ever
    monkeypatch.setattr("edge_agent.devices.nfc.device.HUNG_S", 0.5)
    monkeypatch.setattr("edge_agent.devices.nfc.device.STOP_S", 0.1)
    before = descriptors()
    async with till(tmp_path, name="stuck") as at:
        port = os.open(at.simulated.path, os.O_RDWR | os.O_NOCTTY)
        termios.tcflow(port, termios.TCOOFF)  # the line takes nothing any more
        await at.states.until_last("up", "hung")
        await asyncio.sleep(1)  # tried again and again
        assert len(threads()) == 1
        assert at.states.reasons == ["up", "hung"]
        termios.tcflow(port, termios.TCOON)
        os.close(port)
        await at.states.until_last("up")
        await works(at)
        assert len(threads()) == 1
    assert threads() == []
    assert descriptors() <= before


async def test_stopping_does_not_wait_for_a_driver_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.devices.nfc.uart.WRITE_S", None)
    monkeypatch.setattr("edge_agent.devices.nfc.device.STOP_S", 0.1)
    async with reader(tmp_path) as simulated:
        at = Till(simulated)
        async with supervised(at.device, at.recorder):
            await at.states.until_last("up")
            port = os.open(simulated.path, os.O_RDWR | os.O_NOCTTY)
            termios.tcflow(port, termios.TCOOFF)
            assert at.device._attempt is not None
            thread = at.device._attempt.thread
            before = -1
            while before != thread.beats:
                before = thread.beats
                await asyncio.sleep(0.5)
        assert thread.alive
        termios.tcflow(port, termios.TCOON)
        os.close(port)
        await asyncio.to_thread(thread.join, 20)
        assert not thread.alive


@pytest.mark.parametrize("fault", [None, "hang", "no_reply", "bad_checksum"])
async def test_stopping_leaves_neither_thread_nor_descriptor(tmp_path: Path, fault: str | None) -> None:
    async with reader(tmp_path) as simulated:
        before = descriptors()
        at = Till(simulated)
        async with supervised(at.device, at.recorder):
            await at.states.until_last("up")
            await at.tap("ntag213", uid=UID, text="x")
            if fault is not None:
                await simulated.do("fault", name=fault)
                await at.states.until(lambda: len(at.states.all) > 1)
        assert threads() == []
        assert descriptors() == before
        await simulated.do("clear")
        again = Till(simulated)
        async with supervised(again.device, again.recorder):
            await again.states.until_last("up")


async def test_hundreds_of_reopenings_leave_nothing_behind(tmp_path: Path) -> None:
    async with reader(tmp_path) as simulated:
        open_files = []
        for number in range(200):
            at = Till(simulated)
            async with supervised(at.device, at.recorder):
                await at.states.until_last("up")
                if number % 20 == 0:
                    await simulated.do("unplug")
                    await at.states.until_last("unplugged", "missing")
                    await simulated.do("plug")
                    await at.states.until_last("up")
            open_files.append(descriptors())
        assert open_files[-1] <= open_files[3]
        assert threads() == []
