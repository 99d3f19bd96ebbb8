"""The audit: one line for each thing done (or refused) at the manager's door, in the log and on the page."""

import asyncio
from collections import deque

import msgspec
import structlog

from edge_agent.errors import StorageError
from edge_agent.page.rates import Rates
from edge_agent.page.sources import Sources
from edge_agent.shop.outcome import Outcome, StateChange

log = structlog.get_logger()

PART = "audit"  # durable state: a row for each entry kept, by its number modulo how many are kept
KEPT = 50  # some weeks of a shop; 100 B each
WRITE_S = 0.5  # what an action waits for the disk; the entry is in the log in any case


class Entry(msgspec.Struct, frozen=True):
    """``what``: login, pair, upload, presence …; ``outcome``: done, refused, failed; ``client``: the address."""

    wall_ms: int
    what: str
    outcome: str
    client: str
    detail: str = ""


class _Row(msgspec.Struct, frozen=True):
    number: int
    entry: Entry


class Audit:
    """The newest entries, kept in durable state; the log has them all."""

    def __init__(self, sources: Sources, group: asyncio.TaskGroup) -> None:
        """``group``: where entries are written, for as long as the disk takes."""
        self._sources = sources
        self._group = group
        self._writing: set[asyncio.Task[None]] = set()
        rows = sorted(_rows(sources), key=lambda row: row.number)[-KEPT:]
        self._next = rows[-1].number + 1 if rows else 0
        self._entries = deque((row.entry for row in rows), KEPT)
        self._strangers = Rates(burst=20, per_second=1 / 60)

    async def note(self, what: str, outcome: str, client: str, detail: str = "") -> None:
        """Log an entry and keep it. Never raises: a full disk keeps nobody from helping the shop."""
        log.info("audit", what=what, outcome=outcome, client=client, detail=detail)
        row = _Row(self._next, Entry(self._sources.clock.now().wall_ms, what, outcome, client, detail))
        self._next += 1
        self._entries.append(row.entry)
        change = StateChange(PART, str(row.number % KEPT), msgspec.json.encode(row))
        if len(self._writing) == KEPT:
            log.warning("audit_not_kept", what=what, reason="the disk does not answer")
            return
        keeping = self._keep(what, change)
        try:
            writing = self._group.create_task(keeping)
        except RuntimeError:  # the page is going down: the group takes nothing new
            keeping.close()
            log.warning("audit_not_kept", what=what, reason="the page is closing")
            return
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
        # Not a timeout around the writing: what is on its way to a disk that hangs cannot be called back.
        await asyncio.wait((writing,), timeout=WRITE_S)

    async def _keep(self, what: str, change: StateChange) -> None:
        try:
            await self._sources.storage.commit(Outcome(state=(change,)))
        except StorageError as error:
            log.warning("audit_not_kept", what=what, reason=str(error))

    def refused(self, what: str, client: str, detail: str) -> None:
        """Log what was asked for without a session; not more than a few a minute, and not kept: strangers ask it."""
        if not self._strangers.wait_s("", self._sources.clock.read_uptime_ms() / 1000):
            log.info("audit", what=what, outcome="refused", client=client, detail=detail)

    def entries(self) -> tuple[Entry, ...]:
        """Return the newest entries, the newest first."""
        return tuple(reversed(self._entries))


def _rows(sources: Sources) -> list[_Row]:
    found = []
    for value in sources.storage.state(PART).values():
        try:
            found.append(msgspec.json.decode(value, type=_Row))
        except msgspec.DecodeError:
            continue  # of another version: the log has it
    return found
