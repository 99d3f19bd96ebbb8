"""The door for pushes: what arrives, in which order it is checked, and what is said of what is not let in."""

import asyncio
from collections import deque
from collections.abc import Sequence

from edge_agent.clock import Clock
from edge_agent.config import Config
from edge_agent.config.shelf import Shelf
from edge_agent.contract.envelope import MAX_BYTES, Key, Refused
from edge_agent.contract.remote import Reported
from edge_agent.contract.topics import Topics
from edge_agent.generation import Generations
from edge_agent.health import Health
from edge_agent.log import defect
from edge_agent.remote.configs.checking import Push, believed
from edge_agent.remote.configs.telling import Word, log_word
from edge_agent.remote.configs.way import Way
from edge_agent.storage import Storage
from edge_agent.uplink import Link, Uplink

PROGRESS = "remote"  # in health: the essential part whose progress is marked here
# A turn takes a second, and with a full inbox a minute on a slow box; longest is one that waits for tills to come
# between two receipts, and for a disk that answers slowly. What hangs in a config is ended long before (hang.py).
PROMISE_MS = 600_000
INBOX = 8  # envelopes that wait; of a flood the newest are kept: 8 MiB at most
TICK_S = 0.25  # how often a trial is looked at
IDLE_S = 1.0  # how often, else: whether the clock was set, the disk has room again, a day has passed
# What is not let in is reported once a second in the mean, however much of it comes; at first, each at once.
REFUSALS = 8
REFUSALS_MS = 8_000


class Configs:
    """The one line of config versions of this agent."""

    def __init__(
        self,
        config: Config,
        shelf: Shelf,
        keys: Sequence[Key],
        topics: Topics,
        generations: Generations,
        storage: Storage,
        uplink: Uplink,
        health: Health,
        clock: Clock,
    ) -> None:
        """``config``: what the first generation runs by. The state directory is locked: nobody else writes there.

        A trial that a kill, a crash or a hang has ended is over: rolled back, before anything else happens.
        """
        self._health = health
        self._way = Way(config, shelf, topics.reported, generations, storage, uplink, health, clock)
        self._keys = keys
        self._topics = topics
        self._clock = clock
        self._inbox: deque[bytes | Refused] = deque(maxlen=INBOX)
        self._news = asyncio.Event()
        self._held: Push | None = None  # the newest that came at a wrong time: by the clock, or on a full disk
        self._refused: tuple[Word, str | None] | None = None  # to be said when it is time; who has signed it
        self._refused_ms: deque[int] = deque(maxlen=REFUSALS)  # uptimes when the last ones were said
        self._logged: tuple[int | None, str | None] | None = None

    @property
    def reported(self) -> Reported:
        """What runs, and what has become of the last push."""
        return self._way.reports.reported

    def arrived(self, payload: bytes) -> None:
        """Take a message of ``down/config``; it is worked on by ``run``. An empty one is a topic that was cleared."""
        if not payload:
            return
        too_large = len(payload) > MAX_BYTES  # is not even held
        self._inbox.append(Refused("too_large", f"{len(payload)} bytes; at most {MAX_BYTES}") if too_large else payload)
        self._news.set()

    async def run(self) -> None:
        """Work on pushes, one after another, and on what was staged when the process ended. Raises StorageError."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._way.run())
                group.create_task(self._work())
        finally:
            self._health.rest(PROGRESS)

    def postpone(self) -> None:
        """Have the next process begin a trial anew that is under way: this one was told to stop, it has not failed."""
        self._way.postpone()

    async def publish(self, link: Link) -> None:
        """Report on this connection, retained: at once, and whenever it changes."""
        await self._way.reports.publish(link)

    async def _work(self) -> None:
        await self._way.resume()
        while True:
            self._health.progress(PROGRESS, within_ms=PROMISE_MS)
            await self._wait()
            while self._inbox:
                await self._open(self._inbox.popleft())
            await self._look_again()
            self._say_refused()
            await self._way.step()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(TICK_S if self._way.is_busy else IDLE_S):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()

    async def _open(self, message: bytes | Refused) -> None:
        if isinstance(message, Refused):
            self._refuse(None, message.code, message.detail, None)
            return
        try:
            push = await asyncio.to_thread(believed, message, self._keys, self._topics)
        except Refused as refused:
            self._refuse(None, refused.code, refused.detail, None)
        except Exception as error:  # noqa: BLE001 - retained, it would be met by every process to come
            defect("push_crashed", error)
            self._refuse(None, "malformed", f"it met a defect: {type(error).__name__}; see the box's log", None)
        else:
            await self._consider(push)

    async def _consider(self, push: Push) -> None:
        """Let a push in that is newer than the line. Raises StorageError."""
        line, version = self._way.line, push.id.version
        if (version, push.id.sha256) == (line.version, line.sha256):
            if self._way.lacks_payload:
                await self._let_in(push)
            else:  # delivered again, as a retained message is on each connection
                self._refused = None
                self._way.reports.say(Word.of(line))
        elif push.expires_ms <= self._clock.now().wall_ms:
            if version > line.version and (self._held is None or version >= self._held.id.version):
                self._held = push
            self._refuse(version, "expired", "its time has passed, by this box's clock", push.key_id)
        elif version <= line.version:
            self._refuse(version, "not_newer", f"version {line.version} was here before", push.key_id)
        else:
            await self._let_in(push)

    async def _let_in(self, push: Push) -> None:
        self._refused = None
        if self._held is None or self._held.id.version <= push.id.version:
            self._held = push if self._way.is_short else None
        await self._way.take(push)

    async def _look_again(self) -> None:
        """Consider a push anew that came at a wrong time: the clock may have been set, the disk may have room."""
        push = self._held
        if push is not None and push.expires_ms > self._clock.now().wall_ms and not self._way.is_short:
            self._held = None
            await self._consider(push)

    def _refuse(self, version: int | None, code: str, detail: str, key_id: str | None) -> None:
        self._refused = Word(version, "rejected", code, detail, self._way.now()), key_id
        self._say_refused()

    def _say_refused(self) -> None:
        """Report what was refused last, and log it where it is news, unless that was done often just now."""
        now_ms, before = self._clock.read_uptime_ms(), self._refused_ms
        if self._refused is None or (len(before) == REFUSALS and now_ms - before[0] < REFUSALS_MS):
            return
        before.append(now_ms)
        (word, key_id), self._refused = self._refused, None
        self._way.reports.say(word)
        if self._logged != (word.version, word.code):  # what is delivered again is logged once
            self._logged = word.version, word.code
            log_word(word, key_id)
