"""The last events in plain words, from storage: delivered or not.

Orders and ops are kept for about two weeks, check-ins for ``privacy.raw_event_hours``, all of them shorter on a small
disk; what has gone is not told any more.
"""

from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice
from weakref import WeakKeyDictionary

import msgspec

from edge_agent.clock import Moment
from edge_agent.config.store import StoreSettings
from edge_agent.contract.events import Stream
from edge_agent.page.history.flapping import Line, lines, needed
from edge_agent.page.history.newest import Newest
from edge_agent.page.history.telling import TELLINGS, Teller
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.times import when
from edge_agent.storage import Storage

LIMIT = 20

_KEPT = 2 * LIMIT  # a few are not told after all: a check-in of which more is known


class Happened(msgspec.Struct, frozen=True):
    """One event, or all the flapping of a device.

    ``kind``: order, checkin, device, agent: for its icon; ``time``: in words; ``text``: one sentence.
    """

    kind: str
    time: str
    text: str


class _Last:
    """What was told last: while nothing happens the page costs nothing."""

    def __init__(self) -> None:
        self.newest = Newest(frozenset(TELLINGS), _KEPT, needed)
        self.store: StoreSettings | None = None  # what the sentences were made with: its names,
        self.day: date | None = None  # from which day they look back,
        self.version = 0  # and of which events
        self.told: dict[Reader, tuple[Happened, ...]] = {}


_last: WeakKeyDictionary[Storage, _Last] = WeakKeyDictionary()


async def recent(sources: Sources, reader: Reader, now: Moment) -> tuple[Happened, ...]:
    """Return the newest events, the newest first, at most ``LIMIT``. Raises StorageError."""
    last = _last.get(sources.storage)
    if last is None:
        last = _last[sources.storage] = _Last()
        sources.storage.on_forgotten.append(last.newest.forget)
    events = await last.newest.of(sources.storage)
    store = sources.config.store
    day = datetime.fromtimestamp(now.wall_ms / 1000, store.zone).date()
    if (last.store, last.day, last.version) != (store, day, last.newest.version):
        last.store, last.day, last.version = store, day, last.newest.version
        last.told.clear()
    if reader not in last.told:
        told = lines(events, last.newest.from_ms(Stream.OPS))
        last.told[reader] = tuple(islice(_happened(told, Teller.of(store, reader), now, store), LIMIT))
    return last.told[reader]


def _happened(told: Iterator[Line], teller: Teller, now: Moment, store: StoreSettings) -> Iterator[Happened]:
    for line in told:
        time = when(line.event.wall_ms, now, store.zone, teller.reader.language)
        text = teller.flapping(line, time) if line.times else teller.tell(line.event)
        if text is not None:
            yield Happened(TELLINGS[line.event.type].kind, time, text)
