"""Connections: those of a slow or hostile client cost it time, and nobody else.

aiohttp bounds a request's headers and the time for them; it neither counts connections nor limits the time of a body or
of a TLS handshake. So this accepts the connections itself and hands them to aiohttp.
"""

import asyncio
import errno
import logging
import random
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from ssl import SSLContext
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http import HttpProcessingError

from edge_agent.log import places
from edge_agent.page.guard import is_loopback
from edge_agent.page.rates import client_of
from edge_agent.supervisor import supervise

log = structlog.get_logger()

_NO_RESOURCES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_RECOVERS_S = 1.0
_QUIET_S = 60.0  # a crowd is told of once, and again only after a minute without
_KEEPALIVE_IDLE_S, _KEEPALIVE_INTERVAL_S = 60, 10
_TLS_SHUTDOWN_S = 2.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may take."""

    # 150 event streams (feed.py) and 50 for all else; of a process's usual 1024 descriptors.
    total: int = 200
    # A browser opens six to a host: five browsers behind one address. A client's headers then cost 5 MB at the most.
    per_client: int = 32
    # Kept for the till's own browser and the command line's, whatever the network does.
    for_loopback: int = 16
    # For the headers, counted from the connection or from the last answer: so an idle connection lasts as long.
    # A person's request is one packet; 10 s are three retransmissions.
    headers_s: float = 10.0
    body_s: float = 10.0
    handshake_s: float = 10.0
    # For an answer: by then the kernel gives up a client that takes no byte or does not acknowledge any.
    unread_s: float = 30.0
    goodbye_s: float = 1.0  # what a refused client still sends is read so long: a reset would take the answer from it
    # The longest address here has 200 characters, a browser sends 25 headers; its cookies are at most 4096.
    line_bytes: int = 2048
    header_bytes: int = 4096
    headers: int = 40
    body_bytes: int = 16 * 1024  # the longest thing anybody posts here is a code and a device's id


@dataclass(frozen=True, slots=True)
class _Client:
    socket: socket.socket
    address: str
    local: bool


class Connections:
    """All connections of the page's address, counted and limited."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._open: dict[web.RequestHandler, _Client] = {}  # the longest idle first
        self._busy: set[web.RequestHandler] = set()
        self._accepting: asyncio.Task[None] | None = None
        self._quiet_from = 0.0

    def runner(self, app: web.Application) -> web.AppRunner:
        """Return aiohttp's runner of ``app``, with the limits of a single connection. ``app`` is not frozen yet."""
        limits = self._limits
        app.middlewares.insert(0, self._attend)
        return web.AppRunner(
            app,
            access_log=None,
            logger=_server_log(),
            handle_signals=False,
            shutdown_timeout=1.0,
            keepalive_timeout=limits.headers_s,
            lingering_time=limits.goodbye_s,
            max_line_size=limits.line_bytes,
            max_field_size=limits.header_bytes,
            max_headers=limits.headers,
            read_bufsize=limits.body_bytes,
            auto_decompress=False,  # nobody packs a form: only a bomb would be unpacked
        )

    async def listen(
        self, group: asyncio.TaskGroup, runner: web.AppRunner, host: str, port: int, tls: SSLContext | None = None
    ) -> tuple[str, int]:
        """Accept connections in ``group`` until ``close``, and return the address. Raises OSError: it is taken."""
        assert runner.server is not None, "the runner is set up"
        sockets = await _bind(host, port, self._limits.unread_s)
        self._accepting = group.create_task(self._run(sockets, runner.server, tls))
        await asyncio.sleep(0)  # from its first step on the task closes the sockets
        address = sockets[0].getsockname()
        return address[0], address[1]

    def close(self) -> None:
        """Accept no more; those that are open are the runner's to close."""
        if self._accepting is not None:
            self._accepting.cancel()

    async def _run(self, sockets: list[socket.socket], server: web.Server, tls: SSLContext | None) -> None:
        rng = random.Random()  # noqa: S311 - jitter of retries, no secret
        accept = partial(self._accept_from, sockets, server, tls)
        try:
            await supervise("page/connections", accept, on_down=lambda *_: None, rng=rng)
        finally:
            for listening in sockets:
                listening.close()

    async def _accept_from(self, sockets: list[socket.socket], server: web.Server, tls: SSLContext | None) -> None:
        async with asyncio.TaskGroup() as group:
            for listening in sockets:
                group.create_task(self._accept(listening, group, server, tls))

    async def _accept(
        self, listening: socket.socket, group: asyncio.TaskGroup, server: web.Server, tls: SSLContext | None
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(0)  # one a turn: a crowd before the door takes turns with the tills
            try:
                accepted, address = await loop.sock_accept(listening)
            except OSError as error:
                if error.errno in _NO_RESOURCES:  # else the client went before it was accepted
                    self._tell_of_a_crowd(reason=error.strerror)
                    await asyncio.sleep(_RECOVERS_S)
                continue
            client = _Client(accepted, client_of(address[0]), is_loopback(address[0]))
            if self._has_room_for(client):
                connection = server()
                self._open[connection] = client
                group.create_task(self._hand_over(connection, accepted, tls))
            else:
                accepted.close()

    async def _hand_over(self, connection: web.RequestHandler, accepted: socket.socket, tls: SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {"ssl": tls}
        if tls is not None:
            options |= {"ssl_handshake_timeout": self._limits.handshake_s, "ssl_shutdown_timeout": _TLS_SHUTDOWN_S}
        with suppress(OSError):  # no handshake, or gone
            await loop.connect_accepted_socket(lambda: connection, accepted, **options)

    def _has_room_for(self, client: _Client) -> bool:
        """Tell whether a client is let in, where needed for the longest idle one it may take the place of."""
        for connection in [each for each, known in self._open.items() if known.socket.fileno() < 0]:
            del self._open[connection]
        limits = self._limits
        if client.local:
            return len(self._open) < limits.total or self._makes_room(lambda _: True)
        if sum(known.address == client.address for known in self._open.values()) >= limits.per_client:
            return self._makes_room(lambda known: known.address == client.address)
        if len(self._open) >= limits.total - limits.for_loopback:
            return self._makes_room(lambda known: not known.local)
        return True

    def _makes_room(self, may_go: Callable[[_Client], bool]) -> bool:
        self._tell_of_a_crowd(connections=len(self._open))
        for connection, known in self._open.items():
            if connection not in self._busy and may_go(known):
                with suppress(OSError):  # it went by itself
                    known.socket.shutdown(socket.SHUT_RDWR)
                del self._open[connection]
                return True
        return False

    def _tell_of_a_crowd(self, **fields: object) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._quiet_from:
            log.warning("page_crowded", **fields)
        self._quiet_from = now + _QUIET_S

    @web.middleware
    async def _attend(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        # Requests sent all at once take turns with the tills: since Python 3.12 aiohttp begins each without a pause.
        await asyncio.sleep(0)
        await self._read_body(request)
        connection = request.protocol
        self._busy.add(connection)
        try:
            return await handler(request)
        finally:
            self._busy.discard(connection)
            if connection in self._open:
                self._open[connection] = self._open.pop(connection)

    async def _read_body(self, request: web.Request) -> None:
        """Have the whole body in hand before anybody works on it."""
        limits = self._limits
        if (request.content_length or 0) > limits.body_bytes:
            raise web.HTTPRequestEntityTooLarge(limits.body_bytes, request.content_length or 0)
        if not request.can_read_body:
            return
        try:
            async with asyncio.timeout(limits.body_s):
                await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        except web.RequestPayloadError:
            raise web.HTTPBadRequest from None


async def _bind(host: str, port: int, unread_s: float) -> list[socket.socket]:
    """Return a listening socket for each address of a name. What is set on it holds for whoever it accepts (tcp(7))."""
    infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(infos):
            bound = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(bound)
            bound.setblocking(False)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_S)
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_INTERVAL_S)
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(unread_s * 1000))
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.bind((address[0], port, *address[2:]))
            port = port or bound.getsockname()[1]
            bound.listen(128)
    except OSError:
        for bound in sockets:
            bound.close()
        raise
    return sockets


class _ServerLog(logging.Handler):
    """What aiohttp would log: our own errors are told once in a row, a client's nonsense is not."""

    def __init__(self) -> None:
        super().__init__()
        self._told: object = None

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, (HttpProcessingError, ConnectionError)):
            return
        fault = (type(error).__name__, places(error)) if error is not None else (str(record.msg), "")
        if fault != self._told:
            self._told = fault
            log.error("page_request_failed", error=fault[0], at=fault[1])


def _server_log() -> logging.Logger:
    logger = logging.Logger("page")  # noqa: LOG001 - of no tree: what the tree is set to print is not for this
    logger.addHandler(_ServerLog())
    return logger
