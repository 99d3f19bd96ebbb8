"""Which slips nobody has understood yet.

Source: the ``o2o.order.unparsed.v1`` events that storage still holds (about two weeks, delivered or not), but for those
read again since. That is told by what is kept beside a slip's capture, ``shop.rereading.About`` by the event's id: in
its file, and on the way there in the durable rows of ``rereading.PART``; where the file is no more under the name that
the event says, ``rereading.MOVED`` tells where it is. A slip whose capture is not kept (any more)
can never be read again and stays until its event goes.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from edge_agent.contract import data
from edge_agent.contract.events import CloudEvent, Stream
from edge_agent.page.history.newest import unix_ms
from edge_agent.shop.rereading import DONE, MOVED, PART, parsed
from edge_agent.storage import Storage

# Looked at in one go, some 50 ms of the storage's thread in bites: what lies further back is looked at the next time.
LOOK = 2_000
MOST = 200  # beyond it a manager needs to know no more; each takes a file to be looked into
SHOWN = 10

_TYPE = "o2o.order.unparsed.v1"


@dataclass(frozen=True, slots=True)
class UnreadSlip:
    """One slip. ``sequence``: of its event; ``wall_ms``: when it came, Unix milliseconds."""

    id: str
    sequence: int
    wall_ms: int
    device: str
    capture: str | None


@dataclass(slots=True)
class UnreadSlips:
    """What was found so far, the newest first; each ``look`` finds more. ``version``: another one when that changed."""

    slips: list[UnreadSlip] = field(default_factory=list)
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of the newest, by id
    version: int = 0
    is_whole: bool = False  # all that is held was looked at
    _epoch: str = ""
    _top: int = 0  # all sequences up to here,
    _bottom: int = 0  # down to here, were looked at
    _known: tuple[list[str], int, bool] | None = None  # of the slips: what made this version
    _done: Mapping[str, bytes] = field(default_factory=dict)
    _rows: Mapping[str, bytes] = field(default_factory=dict)
    _one_by_one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self, storage: Storage) -> None:
        """Find what is new, and a bite of what is old; let go of what was read. Raises StorageError."""
        async with self._one_by_one:
            await self._look(storage)

    async def _look(self, storage: Storage) -> None:
        last = storage.last(Stream.ORDERS)
        if storage.epoch != self._epoch or last - self._top > LOOK:
            self.slips, self.is_whole = [], False
            self._epoch, self._top, self._bottom = storage.epoch, last, last + 1
        await self._let_go(storage)
        if last > self._top:
            while self.slips and await _event(storage, self.slips[-1]) is None:
                del self.slips[-1]  # older than what is kept
            await self._find_new(storage, last)
        if not self.is_whole and len(self.slips) < MOST:
            await self._find_old(storage)
        known = [slip.id for slip in self.slips[: SHOWN + 1]], len(self.slips), self.is_whole
        if known != self._known:
            await self._read_texts(storage)
            self.version += 1
            self._known = known  # last: a look that a slow disk cuts short is made up for by the next

    async def _let_go(self, storage: Storage) -> None:
        """Let go of what was read: as the rows say, and, where captures were gone through again, the files."""
        done, rows = storage.state(DONE), storage.state(PART)
        if done != self._done:
            self.slips = [slip for slip in self.slips if not await _was_read(storage, slip)]
        elif rows != self._rows:
            self.slips = [slip for slip in self.slips if not _says_read(rows.get(slip.id, b""), slip)]
        self._done, self._rows = done, rows

    async def _find_new(self, storage: Storage, last: int) -> None:
        found: list[UnreadSlip] = []
        async for bite in storage.history.newest_first(Stream.ORDERS):
            if bite.epoch != self._epoch:
                return
            found += [slip for event in bite.events if (slip := _slip(event)) and slip.sequence > self._top]
            last = max(last, int(bite.events[0].sequence))
            if int(bite.events[-1].sequence) <= self._top:
                break
        self.slips[:0] = [slip for slip in found if not await _was_read(storage, slip)]
        self._top = last
        if len(self.slips) > MOST:
            self._bottom = self.slips[MOST - 1].sequence
            del self.slips[MOST:]
            self.is_whole = False

    async def _find_old(self, storage: Storage) -> None:
        looked = 0
        async for bite in storage.history.newest_first(Stream.ORDERS, before=self._bottom):
            if bite.epoch != self._epoch:
                return
            for event in bite.events:
                slip = _slip(event)
                if slip is None or slip.sequence >= self._bottom:
                    continue
                if not await _was_read(storage, slip):
                    self.slips.append(slip)
                self._bottom = slip.sequence  # here: whoever looks may give up before the bite's end
            self._bottom = min(self._bottom, int(bite.events[-1].sequence))
            looked += len(bite.events)
            if looked >= LOOK or len(self.slips) >= MOST:
                return
        self.is_whole = True

    async def _read_texts(self, storage: Storage) -> None:
        shown = self.slips[:SHOWN]
        self.texts = {slip.id: self.texts.get(slip.id) or await _text(storage, slip) for slip in shown}


def _slip(event: CloudEvent) -> UnreadSlip | None:
    if event.type != _TYPE:
        return None
    try:
        what = msgspec.json.decode(event.data, type=data.Unparsed)
        return UnreadSlip(event.id, int(event.sequence), unix_ms(event.time), what.device, what.evidence.capture_sha256)
    except (msgspec.DecodeError, ValueError):
        return None  # of a later version


async def _was_read(storage: Storage, slip: UnreadSlip) -> bool:
    if _says_read(storage.state(PART).get(slip.id, b""), slip):
        return True
    moved = storage.state(MOVED).get(slip.id)
    if moved == b"":
        return True
    for name in (moved.decode() if moved else None, slip.capture):
        held = await storage.held_capture(name) if name is not None else None
        if held is not None and any(_says_read(about, slip) for about in held.about):
            return True
    return False


def _says_read(about: bytes, slip: UnreadSlip) -> bool:
    known = parsed(about)
    return known is not None and known.id == slip.id and known.is_read


async def _text(storage: Storage, slip: UnreadSlip) -> tuple[str, ...]:
    event = await _event(storage, slip)
    return msgspec.json.decode(event.data, type=data.Unparsed).text if event is not None else ()


async def _event(storage: Storage, slip: UnreadSlip) -> CloudEvent | None:
    async for bite in storage.history.newest_first(Stream.ORDERS, before=slip.sequence + 1):
        return next((event for event in bite.events if event.id == slip.id), None)
    return None
