"""An NFC reader on a pseudo-terminal, a process of its own: a PN532 that speaks HSU frames, and tags to lay on it.

``python -m edge_agent.simulator.pn532 --link PATH`` makes a port, PATH a symbolic link to it, and prints ``{"ready":
true}``. It is told what to do by JSON lines on stdin, each answered on stdout by ``{"did": …}`` (with ``"error"`` where
it was refused):

- ``{"do": "put", "tag": {"kind": …}}``: lay a tag on the reader (``edge_agent.simulator.tags`` has the kinds);
  ``"leave_after": n`` takes it away in the middle of the exchange after the n-th;
- ``{"do": "take"}``: take it away;
- ``{"do": "unplug"}``, ``{"do": "plug"}``: pull the cable, put it back (a chip that was without power, another port
  behind the same link);
- ``{"do": "fault", "name": …, "count": n}``: misbehave for n commands, or until ``{"do": "clear"}``.

In between come ``{"tap": …}``, ``{"left": …}``, ``{"sdm": …}`` and ``{"gpio": …}`` (see the chip and the tags) and
``{"deaf": …}`` when the host speaks at another speed than the chip. It ends on SIGTERM or when stdin does.
"""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Literal

import msgspec

from edge_agent.simulator import pn532_frames as frames
from edge_agent.simulator.pn532_chip import Chip
from edge_agent.simulator.pn532_port import Port
from edge_agent.simulator.tags import Drawer, Spec

Fault = Literal["hang", "no_reply", "short_frame", "bad_checksum", "error_frame", "slow_ack"]
SLOW_ACK_S = 0.25  # nfcpy waits 0.1 s; the rest is a busy machine
SHORT_FRAME = 3  # bytes: less than nfcpy's first read wants


class Put(msgspec.Struct, tag="put", tag_field="do", forbid_unknown_fields=True):
    """Lay a tag on the reader."""

    tag: Spec
    leave_after: int | None = None


class Misbehave(msgspec.Struct, tag="fault", tag_field="do", forbid_unknown_fields=True):
    """Misbehave for ``count`` commands; None: until cleared."""

    name: Fault
    count: int | None = None


class Take(msgspec.Struct, tag="take", tag_field="do", forbid_unknown_fields=True):
    """Take the tag away."""


class Unplug(msgspec.Struct, tag="unplug", tag_field="do", forbid_unknown_fields=True):
    """Pull the cable."""


class Plug(msgspec.Struct, tag="plug", tag_field="do", forbid_unknown_fields=True):
    """Put the cable back."""


class Clear(msgspec.Struct, tag="clear", tag_field="do", forbid_unknown_fields=True):
    """Behave again."""


Order = Put | Misbehave | Take | Unplug | Plug | Clear


class Reader:
    """The chip behind its port: acknowledges, answers in the chip's time, misbehaves when told to."""

    def __init__(self, link: Path, *, any_speed: bool) -> None:
        self.port = Port(link, self._received)
        self.chip = Chip(tell)
        self._any_speed = any_speed
        self._drawer = Drawer(tell)
        self._splitter = frames.Splitter()
        self._pending: asyncio.TimerHandle | None = None
        self._last = b""
        self._deaf = False
        self._fault: Fault | None = None
        self._faults_left: int | None = None

    def obey(self, order: Order) -> None:
        """Do what a control line says. Raises ValueError for a tag that cannot be."""
        match order:
            case Put():
                self.chip.put(self._drawer.make(order.tag), order.leave_after)
            case Misbehave():
                self._fault, self._faults_left = order.name, order.count
            case Take():
                self.chip.take()
            case Unplug():
                self._abort()
                self.port.unplug()
            case Plug():
                if not self.port.plugged:
                    self.chip.power_up()
                    self._splitter = frames.Splitter()
                self.port.plug()
            case Clear():
                self._fault = None

    def _received(self, data: bytes) -> None:
        if not self._hears():
            return
        for frame in self._splitter.feed(data):
            if frame is frames.Signal.ACK:
                self._abort()
                self.chip.baudrate = self.chip.baudrate_wanted
            elif frame is frames.Signal.NACK:
                self.port.send(self._last)
            elif isinstance(frame, bytes):
                self._execute(frame)

    def _hears(self) -> bool:
        """Return whether the host's speed is the chip's: at another one, it hears noise."""
        speed = self.port.speed
        if self._any_speed or speed == self.chip.baudrate:
            heard = True
        else:
            # A pseudo-terminal does not say at which speed a byte was sent, and the host's ACK after a change of
            # speed may be lost in its own reopening of the port: what comes at the speed agreed upon confirms it.
            heard = speed == self.chip.baudrate_wanted
            if heard:
                self.chip.baudrate = speed
        if heard == self._deaf:
            self._deaf = not heard
            tell({"deaf": {"host": speed, "chip": self.chip.baudrate} if self._deaf else None})
        return heard

    def _execute(self, command: bytes) -> None:
        self._abort()
        fault = self._next_fault()
        if fault == "hang":
            return
        if fault != "slow_ack":
            self.port.send(frames.ACK)
        if fault == "no_reply":
            return
        self.chip.baudrate_wanted = self.chip.baudrate  # only an ACK right after it would have confirmed a change
        reply = self.chip.execute(command)
        answer = frames.ERROR if reply.data is None else frames.encode(reply.data)
        after_s = reply.after_s
        match fault:
            case "short_frame":
                answer = answer[:SHORT_FRAME]
            case "bad_checksum":
                answer = answer[:-2] + bytes([answer[-2] ^ 0xFF, 0])
            case "error_frame":
                answer = frames.ERROR
            case "slow_ack":
                answer = frames.ACK + answer
                after_s += SLOW_ACK_S
        self._pending = asyncio.get_running_loop().call_later(after_s, self._answer, answer)

    def _answer(self, frame: bytes) -> None:
        self._last = frame
        self.port.send(frame)

    def _next_fault(self) -> Fault | None:
        fault = self._fault
        if fault is not None and self._faults_left is not None:
            self._faults_left -= 1
            if self._faults_left <= 0:
                self._fault = None
        return fault

    def _abort(self) -> None:
        """Give up the command in hand: what the host's ACK and its next command do."""
        if self._pending is not None:
            self._pending.cancel()


def tell(document: dict[str, object]) -> None:
    """Print one JSON line."""
    print(json.dumps(document, ensure_ascii=False), flush=True)


async def _obey_stdin(reader: Reader) -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    decoder = msgspec.json.Decoder(Order)
    async for line in lines:
        try:
            order = decoder.decode(line)
            reader.obey(order)
        except ValueError as wrong:  # msgspec's errors are, too
            tell({"did": None, "error": str(wrong)})
        else:
            tell({"did": order.__struct_config__.tag})


async def _main(options: argparse.Namespace) -> None:
    reader = Reader(options.link, any_speed=options.any_speed)
    try:
        reader.port.plug()
        async with asyncio.TaskGroup() as tasks:
            obeying = tasks.create_task(_obey_stdin(reader))
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, obeying.cancel)
            loop.add_signal_handler(signal.SIGINT, obeying.cancel)
            tell({"ready": True})
    finally:
        reader.port.unplug()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m edge_agent.simulator.pn532", description=__doc__)
    parser.add_argument("--link", type=Path, required=True, help="the name of the port to make")
    parser.add_argument("--any-speed", action="store_true", help="understand the host at whatever baud rate")
    asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
