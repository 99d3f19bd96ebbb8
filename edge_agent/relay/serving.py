"""The socket on which the agent takes its copy. One agent at a time; a new one takes the place of the old."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import structlog

from edge_agent.relay.copying import Sender
from edge_agent.relay.messages import (
    Acked,
    Bind,
    End,
    Ends,
    FromAgent,
    FromRelay,
    Hello,
    ProtocolError,
    Serve,
    Show,
    frame,
    from_agent,
)
from edge_agent.sockets import short_path

log = structlog.get_logger()

RETRY_S = 1.0  # a full disk has no room for a socket's name; the till prints meanwhile
_BUFFER = 256 * 1024  # on its way to an agent that is slow; the rest stays in the spool


class Copy:
    """What the agent gets, and what it asks for."""

    def __init__(self, path: Path, sender: Sender, hello: Callable[[], Hello], ends: Callable[[], Ends]) -> None:
        """``hello`` and ``ends`` say how things are now."""
        self.path = path
        self.show: Callable[[Show], None] = lambda _: None
        self.asked: asyncio.Future[Serve | End] = asyncio.get_running_loop().create_future()
        self._sender = sender
        self._hello = hello
        self._ends = ends
        self._agent: _Agent | None = None
        self._changed = asyncio.Event()

    async def serve(self) -> None:
        """Listen until cancelled."""
        server = await self._listen()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            server.close()
            if self._agent is not None:
                self._agent.close()
            self.path.unlink(missing_ok=True)

    async def _listen(self) -> asyncio.Server:
        """Listen; without room for the socket, try again."""
        failing = False
        while True:
            try:
                return await asyncio.get_running_loop().create_unix_server(lambda: _Agent(self), sock=_bound(self.path))
            except OSError as error:
                if not failing:
                    log.warning("relay_socket_refused", path=str(self.path), error=error.strerror)
                failing = True
            await asyncio.sleep(RETRY_S)

    def more(self) -> None:
        """Send on: there is more, or there is room again."""
        if self._agent is not None and self._agent.writable:
            for message in self._sender.messages():
                if not self._agent.send(message):
                    return

    def tell(self) -> None:
        """Say how both ends are."""
        if self._agent is not None:
            self._agent.send(self._ends())

    async def settled(self) -> None:
        """Wait until nothing is left to say to whoever listens."""
        while self._agent is not None and not self._sender.settled:
            self._changed.clear()
            await self._changed.wait()

    def connected(self, agent: "_Agent") -> None:
        """Say what this relay is; who asks for the copy takes the place of whoever had it."""
        agent.send(self._hello())
        agent.send(self._ends())

    def disconnected(self, agent: "_Agent") -> None:
        """Keep what it did not take."""
        if self._agent is agent:
            self._agent = None
            self._changed.set()

    def heard(self, message: FromAgent, agent: "_Agent | None" = None) -> None:
        """Do what is asked for."""
        match message:
            case Bind():
                before, self._agent = self._agent, agent
                if before is not None and before is not agent:
                    before.close()
                self._sender.bind(message)
                self.tell()
                self.more()
            case Acked():
                if agent is self._agent:
                    self._sender.acked(message)
                    self._changed.set()
            case Show():
                self.show(message)
            case Serve() | End():
                if not self.asked.done():
                    self.asked.set_result(message)


class _Agent(asyncio.Protocol):
    """One connection of an agent."""

    def __init__(self, copy: Copy) -> None:
        self.writable = True
        self._copy = copy
        self._reader = from_agent()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)  # asyncio's promise for a stream socket
        transport.set_write_buffer_limits(high=_BUFFER)
        self._transport = transport
        self._copy.connected(self)

    def data_received(self, data: bytes) -> None:
        """Do what is asked for; hang up on whoever speaks another language."""
        try:
            for message in self._reader.feed(data):
                self._copy.heard(message, self)
        except ProtocolError as error:
            log.warning("relay_agent_not_understood", error=str(error))
            self.close()

    def pause_writing(self) -> None:
        """Leave the rest in the spool."""
        self.writable = False

    def resume_writing(self) -> None:
        """Send on."""
        self.writable = True
        self._copy.more()

    def connection_lost(self, _: Exception | None) -> None:
        """Keep what it did not take."""
        self._copy.disconnected(self)

    def send(self, message: FromRelay) -> bool:
        """Send, as far as there is still somebody; return whether there is room for more."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame(message))
        return self.writable

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()


def _bound(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        with short_path(path) as name:
            listening.bind(name)
        path.chmod(0o600)  # its folder lets nobody else in, before that either
    except OSError:
        listening.close()
        raise
    return listening
