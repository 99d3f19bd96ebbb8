"""A TCP proxy that misbehaves on request: cuts, stalls, swallows, delays."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from enum import StrEnum

_CHUNK = 4 * 1024
_BUFFER = 8 * 1024
_TICKS = 10  # a second, on a slow line


class Mode(StrEnum):
    FORWARD = "forward"
    STALL = "stall"  # nobody reads: the sender's socket fills up
    SWALLOW = "swallow"  # everything is read, nothing goes on: half-open, a black hole behind a router
    REFUSE = "refuse"  # connections are closed as soon as they are accepted


class Proxy:
    """Between a client and ``127.0.0.1:target``. ``mode`` may change at any time and holds for all connections."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.target = target
        self.connections = 0
        self.forwarded = bytearray()  # what clients sent, for proofs about what was never sent
        self.delay = 0.0
        self.bytes_per_second = 0  # of what clients send; 0: no limit
        self._current = Mode.FORWARD
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Event()

    @property
    def mode(self) -> Mode:
        return self._current

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._current = mode
        self._changed.set()
        self._changed = asyncio.Event()

    def cut(self) -> None:
        """End every connection abruptly."""
        for writer in self._writers:
            writer.transport.abort()

    def reset(self) -> None:
        """End every connection with RST: what was on its way is lost, on both sides."""
        for writer in self._writers:
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.cut()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.mode is Mode.REFUSE:
            writer.transport.abort()
            return
        self._writers.add(writer)
        out: asyncio.StreamWriter | None = None
        try:
            back, out = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers.add(out)
            async with asyncio.TaskGroup() as scope:
                scope.create_task(self._pump(reader, out, self.forwarded))
                scope.create_task(self._pump(back, writer, None))
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for side in (writer, out):
                if side is not None:
                    self._writers.discard(side)
                    side.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: bytearray | None) -> None:
        while True:
            while self.mode is Mode.STALL:
                await self._changed.wait()
            rate = self.bytes_per_second if record is not None else 0
            data = await reader.read(min(_CHUNK, rate // _TICKS) if rate else _CHUNK)
            if not data:
                raise ConnectionResetError
            if self.bytes_per_second and record is not None:
                await asyncio.sleep(len(data) / self.bytes_per_second)
            if self.delay:
                await asyncio.sleep(self.delay)
            if self.mode is Mode.SWALLOW:
                continue
            if record is not None:
                record += data
            writer.write(data)
            await writer.drain()


@contextlib.asynccontextmanager
async def proxied(
    target: int, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None, buffer: int = _BUFFER
) -> AsyncIterator[Proxy]:
    """Run a proxy in front of a loopback port; its connections are cut at the end, and nobody listens any more.

    ``host``, ``port``: where it listens, 0 for any free port. ``tls``: it ends TLS there, as a load balancer does.
    ``buffer``: bytes it takes before they go on, several times over: on a real slow line they wait at the sender's.
    """
    proxy = Proxy(target)
    listening = socket.create_server((host, port))
    # A small receive buffer, inherited by every connection: the sender feels the proxy's pace, not the kernel's.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    server = await asyncio.start_server(proxy.serve, sock=listening, limit=buffer, ssl=tls)
    proxy.port = listening.getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
        await asyncio.sleep(0)
