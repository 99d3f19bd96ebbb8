"""The receipts that were not understood, and still are not: see ``page.unread_slips`` for where that is known from."""

from datetime import date, datetime
from weakref import WeakKeyDictionary

import msgspec

from edge_agent.clock import Moment
from edge_agent.config.store import StoreSettings
from edge_agent.page.history.unread_slips import SHOWN, UnreadSlips
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.times import when
from edge_agent.page.words import words
from edge_agent.storage import Storage

LIMIT = SHOWN

# A receipt has some 60 rows of 48; all of a longer one is in the capture. The whole section stays below 100 KB.
_ROWS = 120
_COLUMNS = 80


class Slip(msgspec.Struct, frozen=True):
    """One of them. ``text``: what is on it, redacted; None without the manager's code."""

    time: str
    device: str
    text: tuple[str, ...] | None


class Unread(msgspec.Struct, frozen=True):
    """``sentence``: how many, and what becomes of them; ``slips``: the newest first, at most ``LIMIT``."""

    count: int
    sentence: str
    slips: tuple[Slip, ...]


class _Last:
    """What was said last, and from what."""

    def __init__(self) -> None:
        self.found = UnreadSlips()
        self.made_of: tuple[StoreSettings, date, int] | None = None
        self.said: dict[Reader, Unread] = {}


_last: WeakKeyDictionary[Storage, _Last] = WeakKeyDictionary()


async def unread(sources: Sources, reader: Reader, now: Moment) -> Unread:
    """Return the slips nobody has understood yet. Raises StorageError."""
    last = _last.setdefault(sources.storage, _Last())
    await last.found.look(sources.storage)
    store = sources.config.store
    made_of = (store, datetime.fromtimestamp(now.wall_ms / 1000, store.zone).date(), last.found.version)
    if made_of != last.made_of:
        last.made_of = made_of
        last.said.clear()
    if reader not in last.said:
        last.said[reader] = _said(last.found, store, reader, now)
    return last.said[reader]


def _said(found: UnreadSlips, store: StoreSettings, reader: Reader, now: Moment) -> Unread:
    names = {device.id: device.name for device in store.devices}
    slips = tuple(
        Slip(
            time=when(slip.wall_ms, now, store.zone, reader.language),
            device=names.get(slip.device) or slip.device,
            text=_short(found.texts.get(slip.id, ())) if reader.is_manager else None,
        )
        for slip in found.slips[:LIMIT]
    )
    return Unread(len(found.slips), _sentence(found, reader.language), slips)


def _sentence(found: UnreadSlips, language: str) -> str:
    say, count = words(language).say, len(found.slips)
    if not count:
        return say("unread.none")
    return say("unread.count" if found.is_whole else "unread.many", count=count, kept=say("unread.kept"))


def _short(text: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(row[:_COLUMNS] for row in text[:_ROWS])
