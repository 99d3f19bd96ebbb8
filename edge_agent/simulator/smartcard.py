"""Cards on PC/SC readers that are not there: a process that speaks to pcscd's virtual reader, Debian's vsmartcard-vpcd.

``python -m edge_agent.simulator.smartcard`` prints ``{"ready": true}`` and is told what to do by JSON lines on stdin,
each answered on stdout by ``{"did": …}`` (with ``"error"`` where it was refused):

- ``{"do": "put", "tag": {"kind": …}}``: lay a tag on the reader (``tags/drawer.py`` has the kinds), on its
  slot 0 or ``"slot": n``; ``"leave_after": n`` takes it away in the middle of the exchange after the n-th;
- ``{"do": "take"}``: take it away;
- ``{"do": "fault", "name": …, "count": n}``: answer n APDUs with nonsense.

In between comes ``{"light": …}`` for each command to the reader's light. It ends when stdin does.

What stands in for the reader's own firmware here (answers to reset, ``FF`` commands) is PC/SC Part 3; the protocol is
vpcd's: a length of two bytes, then one byte of control (0 power off, 1 power on, 2 reset, 4 tell the answer to reset)
or an APDU.
"""

import argparse
import asyncio
import json
import random
import socket
import sys
from typing import Literal

import msgspec

from edge_agent.simulator.tags.drawer import Drawer, Spec, Tag
from edge_agent.simulator.tags.felica import Felica
from edge_agent.simulator.tags.type2 import Classic, Ntag213
from edge_agent.simulator.tags.type4 import Type4

PORT = 35963  # vpcd.h, VPCDPORT; the second slot has the next one
AGAIN_S = 0.02  # pcscd may be starting
POWER_OFF, POWER_ON, RESET, TELL_ATR = 0, 1, 2, 4
LIGHT = bytes.fromhex("FF0040")  # ACR122U API manual 2.04, 6.2
DONE, FAILED, UNKNOWN_CLASS = b"\x90\x00", b"\x63\x00", b"\x6e\x00"

Fault = Literal["garbage", "one_byte", "refused"]


class Put(msgspec.Struct, tag="put", tag_field="do", forbid_unknown_fields=True):
    """Lay a tag on the reader."""

    tag: Spec
    slot: int = 0
    leave_after: int | None = None


class Take(msgspec.Struct, tag="take", tag_field="do", forbid_unknown_fields=True):
    """Take the tag away."""

    slot: int = 0


class Misbehave(msgspec.Struct, tag="fault", tag_field="do", forbid_unknown_fields=True):
    """Answer ``count`` APDUs with nonsense."""

    name: Fault
    count: int
    slot: int = 0


Order = Put | Take | Misbehave


def answer_to_reset(tag: Tag) -> bytes:
    """Return what a reader makes up for a tag: PC/SC Part 3, 3.1.3.2.3."""
    match tag:
        case Ntag213():
            history = _storage(0x03, 0x0003)
        case Classic():
            history = _storage(0x03, 0x0001)
        case Felica():
            history = _storage(0x11, 0x003B)
        case Type4():
            history = b"\x80"  # of most cards' answer to select
    body = bytes([0x80 | len(history), 0x80, 0x01]) + history
    check = 0
    for byte in body:
        check ^= byte
    return b"\x3b" + body + bytes([check])


def _storage(standard: int, name: int) -> bytes:
    return bytes.fromhex("804F0CA000000306") + bytes([standard]) + name.to_bytes(2, "big") + bytes(4)


def answer(tag: Tag, apdu: bytes) -> bytes:
    """Return a tag's response to an APDU, or that of the reader in its stead."""
    if apdu == bytes.fromhex("FFCA000000"):
        return tag.uid + DONE
    if apdu.startswith(LIGHT):
        return DONE
    if isinstance(tag, Ntag213) and apdu[:2] == b"\xff\xb0" and len(apdu) == 5:
        tag.poll(tag.uid)  # a reader wakes a tag again that fell silent
        data = tag.exchange(b"\x30" + apdu[3:4]) or b""
        return data[: apdu[4]] + DONE if len(data) == 16 else FAILED
    if isinstance(tag, Type4) and apdu[:1] != b"\xff":
        return tag.process(apdu)
    return UNKNOWN_CLASS


class Slot:
    """One slot of the reader: connected to vpcd for as long as a card lies in it."""

    def __init__(self, port: int) -> None:
        self.fault: Fault | None = None
        self.faults = 0
        self._port = port
        self._rng = random.Random(port)  # noqa: S311 - nonsense, no secret

    async def hold(self, tag: Tag, leave_after: int | None) -> None:
        """Answer for the tag until it is taken away; a pcscd that was started again finds it there."""
        while True:
            with socket.socket() as line:
                line.setblocking(False)
                try:
                    await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", self._port))
                    if await self._serve(line, tag, leave_after):
                        return
                except (OSError, asyncio.IncompleteReadError):
                    pass
            await asyncio.sleep(AGAIN_S)

    async def _serve(self, line: socket.socket, tag: Tag, leave_after: int | None) -> bool:
        """Return True once the tag has left by itself."""
        reader, writer = await asyncio.open_connection(sock=line)
        apdus = 0
        try:
            while True:
                # vpcd waits for the acknowledgement of each message before it sends another one (tcp(7)).
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
                message = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
                if len(message) == 1:
                    reply = self._control(tag, message[0])
                else:
                    apdus += 1
                    if leave_after is not None and apdus > leave_after:
                        return True
                    if message.startswith(LIGHT):
                        _tell({"light": message.hex().upper()})
                    reply = self._nonsense() or answer(tag, message)
                if reply:
                    writer.write(len(reply).to_bytes(2, "big") + reply)
        finally:
            writer.close()

    def _control(self, tag: Tag, code: int) -> bytes:
        if code in (POWER_OFF, RESET):
            tag.power_off()
        return answer_to_reset(tag) if code == TELL_ATR else b""

    def _nonsense(self) -> bytes:
        if not self.faults:
            return b""
        self.faults -= 1
        match self.fault:
            case "one_byte":
                return b"\x90"
            case "refused":
                return FAILED
        return self._rng.randbytes(self._rng.randint(1, 64))


class Reader:
    """A reader of several slots."""

    def __init__(self, port: int, tasks: asyncio.TaskGroup) -> None:
        self._slots = [Slot(port), Slot(port + 1)]
        self._held: dict[int, asyncio.Task[None]] = {}
        self._tasks = tasks
        self._drawer = Drawer(_tell)

    async def obey(self, order: Order) -> None:
        """Do what a control line says. Raises ValueError for a tag or a slot that cannot be."""
        if not 0 <= order.slot < len(self._slots):
            raise ValueError(f"there is no slot {order.slot}")
        slot = self._slots[order.slot]
        match order:
            case Put():
                await self.take(order.slot)
                tag = self._drawer.make(order.tag)
                self._held[order.slot] = self._tasks.create_task(slot.hold(tag, order.leave_after))
            case Take():
                await self.take(order.slot)
            case Misbehave():
                slot.fault, slot.faults = order.name, order.count

    async def take(self, slot: int) -> None:
        """Take away what lies there."""
        if held := self._held.pop(slot, None):
            held.cancel()
            await asyncio.wait([held])


def _tell(document: dict[str, object]) -> None:
    print(json.dumps(document), flush=True)


async def _main(port: int) -> None:
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    decoder = msgspec.json.Decoder(Order)
    async with asyncio.TaskGroup() as tasks:
        reader = Reader(port, tasks)
        _tell({"ready": True})
        async for line in lines:
            try:
                order = decoder.decode(line)
                await reader.obey(order)
            except ValueError as wrong:  # msgspec's errors are, too
                _tell({"did": None, "error": str(wrong)})
            else:
                _tell({"did": order.__struct_config__.tag})
        for slot in (0, 1):
            await reader.take(slot)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m edge_agent.simulator.smartcard", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT, help="of vpcd's first slot")
    asyncio.run(_main(parser.parse_args().port))


if __name__ == "__main__":
    main()
