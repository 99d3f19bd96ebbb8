"""Reading recorded events back, delivered or not, a bite at a time: between two bites the writer has its turn.

Reading never writes: a row that is damaged, or cannot be understood, is passed over. What is no longer held is simply
not there: orders and ops go after ``retention_days``, check-ins and presence after ``raw_event_hours``, all of them
sooner on a small disk.
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from typing import NamedTuple

from edge_agent.contract.events import CloudEvent, Stream
from edge_agent.contract.frames import FrameError, decode_events
from edge_agent.storage import rows
from edge_agent.storage.recorder import Recorder
from edge_agent.storage.thread import StorageThread

# An order waits at most for one bite: 16 lone orders are read and decoded in under a millisecond (measured), and a
# frame of a burst, 200 events of 1 MiB at most, which is not cut, in a few.
_BITE_ROWS = 16
_BITE_BYTES = 16 * 1024


class Bite(NamedTuple):
    """Some events of one stream. ``epoch``: the life of the outbox that numbered them."""

    epoch: str
    events: list[CloudEvent]


class _Part(NamedTuple):
    """A bite, and the row it ended with: the sequence it begins with; None: there was none."""

    bite: Bite
    reached: int | None


class History:
    """What storage holds of each stream. When a new epoch begins meanwhile, reading begins again, with its numbers.

    Then an event may come twice, with the same id.
    """

    def __init__(self, thread: StorageThread, recorder: Recorder) -> None:
        self._thread = thread
        self._recorder = recorder

    async def newest_first(self, stream: Stream, before: int | None = None) -> AsyncIterator[Bite]:
        """Yield what is held, the newest first; with ``before``, of the rows that begin below that sequence.

        Leave it whenever there was enough. Raises StorageError.
        """
        async for bite in self._walk(stream, before, back=True):
            yield bite

    async def oldest_first(self, stream: Stream, since_ms: int | None = None) -> AsyncIterator[Bite]:
        """Yield what is held, the oldest first; with ``since_ms`` (Unix milliseconds), of what was recorded since.

        By the clock of that time: one that was wrong, or was set back, is believed. Raises StorageError.
        """
        first = None if since_ms is None else await self._thread.run(partial(_since, stream=stream, wall_ms=since_ms))
        async for bite in self._walk(stream, None if first is None else first - 1, back=False):
            yield bite

    async def _walk(self, stream: Stream, start: int | None, *, back: bool) -> AsyncIterator[Bite]:
        place, epoch = start, None
        while True:
            bite, reached = await self._thread.run(partial(self._bite, stream=stream, place=place, back=back))
            if epoch not in (None, bite.epoch):
                place, epoch = None, None  # other numbers: what was just read may be anywhere in them
                continue
            place, epoch = reached, bite.epoch
            if reached is None:
                return
            if bite.events:
                yield bite

    def _bite(self, connection: sqlite3.Connection, stream: Stream, place: int | None, *, back: bool) -> _Part:
        """Read the next rows; in the connection's thread."""
        events: list[CloudEvent] = []
        reached, size = None, 0
        with closing(rows.beyond(connection, stream, place, back=back)) as cursor:
            for count, row in enumerate(cursor, 1):
                found = _events(row)
                events += reversed(found) if back else found
                reached = row.frame.first
                size += len(row.frame.body)
                if count == _BITE_ROWS or size >= _BITE_BYTES:
                    break
        return _Part(Bite(self._recorder.outbox.ledger.epoch, events), reached)


def _events(row: rows.Row) -> list[CloudEvent]:
    if not row.intact:
        return []
    try:
        return decode_events(row.frame.body, row.frame.encoding)
    except FrameError:
        return []


def _since(connection: sqlite3.Connection, stream: Stream, wall_ms: int) -> int:
    """Return the first sequence of the rows recorded since, by bisection: they lie in the order of recording."""
    newest = rows.newest(connection, stream)
    low, high = 1, 1 if newest is None else newest.frame.first + 1
    while low < high:
        middle = (low + high) // 2
        found = rows.recorded(connection, stream, middle)
        if found is None or found[1] >= wall_ms:
            high = middle
        else:
            low = found[0] + 1
    return low
