"""Devices whose hardware, or service, neither works nor fails: every call into it hangs."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from edge_agent import serial_port
from edge_agent.clock import Clock
from edge_agent.config.devices import SerialSettings
from edge_agent.devices import create
from edge_agent.devices.line import Start
from tests.support.broker import until
from tests.support.devices import LineDecoder, MemoryJournal, Recorder, States, supervised
from tests.support.pty import Cable
from tests.support.stuck import StuckFolder


class Till:
    """A serial device and everything around it."""

    def __init__(self, port: Path) -> None:
        self.emit = Recorder()
        self.states = States()
        settings = SerialSettings(id="till-1", touchpoint="till-1", kind="serial", port=str(port), decoder="lines")
        self.device = create(
            settings,
            lambda _: LineDecoder(),
            clock=Clock(),
            report=self.states,
            keep=lambda _: (MemoryJournal(), Start()),
        )

    def supervised(self) -> AbstractAsyncContextManager[None]:
        return supervised(self.device, self.emit)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_port, "HUNG_S", 0.3)


@pytest.fixture
def stuck(tmp_path: Path) -> Iterator[StuckFolder]:
    folder = StuckFolder(tmp_path / "dev")
    yield folder
    folder.release()


def threads() -> int:
    return sum(thread.name == "serial-port" for thread in threading.enumerate())


async def test_a_port_that_hangs_when_it_is_opened(tmp_path: Path, stuck: StuckFolder) -> None:
    """The other till is read meanwhile; one thread waits, however often it is tried, and by whomever."""
    sound, cable = Cable(tmp_path / "sound"), Cable(tmp_path / "dev" / "till")
    sound.plug()
    other, till, again = Till(sound.port), Till(cable.port), Till(cable.port)
    try:
        async with other.supervised(), till.supervised(), again.supervised():
            await till.states.until_last("hung")
            await again.states.until_last("hung")
            await sound.write(b"sold meanwhile\n")
            await other.emit.until(lambda: other.emit.codes == ["sold meanwhile"])
            assert threads() == 1
        async with till.supervised():
            stuck.release()
            await till.states.until_last("hung", "missing")
            cable.plug()
            await till.states.until_last("up")
            await cable.write(b"back\n")
            await till.emit.until(lambda: till.emit.codes == ["back"])
    finally:
        cable.close()
        sound.close()


async def test_stopping_does_not_wait_for_a_port_that_hangs(tmp_path: Path, stuck: StuckFolder) -> None:
    till = Till(tmp_path / "dev" / "till")
    async with asyncio.timeout(20):
        async with till.supervised():
            await till.states.until_last("hung")
        assert threads() == 1
        stuck.release()
        while threads():
            await asyncio.sleep(0.01)


async def test_a_port_is_closed_while_another_call_to_it_hangs(tmp_path: Path) -> None:
    cable = Cable(tmp_path / "till")
    cable.plug()
    settings = SerialSettings(id="till-1", touchpoint="till-1", kind="serial", port=str(cable.port), decoder="lines")
    port = await serial_port.opened(settings)
    released = threading.Event()
    serial_port._thread(settings.port).start(released.wait)
    serial_port.close(port)
    await until(lambda: not port.is_open)
    released.set()
    cable.unplug()
