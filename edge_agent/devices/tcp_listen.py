"""The agent as a network printer: registers connect and print."""

import asyncio
import errno
import socket
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from edge_agent.config.addresses import parse_listen
from edge_agent.config.devices import TcpListenSettings
from edge_agent.devices.handover import Handover, key_of
from edge_agent.devices.line import Emit, Line
from edge_agent.devices.line_status import LineStatus
from edge_agent.devices.tcp import Connection
from edge_agent.errors import DeviceError

log = structlog.get_logger()

# A register that connects prints, at once or with the next sale. One that has said nothing for this long is no
# register, or one that will connect again: it may not keep a till out.
SILENT_S = 10.0

_REASONS = {
    errno.EADDRINUSE: ("busy", "another program listens there"),
    errno.EACCES: ("permission", "a port below 1024 needs a privilege: choose a higher one"),
    errno.EADDRNOTAVAIL: ("refused", "this machine has no such address"),
}


class TcpListenDevice:
    """Listens for registers; each connection has a line of its own, and what it leaves unfinished ends with it.

    Lines go from one connection to the next: each has a journal, so a killed agent loses nothing it has read.
    """

    def __init__(
        self, settings: TcpListenSettings, lines: Sequence[Line], status: LineStatus, handover: Handover
    ) -> None:
        """``lines``: one for each connection at a time."""
        self.name = settings.id
        self.status = status
        self.address: tuple[str, int] | None = None  # where it listens: with port 0 the kernel has chosen
        self._listen = settings.listen
        self._key = key_of(settings)
        self._lines = lines
        self._free: list[Line] = []
        self._handover = handover
        self._open: dict[Line, _Accepted] = {}
        self._accepted: Callable[[_Accepted], object] = lambda _: None
        self._is_held = False

    async def run(self, emit: Emit) -> None:
        """Serve connections for ever. Raises DeviceError ``busy``, ``permission`` or ``refused`` if it can't listen.

        Raises what ``emit`` raises; what it refused is handed over again by the next ``run``. Cancelled, it leaves its
        socket and its connections open for the next generation, if there is one.
        """
        left = self._handover.take(self._key, _Left) or _Left(None, {})
        going_on = {self._lines[number]: connection for number, connection in left.connections.items()}
        for line, connection in going_on.items():
            connection.line = line
        try:
            for line in self._lines:
                await line.catch_up(emit)
                if line not in going_on:
                    await line.finish(emit)
            server = await self._opened(left.socket)
        except BaseException:
            self._leave(left)
            raise
        self._free = [line for line in reversed(self._lines) if line not in going_on]
        self._open = {}
        self._is_held = False
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._serve_all(tasks, emit, server, going_on.values())
        except ExceptionGroup as group:
            raise group.exceptions[0] from group

    async def _serve_all(
        self, tasks: asyncio.TaskGroup, emit: Emit, server: asyncio.Server, going_on: Iterable["_Accepted"]
    ) -> None:
        def serve(connection: _Accepted) -> None:
            self._open[connection.line] = connection
            if serving:
                if self._is_held:  # at once is too early: asyncio begins to read it behind this
                    asyncio.get_running_loop().call_soon(connection.pause)
                tasks.create_task(self._serve(connection, emit))

        serving = True
        self._accepted = serve
        for connection in going_on:
            connection.resume()
            serve(connection)
        try:
            await self._start(server)
            self.status.up()
            await asyncio.Event().wait()  # not serve_forever: cancelled, that closes the socket first
        except asyncio.CancelledError:
            serving = False
            self._pause()
            self._leave(await self._left(server))
            raise
        finally:
            server.close()

    def hold(self) -> bool:
        """Read no more of connections of which nothing is half read; return whether that is so of all.

        Each for itself: of many busy registers there is no moment when all of them are between two receipts.
        """
        self._is_held = True
        amid = [connection for line, connection in self._open.items() if line.is_amid]
        self._pause(but=amid)
        return not amid

    def _pause(self, but: Collection["_Accepted"] = ()) -> None:
        for connection in self._open.values():
            if connection not in but:
                connection.pause()

    async def _left(self, server: asyncio.Server) -> "_Left":
        """Stop serving; return the socket, and every connection with the number of its line."""
        for (
            accepting
        ) in server.sockets:  # not close: asyncio drops what it has just accepted for a server that is closed
            asyncio.get_running_loop().remove_reader(accepting.fileno())
        await asyncio.sleep(0)  # asyncio makes a connection known one turn after it has accepted it
        await asyncio.sleep(0)
        self._pause()
        listening = server.sockets[0].dup() if len(server.sockets) == 1 else None
        server.close()
        numbers = {line: number for number, line in enumerate(self._lines)}
        connections = {numbers[line]: open_ for line, open_ in self._open.items() if not open_.ended}
        return _Left(listening, connections)

    def _leave(self, left: "_Left") -> None:
        if not self._handover.leave(self._key, left, left.close):
            left.close()

    async def _opened(self, listening: socket.socket | None) -> asyncio.Server:
        """Return what listens, but does not accept yet."""
        host, port = parse_listen(self._listen)
        loop = asyncio.get_running_loop()
        try:
            if listening is not None:
                server = await loop.create_server(self._accept, sock=listening, start_serving=False)
            else:
                server = await loop.create_server(self._accept, host, port, start_serving=False)
        except OSError as error:
            raise self._refused(error) from error
        self.address = server.sockets[0].getsockname()[:2]
        return server

    async def _start(self, server: asyncio.Server) -> None:
        try:
            await server.start_serving()
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> DeviceError:
        reason, advice = _REASONS.get(error.errno or 0, ("refused", error.strerror or str(error)))
        return DeviceError(reason, f"{self._listen}: {advice}")

    def _accept(self) -> asyncio.Protocol:
        if not self._free:
            self._make_room()
            log.warning("connection_refused", device=self.name, open=len(self._lines))
            return _Refused()
        return _Accepted(self._free.pop(), self._accepted)

    def _make_room(self) -> None:
        """Close the oldest connection that never printed: whoever is refused now is served when it tries again."""
        latest = asyncio.get_running_loop().time() - SILENT_S
        silent = [one for one in self._open.values() if not one.has_printed and one.since <= latest]
        if silent:
            min(silent, key=lambda one: one.since).close()

    async def _serve(self, connection: "_Accepted", emit: Emit) -> None:
        line = connection.line
        try:
            await line.run(emit, connection)
            await line.finish(emit)
        except asyncio.CancelledError:
            raise  # it is left open, or closed with all others
        except BaseException:
            self._closed(connection)
            raise
        self._closed(connection)
        self._free.append(line)

    def _closed(self, connection: "_Accepted") -> None:
        connection.close()
        self._open.pop(connection.line, None)


@dataclass(frozen=True, slots=True)
class _Left:
    """What a listening device leaves: its socket, and its connections by the number of their line."""

    socket: socket.socket | None
    connections: Mapping[int, "_Accepted"]

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
        for connection in self.connections.values():
            connection.close()


class _Refused(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Break it: the register tells its cashier, as with any printer that is off line."""
        transport.close()


class _Accepted(Connection):
    """A register's connection; tells when it is open."""

    def __init__(self, line: Line, accepted: Callable[["_Accepted"], object]) -> None:
        super().__init__(line)
        self._accepted = accepted
        self.since = asyncio.get_running_loop().time()
        self._recorded = line.recorded

    @property
    def has_printed(self) -> bool:
        """Tell whether anything it sent has been recorded."""
        return self.line.recorded > self._recorded

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to serve it."""
        super().connection_made(transport)
        self._accepted(self)
