"""Between the agent and a real broker, packet by packet: what a broker may do that Mosquitto never would."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_agent.uplink.wire import variable_length

Write = Callable[[bytes], None]
# MQTT 5, section 2.1.2: the upper half of a packet's first byte.
CONNACK, PUBLISH, PUBACK, SUBACK, DISCONNECT = 2, 3, 4, 9, 14


class Between:
    """Passes packets on to ``127.0.0.1:target``.

    ``instead``: what answers the next CONNECTs in the broker's place, before the line is closed. ``meddle``: what
    becomes of each packet of the broker: it is called with the packet and what writes to the agent.
    """

    def __init__(self, target: int) -> None:
        self.port = 0
        self.target = target
        self.connections = 0
        self.instead: bytes | None = None
        self.meddle: Callable[[bytes, Write], None] | None = None
        self._agents: set[asyncio.StreamWriter] = set()

    def say(self, packets: bytes) -> None:
        """Say something to the agent in the broker's name, and close the line behind it."""
        for writer in self._agents:
            writer.write(packets)
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        out: asyncio.StreamWriter | None = None
        try:
            if self.instead is not None:
                await _packet(reader)
                writer.write(self.instead)
                await writer.drain()
                return
            back, out = await asyncio.open_connection("127.0.0.1", self.target)
            self._agents.add(writer)
            async with asyncio.TaskGroup() as scope:
                scope.create_task(self._up(reader, out))
                scope.create_task(self._down(back, writer))
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._agents.discard(writer)
            for side in (writer, out):
                if side is not None:
                    side.close()

    async def _up(self, reader: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        while data := await reader.read(64 * 1024):
            out.write(data)
            await out.drain()
        raise ConnectionResetError

    async def _down(self, back: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def write(packet: bytes) -> None:
            if not writer.is_closing():
                writer.write(packet)

        while True:
            packet = await _packet(back)
            if self.meddle is None:
                write(packet)
            else:
                self.meddle(packet, write)
            await writer.drain()


@contextlib.asynccontextmanager
async def between(target: int) -> AsyncIterator[Between]:
    """Run one on a free loopback port."""
    middle = Between(target)
    server = await asyncio.start_server(middle.serve, "127.0.0.1", 0)
    middle.port = server.sockets[0].getsockname()[1]
    try:
        yield middle
    finally:
        server.close()
        middle.say(b"")
        await asyncio.sleep(0)


def kind(packet: bytes) -> int:
    """Return a packet's type."""
    return packet[0] >> 4


def connack(code: int, **properties: Any) -> bytes:
    """Return a CONNACK (MQTT 5, section 3.2) with properties by their names in paho."""
    packed = Properties(PacketTypes.CONNACK)  # type: ignore[no-untyped-call]  # paho's annotations end here
    for name, value in properties.items():
        setattr(packed, name, value)
    body: bytes = bytes((0, code)) + packed.pack()  # type: ignore[no-untyped-call]  # as above
    return bytes((CONNACK << 4,)) + variable_length(len(body)) + body


def disconnect(code: int) -> bytes:
    """Return a broker's DISCONNECT (MQTT 5, section 3.14)."""
    return bytes((DISCONNECT << 4, 2, code, 0))


async def _packet(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(1)
    length = shift = 0
    while True:
        head += (byte := await reader.readexactly(1))
        length |= (byte[0] & 0x7F) << shift
        shift += 7
        if byte[0] < 0x80:
            return head + await reader.readexactly(length)
