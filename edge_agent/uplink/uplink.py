"""Keep one connection to the broker, for ever."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Literal, cast
from zoneinfo import ZoneInfo

import structlog

from edge_agent import __version__
from edge_agent.clock import Clock
from edge_agent.contract.events import iso_time
from edge_agent.contract.messages import State, encode
from edge_agent.contract.topics import Topics
from edge_agent.errors import LinkError, cause_of
from edge_agent.health import Health
from edge_agent.uplink.backoff import HEALTHY_SECONDS, Backoff
from edge_agent.uplink.link import Link, open_link
from edge_agent.uplink.network import network_watched
from edge_agent.uplink.reasons import REFUSED, code_of, condition
from edge_agent.uplink.settings import UplinkSettings, Will
from edge_agent.uplink.steadiness import Steadiness

PART = "link"  # in health: what is wrong with the connection
PROGRESS = "uplink"  # in health: the essential part whose progress is marked here

# A manager who is impatient with one button must not be one who keeps the broker busy.
HURRY_EVERY_S = 5.0

# What a healthy loop promises between two marks: the connect time-outs, and a tick every second once connected.
_PROMISE_MS = 30_000
_UTC = ZoneInfo("UTC")

log = structlog.get_logger()


class Uplink:
    """Connects, runs a session on the connection, and begins again when it is lost."""

    def __init__(
        self,
        settings: UplinkSettings,
        topics: Topics,
        health: Health,
        clock: Clock,
        epoch: Callable[[], str],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """``epoch``: of the outbox, at this moment. ``jitter`` returns a float in [0, 1)."""
        self.connected = False
        self._settings = settings
        self._topics = topics
        self._health = health
        self._clock = clock
        self._epoch = epoch
        self._backoff = Backoff(jitter)
        self._steadiness = Steadiness()
        self._returned = asyncio.Event()
        self._hurried_at = -HURRY_EVERY_S
        self._pausing: asyncio.Timeout | None = None

    async def run(self, session: Callable[[Link], Awaitable[None]]) -> None:
        """Run ``session`` on each connection; it is cancelled when the connection is lost. Never returns.

        A session ends a connection by raising LinkError, or by returning. Its other errors end the uplink. When this
        is cancelled while connected, the broker is told ``stopping`` and left cleanly within 2 s.
        """
        with network_watched(self._returned.set):
            while True:
                self._progress()
                error = LinkError("closed", "by the session")
                try:
                    await self._connect_once(session)
                except* LinkError as group:
                    error = cast("LinkError", cause_of(group))
                self.connected = False
                _stop_if_told()
                self._lost(error)
                await self._pause()

    def hurry(self) -> Literal["connected", "connecting"]:
        """Connect now, without waiting out the pause between two attempts; at most once in ``HURRY_EVERY_S``.

        The pauses go on growing: somebody at a button says nothing of a broker that is down.
        """
        if self.connected:
            return "connected"
        now = asyncio.get_running_loop().time()
        if self._pausing is not None and now - self._hurried_at >= HURRY_EVERY_S:
            self._hurried_at = now
            self._pausing.reschedule(now)
        return "connecting"

    def _lost(self, error: LinkError) -> None:
        what = self._steadiness.wrong(error.reason, error.detail)
        self._health.report(PART, what)
        if self._steadiness.is_news(what.code):
            log.warning("link_lost", reason=error.reason, detail=error.detail, steady=self._steadiness.steady)

    async def _pause(self) -> None:
        """Back off; when the machine's own network comes back meanwhile, begin the series again."""
        try:
            async with asyncio.timeout(None) as self._pausing:
                await self._wait()
        except TimeoutError:  # somebody is in a hurry
            pass
        finally:
            self._pausing = None

    async def _wait(self) -> None:
        self._returned.clear()
        wait = self._backoff.next()
        self._health.progress(PROGRESS, within_ms=int(wait * 1000) + _PROMISE_MS)
        try:
            async with asyncio.timeout(wait):
                await self._returned.wait()
        except TimeoutError:
            return
        self._backoff.reset()
        # Ten thousand stores have their power back at one moment.
        await asyncio.sleep(self._backoff.next())

    async def _connect_once(self, session: Callable[[Link], Awaitable[None]]) -> None:
        link = await self._open()
        since = asyncio.get_running_loop().time()
        try:
            self._greet(link)
            if self._steadiness.steady:
                self._believe(link)
            await self._converse(link, session, since)
        except asyncio.CancelledError:
            await link.goodbye(self._topics.state, self._state("stopping"))
            raise
        finally:
            lasted = asyncio.get_running_loop().time() - since
            self._backoff.connected_for(lasted)
            self._steadiness.lasted(lasted)
            link.close()

    async def _open(self) -> Link:
        try:
            return await open_link(self._settings, Will(self._topics.state, self._state("lost")))
        except LinkError:
            self._steadiness.failed()
            raise

    async def _converse(self, link: Link, session: Callable[[Link], Awaitable[None]], since: float) -> None:
        def tick() -> None:
            self._progress()
            lasted = asyncio.get_running_loop().time() - since
            if not self._steadiness.steady and lasted >= HEALTHY_SECONDS:
                self._steadiness.lasted(lasted)
                self._believe(link)

        # In a task of its own: where a session's own task group fails, Python 3.11 may leave its task marked as
        # cancelled for ever, and this one must know whether it was really told to stop.
        async with asyncio.TaskGroup() as scope:
            watch = scope.create_task(link.watch(tick))
            await asyncio.wait([scope.create_task(self._have(session, link))])
            watch.cancel()

    async def _have(self, session: Callable[[Link], Awaitable[None]], link: Link) -> None:
        await session(link)

    def _greet(self, link: Link) -> None:
        self.connected = True
        link.send(self._topics.state, self._state("online"), self._greeted, retain=True)

    def _believe(self, link: Link) -> None:
        self._steadiness.cured()
        self._health.report(PART, None)
        log.info("link_up", host=self._settings.host, window=link.window, max_packet=link.max_packet)

    def _greeted(self, code: int) -> None:
        if code >= REFUSED and self._health.report(PART, condition(code_of(code), f"publish {self._topics.state}")):
            log.warning("state_refused", reason=code_of(code), topic=self._topics.state)

    def _state(self, state: str) -> bytes:
        now = self._clock.now()
        since = iso_time(now.wall_ms, _UTC)
        return encode(State(state=state, boot_id=now.boot_id, epoch=self._epoch(), version=__version__, since=since))

    def _progress(self) -> None:
        self._health.progress(PROGRESS, within_ms=_PROMISE_MS)


def _stop_if_told() -> None:
    """Python 3.11 and 3.12 forget a cancellation that meets a failing task group."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
