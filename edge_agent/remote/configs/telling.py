"""What is told of pushes: reported to head office at every phase, and recorded as events when one is decided."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import msgspec
import structlog

from edge_agent.clock import Clock
from edge_agent.config import Config
from edge_agent.config.shelf import Line
from edge_agent.contract import data
from edge_agent.contract.events import Draft, Stream
from edge_agent.contract.remote import ConfigId, Desired, Reported
from edge_agent.health import Condition, Level
from edge_agent.shop.outcome import Outcome, StateChange
from edge_agent.storage import Storage
from edge_agent.uplink import Link
from edge_agent.uplink.reasons import REFUSED, code_of

log = structlog.get_logger()

PART = "config"  # durable state: which event was recorded last
TOLD = "told"
QUEUE = 32  # reports that wait for a slow broker: the phases of six pushes; then the oldest go
EVENTS = 16  # events that wait for a full disk
DECIDED = frozenset({"committed", "rejected", "rolled_back"})
LOUD = frozenset({"rejected", "rolled_back"})
# Head office pushes another one, or the next day nobody in the shop needs to know.
TOLD_FOR_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Word:
    """What is said of a push. ``version`` None: it cannot be believed what it is."""

    version: int | None = None
    phase: str | None = None
    code: str | None = None
    detail: str | None = None
    at: str | None = None

    @classmethod
    def of(cls, line: Line) -> Self:
        """Return what the line says of the last push that took it."""
        return cls(line.version, line.phase, line.code, line.detail, line.at)


class Reports:
    """What is reported of pushes: each phase in order while connected, the last one on connecting."""

    def __init__(self, topic: str, running: Callable[[], ConfigId], good: Callable[[], ConfigId]) -> None:
        """``running``, ``good``: what runs and the last known good, at this moment."""
        self._topic = topic
        self._running = running
        self._good = good
        self._word = Word()
        self._queues: list[tuple[deque[Reported], asyncio.Event]] = []

    @property
    def reported(self) -> Reported:
        """What runs, and what was said last."""
        word = self._word
        return Reported(
            running=self._running(),
            last_known_good=self._good(),
            desired=Desired(None if word.phase is None else word.version),
            phase=word.phase,
            code=word.code,
            detail=word.detail,
            at=word.at,
        )

    def say(self, word: Word) -> None:
        """Report it, where there is a connection; in any case it is the last that was said."""
        self._word = word
        for queue, news in self._queues:
            queue.append(self.reported)
            news.set()

    async def publish(self, link: Link) -> None:
        """Publish on this connection, retained: at once what was said last, then whatever is said. Never returns."""
        queue: deque[Reported] = deque([self.reported], maxlen=QUEUE)
        entry = queue, asyncio.Event()
        self._queues.append(entry)
        try:
            while True:
                while queue:
                    code = await link.publish(self._topic, msgspec.json.encode(queue.popleft()), retain=True)
                    if code >= REFUSED:
                        log.warning("config_report_refused", reason=code_of(code), topic=self._topic)
                entry[1].clear()
                await entry[1].wait()
        finally:
            self._queues = [other for other in self._queues if other is not entry]


class Events:
    """Decisions on their way to the disk: each is recorded once, together with the fact that it was."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._waiting: asyncio.Queue[Draft] = asyncio.Queue(EVENTS)

    def tell(self, line: Line, running: int) -> None:
        """Record a decision, unless it was. ``running``: the version in force."""
        told = self._storage.state(PART).get(TOLD)
        if line.event_id is None or line.phase not in DECIDED or told == line.event_id.encode():
            return
        at = self._clock.now()
        changed = data.ConfigChanged(
            version=line.version,
            sha256=line.sha256,
            key_id=line.key_id or None,
            running=running,
            code=line.code,
            detail=line.detail,
        )
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait(Draft(line.event_id, Stream.OPS, f"o2o.config.{line.phase}.v1", at, changed))

    async def run(self) -> None:
        """Record them, until cancelled; waits while the disk is full. Raises StorageError."""
        while True:
            draft = await self._waiting.get()
            await self._storage.commit(Outcome((draft,), (StateChange(PART, TOLD, draft.id.encode()),)))


def condition(line: Line, now_ms: int) -> Condition | None:
    """Return what a manager is told of a push that came to nothing, for a day. ``now_ms``: Unix milliseconds."""
    if line.phase not in LOUD or line.at is None:
        return None
    if abs(now_ms - datetime.fromisoformat(line.at).timestamp() * 1000) > TOLD_FOR_MS:
        return None
    detail = f"version {line.version}: {line.code}"
    if line.phase == "rejected":
        return Condition("config_rejected", Level.ATTENTION, detail)
    return Condition("config_rolled_back", Level.ATTENTION, detail)


def fallback(config: Config) -> Condition | None:
    """Return what support is told where a config runs only because the one that was committed last cannot be used."""
    return Condition("config_fallback", Level.ATTENTION, config.fallback) if config.fallback else None


def log_word(word: Word, key_id: str | None) -> None:
    """Log what a push has come to. Why it was rejected quotes what stands in it: that is for head office alone."""
    tell = log.warning if word.phase in LOUD else log.info
    detail = {"detail": word.detail} if word.phase == "rolled_back" else {}
    tell(f"config_{word.phase}", version=word.version, code=word.code, key_id=key_id, **detail)
