"""A register or a serial device server on the network: the agent connects and reads."""

import asyncio
import os
import socket
from contextlib import suppress
from typing import cast

from aiohappyeyeballs import AddrInfoType, start_connection

from edge_agent.config.devices import TcpSettings
from edge_agent.devices.handover import Handover, key_of
from edge_agent.devices.line import ROOM, Emit, Line
from edge_agent.devices.line_status import LineStatus
from edge_agent.errors import DeviceError
from edge_agent.own_thread import OwnThread

# A SYN is sent at 0, 1, 3 and 7 s (Linux, RFC 6298): three lost ones are survived, a fourth is not waited for.
CONNECT_S = 8.0
# A peer that lost power says nothing: asked after 30 s of silence, then every 10 s, given up after three: one minute.
KEEPALIVE = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))


class TcpDevice:
    """Reads one TCP connection; never writes to it."""

    def __init__(self, settings: TcpSettings, line: Line, status: LineStatus, handover: Handover) -> None:
        self.name = settings.id
        self.status = status
        self._settings = settings
        self._line = line
        self._handover = handover
        self._connection: Connection | None = None
        self._resolver = OwnThread(f"resolve-{settings.id}")

    async def run(self, emit: Emit) -> None:
        """Read until the connection goes, then raise DeviceError ``disconnected``.

        Raises DeviceError ``refused``, ``timeout``, ``unknown_host`` or ``unreachable`` if there is none. Cancelled, it
        leaves the connection open for the next generation, if that wants it; else it reads it empty first.
        """
        key = key_of(self._settings)
        connection = self._handover.take(key, Connection)
        if connection is None:
            await self._line.catch_up(emit)
            connection = await self._connect()
        connection.line = self._line
        self._connection = connection
        is_left = False
        try:
            await self._line.catch_up(emit)
            connection.resume()
            self.status.up()
            await self._line.run(emit, connection)
        except asyncio.CancelledError:
            is_left = not connection.ended and self._handover.leave(key, connection, connection.close)
            raise
        finally:
            self._connection = None
            connection.pause()
            if not is_left:
                connection.close()
        raise DeviceError("disconnected", f"{self._address}: {connection.cause}")

    def hold(self) -> bool:
        """Read no more, if nothing is half read; return whether that is so."""
        if self._line.is_amid:
            return False
        if self._connection is not None:
            self._connection.pause()
        return True

    async def _connect(self) -> "Connection":
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                found = await start_connection(await self._resolve())
                _, connection = await loop.create_connection(lambda: Connection(self._line), sock=found)
        except TimeoutError:
            raise DeviceError("timeout", f"{self._address}: no answer; is it switched on?") from None
        except ConnectionRefusedError:
            raise DeviceError("refused", f"{self._address}: nothing listens on this port") from None
        except socket.gaierror as error:
            raise DeviceError("unknown_host", f"{self._address}: {error.strerror}") from None
        except OSError as error:
            raise DeviceError("unreachable", f"{self._address}: {error.strerror or error}") from None
        return connection

    async def _resolve(self) -> list[AddrInfoType]:
        if self._resolver.busy:
            raise DeviceError("unknown_host", f"{self._address}: the name server does not answer")
        host, port = self._settings.host, self._settings.port
        found = await self._resolver.run(
            lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), lambda _: None
        )
        return cast("list[AddrInfoType]", found)  # the same tuples: typeshed also knows of a Python without IPv6

    @property
    def _address(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"


class Connection(asyncio.Protocol):
    """Moves bytes from a connection to a line for as long as there is room."""

    def __init__(self, line: Line) -> None:
        self.ended = False
        self.cause = "closed by the other side"
        self.line = line
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Watch over a peer that may vanish without a word."""
        assert isinstance(transport, asyncio.Transport)  # asyncio's promise for TCP
        self._transport = transport
        raw: socket.socket = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVE:
            raw.setsockopt(socket.IPPROTO_TCP, option, value)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on; without room, let TCP hold the sender."""
        if not self.line.receive(data) and self._transport is not None:
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the line come to its end."""
        if exc is not None:
            self.cause = str(exc)
        self.ended = True
        self.line.wake()

    def pause(self) -> None:
        """Read no more until somebody goes on: what arrives waits in the kernel."""
        if self._transport is not None and not self.ended:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None and not self.ended:
            self._transport.resume_reading()

    def close(self) -> None:
        """Take what the kernel still holds, as much as two full lines of it, and drop the connection."""
        if self._transport is None:
            return
        if not self.ended and not self._transport.is_closing():
            raw: socket.socket = self._transport.get_extra_info("socket")
            taken = 0
            with suppress(OSError):  # there is no more, or nobody any more
                while taken < 2 * ROOM and (data := os.read(raw.fileno(), ROOM)):
                    self.line.receive(data)
                    taken += len(data)
        self._transport.abort()
