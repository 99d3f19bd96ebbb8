"""The agent as a network printer: registers connect and print."""

import asyncio
import errno
from collections.abc import Callable, Sequence

import structlog

from edge_agent.config.addresses import parse_listen
from edge_agent.config.devices import TcpListenSettings
from edge_agent.devices.line import Emit, Line
from edge_agent.devices.line_status import LineStatus
from edge_agent.devices.tcp import Connection
from edge_agent.errors import DeviceError

log = structlog.get_logger()

# More tills than a shop has; each connection costs at most its line's 64 KiB and what its decoder keeps.
CONNECTIONS = 16

_REASONS = {
    errno.EADDRINUSE: ("busy", "another program listens there"),
    errno.EACCES: ("permission", "a port below 1024 needs a privilege: choose a higher one"),
    errno.EADDRNOTAVAIL: ("refused", "this machine has no such address"),
}


class TcpListenDevice:
    """Listens for registers; each connection has a line of its own, and what it leaves unfinished ends with it.

    Lines go from one connection to the next: each has a journal, so a killed agent loses nothing it has read.
    """

    def __init__(self, settings: TcpListenSettings, lines: Sequence[Line], status: LineStatus) -> None:
        """``lines``: one for each connection at a time."""
        self.name = settings.id
        self.status = status
        self.address: tuple[str, int] | None = None  # where it listens: with port 0 the kernel has chosen
        self._listen = settings.listen
        self._lines = lines
        self._free: list[Line] = []

    async def run(self, emit: Emit) -> None:
        """Serve connections for ever. Raises DeviceError ``busy``, ``permission`` or ``refused`` if it can't listen.

        Raises what ``emit`` raises; what it refused is handed over again by the next ``run``.
        """
        for line in self._lines:
            await line.catch_up(emit)
            await line.finish(emit)
        self._free = list(reversed(self._lines))
        try:
            async with asyncio.TaskGroup() as tasks:
                server = await self._open(lambda connection: tasks.create_task(self._serve(connection, emit)))
                async with server:
                    self.status.up()
                    await server.serve_forever()
        except ExceptionGroup as group:
            raise group.exceptions[0] from group

    async def _open(self, accepted: Callable[["_Accepted"], object]) -> asyncio.Server:
        host, port = parse_listen(self._listen)
        try:
            server = await asyncio.get_running_loop().create_server(lambda: self._accept(accepted), host, port)
        except OSError as error:
            reason, advice = _REASONS.get(error.errno or 0, ("refused", error.strerror or str(error)))
            raise DeviceError(reason, f"{self._listen}: {advice}") from error
        self.address = server.sockets[0].getsockname()[:2]
        return server

    def _accept(self, accepted: Callable[["_Accepted"], object]) -> asyncio.Protocol:
        if not self._free:
            log.warning("connection_refused", device=self.name, open=len(self._lines))
            return _Refused()
        return _Accepted(self._free.pop(), accepted)

    async def _serve(self, connection: "_Accepted", emit: Emit) -> None:
        try:
            await connection.line.run(emit, connection)
            await connection.line.finish(emit)
            self._free.append(connection.line)
        finally:
            connection.abort()


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

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to serve it."""
        super().connection_made(transport)
        self._accepted(self)
