"""The live page: one watcher makes each section once for all who look, and sends what has changed."""

import asyncio
import functools
import random
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import msgspec
from aiohttp import web

from edge_agent import __version__
from edge_agent.page import html
from edge_agent.page.guard import address_of, is_loopback
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.variant import Variant
from edge_agent.supervisor import supervise

# Returns the JSON of every section for a reader, by the name of its event.
MakeView = Callable[[Reader], Awaitable[Mapping[str, bytes]]]

# A change is on the screen at once, and what comes within a second after it a second later: a till that prints without
# a pause costs one making a second (a few ms), and nobody reads faster.
EVERY_S = 1.0
TICK_S = 5.0  # what changes without anybody telling (how long ago, visits) is said so late at most
HEARTBEAT_S = 15.0  # proxies close what is silent for 30 s or 60 s; the page takes 40 s of silence for a lost contact
# All sections together are some 20 KB: who has not taken them by then is not there any more. (Who has vanished and
# whose network acknowledges nothing is given up by the system: ``connections``.)
TAKES_S = 30.0
RETRY_MS = 1_500  # after which a browser connects again by itself
MAX_STREAMS = 150  # a shop has a handful of screens; each stream costs about 40 KB
FOR_LOOPBACK = 8  # of them: for the till's own browsers, however many look from the network
SEND_BUFFER_BYTES = 32 * 1024  # more would only be news that has grown old on its way


@dataclass(slots=True, eq=False)
class _Stream:
    """One open page. ``who``: whom it was last made for."""

    request: web.Request
    response: web.StreamResponse
    reader: Callable[[], Reader]
    who: Reader

    @property
    def is_open(self) -> bool:
        transport = self.request.transport
        return transport is not None and not transport.is_closing()

    async def send(self, events: bytes) -> None:
        """Send, and return once the system has taken it all. Raises TimeoutError or ConnectionError: nobody reads."""
        async with asyncio.timeout(TAKES_S):
            await self.response.write(events)
            await self.request.writer.drain()

    def limit_buffers(self) -> None:
        """Have what a reader does not take wait as sections, of which the newest counts, instead of as bytes."""
        if self.request.transport is None:
            return
        self.request.transport.set_write_buffer_limits(high=0)
        connection = self.request.transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def end(self, *, at_once: bool = False) -> None:
        """Close the connection; ``at_once``: what is still to be sent is dropped."""
        transport = self.request.transport
        if transport is not None:
            (transport.abort if at_once else transport.close)()


class Feed:
    """Server-sent events for every open page. ``run`` must be running."""

    def __init__(self, sources: Sources, make_view: MakeView) -> None:
        self._sources = sources
        self._make_view = make_view
        self._variants: dict[Reader, Variant] = {}  # a handful: languages, with the code and without
        self._streams: set[_Stream] = set()
        self._changes = 0
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Look for changes, while anybody looks at the page, until cancelled."""
        rng = random.Random()  # noqa: S311 - jitter of retries, no secret
        await supervise("page/feed", self._watch, on_down=lambda *_: None, rng=rng)

    def changed(self) -> None:
        """Say that the page says something else, where no other part tells of it (an action, a check)."""
        self._changes += 1
        if self._streams:
            self._woken.set()

    def close(self) -> None:
        """End all streams: the browsers connect again, to whatever comes after."""
        for stream in self._streams:
            stream.end()
        for variant in self._variants.values():
            variant.news.set()

    async def stream(self, request: web.Request, reader: Callable[[], Reader]) -> web.StreamResponse:
        """Send every section, then each again whenever it has changed, until the reader goes.

        ``reader`` is asked before each sending: a manager's session ends while the page is open. A reader who takes
        things slowly gets the newest of each section whenever they can take it; one who does not take what it was sent
        within ``TAKES_S`` is gone.
        """
        most = MAX_STREAMS if is_loopback(address_of(request)) else MAX_STREAMS - FOR_LOOPBACK
        if sum(stream.is_open for stream in self._streams) >= most:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "30"}, text="too many open pages\n")
        response = web.StreamResponse(headers=_HEADERS)
        who = reader()
        self._begin(who)
        stream = _Stream(request, response, reader, who)
        self._streams.add(stream)
        try:
            await response.prepare(request)
            stream.limit_buffers()
            await self._send_all(stream)
        except (TimeoutError, ConnectionError):
            stream.end(at_once=True)
        finally:
            self._streams.remove(stream)
        return response

    async def _send_all(self, stream: _Stream) -> None:
        loop = asyncio.get_running_loop()
        unsent, upto, sent_at = _hello(), 0, loop.time()
        while stream.is_open:
            if (who := stream.reader()) != stream.who:
                self._begin(who)
                stream.who, upto = who, 0
            variant = self._variants.setdefault(who, Variant())
            news = variant.news
            unsent += variant.since(upto)
            upto = variant.making
            if not unsent and loop.time() - sent_at >= HEARTBEAT_S:
                unsent = _HEARTBEAT
            if unsent:
                await stream.send(unsent)
                unsent, sent_at = b"", loop.time()
            await _wait(news, TICK_S)

    def _begin(self, who: Reader) -> None:
        """Prepare for a stream for ``who``: what was made for the last of them may be a night old, and is not told."""
        variant = self._variants.get(who)
        if (
            variant is not None
            and who not in self._looking()
            and asyncio.get_running_loop().time() >= self._due(variant)
        ):
            del self._variants[who]
        self._woken.set()

    async def _watch(self) -> None:
        with self._told():
            while True:
                self._woken.clear()
                for who in self._looking():
                    await self._make(who)
                await _wait(self._woken, self._rest_s())

    async def _make(self, who: Reader) -> None:
        variant = self._variants.setdefault(who, Variant())
        now = asyncio.get_running_loop().time()
        if now >= self._due(variant):
            variant.made_at, variant.changes = now, self._changes
            variant.take(await self._make_view(who))

    def _looking(self) -> set[Reader]:
        return {stream.who for stream in self._streams}

    def _due(self, variant: Variant) -> float:
        return variant.made_at + (EVERY_S if variant.changes != self._changes else TICK_S)

    def _rest_s(self) -> float | None:
        """Return the seconds until something is due; None: nobody looks."""
        due = (self._due(self._variants[who]) for who in self._looking() if who in self._variants)
        first = min(due, default=None)
        return None if first is None else max(0.0, first - asyncio.get_running_loop().time())

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Hear of whatever changes in the shop, while the context lasts."""
        telling = (self._sources.storage.on_recorded, self._sources.sync.on_delivered)
        for listeners in telling:
            listeners.append(self.changed)
        try:
            with self._sources.health.listening(self.changed):
                yield
        finally:
            for listeners in telling:
                listeners.remove(self.changed)


_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep events until it has a page of them
}


_HEARTBEAT = b"event: heartbeat\ndata:\n\n"  # an event, as the page is not told of comments


@functools.cache
def _hello() -> bytes:
    """Return what a stream begins with: a page that was loaded from another version loads itself again."""
    body = msgspec.json.encode({"assets": html.assets_hash(), "version": __version__})
    return b"retry: %d\nevent: hello\ndata: %s\n\n" % (RETRY_MS, body)


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
