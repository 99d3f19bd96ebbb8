"""Messages to the bus, in order and never faster than it takes them."""

import asyncio
from contextlib import suppress

from dbus_fast import Message
from dbus_fast.aio import MessageBus

# dbus-fast 5.2 sends at once and gives the connection up when the socket is full (_MessageWriter.write_callback takes
# BlockingIOError for an error). A Unix socket's buffer holds 208 KiB (net.core.wmem_default), the kernel's own share
# of each message included; the longest adverts take 5 KiB of it.
_BATCH = 32


class Outbox:
    """Sends what is put in; ``run`` does it, until the bus is gone."""

    def __init__(self, bus: MessageBus) -> None:
        """``bus`` is connected."""
        self._bus = bus
        self._waiting: asyncio.Queue[Message] = asyncio.Queue()

    def put(self, message: Message) -> None:
        """Send a message after those put in before."""
        self._waiting.put_nowait(message)

    async def drained(self) -> None:
        """Wait until the bus has taken everything."""
        await self._waiting.join()

    async def run(self) -> None:
        """Send, until the bus is gone."""
        with suppress(OSError, EOFError):
            while True:
                await self._send(await self._batch())

    async def _batch(self) -> list[Message]:
        batch = [await self._waiting.get()]
        while len(batch) < _BATCH and not self._waiting.empty():
            batch.append(self._waiting.get_nowait())
        return batch

    async def _send(self, batch: list[Message]) -> None:
        for message in batch:
            sent = self._bus.send(message)
            if not sent.done():  # longer than the room there was: now the socket is full
                await sent
                await self._taken()
        await self._taken()
        for _ in batch:
            self._waiting.task_done()

    async def _taken(self) -> None:
        await self._bus.call(bus_call("org.freedesktop.DBus.Peer", "Ping"))


def bus_call(interface: str, member: str, signature: str = "", *body: object) -> Message:
    """Return a call of the bus daemon itself."""
    return Message(
        "org.freedesktop.DBus", "/org/freedesktop/DBus", interface, member, signature=signature, body=[*body]
    )
