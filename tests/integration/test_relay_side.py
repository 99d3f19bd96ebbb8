"""One side of a relay while the other is away: what is kept, how long the register is held, what is lost and said."""

import asyncio
import random
from pathlib import Path

import pytest

from edge_agent.relay import side as sides
from edge_agent.relay.ends import SerialEnd, TcpEnd
from edge_agent.relay.settings import SerialLine, TcpAddress
from edge_agent.relay.side import Side
from tests.support.devices import SEED, Watched
from tests.support.pty import Cable
from tests.support.relay import CablePrinter

KEPT = 1000


class Sides(Watched):
    """A register and a printer, wired as in a relay."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.register = Side("register", SerialEnd(SerialLine(str(folder / "till"), 9600)), self._pass, self.changed)
        line = SerialLine(str(folder / "printer"), 9600)
        self.printer = Side("printer", SerialEnd(line), self.register.write, self.changed)
        self.register.other, self.printer.other = self.printer, self.register

    def _pass(self, data: bytes) -> None:
        self.printer.write(data)
        self.changed()


async def test_a_register_is_held_for_a_while_and_then_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "HOLD", KEPT)
    monkeypatch.setattr(sides, "HELD_S", 0.3)
    sent = random.Random(SEED).randbytes(20_000)
    cable, printer = Cable(tmp_path / "till"), CablePrinter(tmp_path / "printer")
    cable.plug()
    try:
        both = Sides(tmp_path)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(side.keep_open()) for side in (both.register, both.printer)]
            writing = tasks.create_task(cable.write(sent))
            await both.until(lambda: both.printer.waiting >= KEPT)
            assert not writing.done()  # held
            assert both.printer.lost == 0
            await writing  # let go
            await both.until(lambda: both.printer.waiting + both.printer.lost == len(sent))
            kept = both.printer.waiting
            printer.plug()
            await printer.until(lambda: len(printer.printed) == kept)
            assert printer.printed == sent[:kept]
            await cable.write(b"after")
            await printer.until(lambda: printer.printed.endswith(b"after"))
            for task in running:
                task.cancel()
    finally:
        cable.close()
        printer.close()


async def test_a_printer_that_takes_nothing_but_answers_has_not_vanished() -> None:
    connected = asyncio.Event()
    holding: list[asyncio.StreamWriter] = []

    async def take_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport is no plain one
        holding.append(writer)
        connected.set()

    server = await asyncio.start_server(take_nothing, "127.0.0.1", 0, limit=1)
    end = TcpEnd(TcpAddress("127.0.0.1", server.sockets[0].getsockname()[1]))
    await end.open()
    await connected.wait()
    assert not end.vanished()
    end.close()
    assert not end.vanished()
    for writer in holding:
        writer.close()
    server.close()
    await server.wait_closed()
