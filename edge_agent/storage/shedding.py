"""What goes when space runs short: delivered frames, captures, then the oldest presence, ops and check-ins.

Undelivered events leave a gap event behind, written in the transaction that removes them. Orders are never evicted.
"""

import sqlite3

from edge_agent.clock import Moment
from edge_agent.contract.events import Stream
from edge_agent.storage import rows
from edge_agent.storage.captures import Captures
from edge_agent.storage.connection import transaction
from edge_agent.storage.outbox import FORGOTTEN, Outbox
from edge_agent.storage.space import PAGE_BYTES

# Freed at a time: enough that it is not done for every group, little enough that the log holds the pages it touches.
BITE_BYTES = 64 * 1024
_BITE_ROWS = 200
# A gap event takes half a kilobyte itself: replacing less than two pages of events may not free a single one.
_LEAST_BYTES = 2 * PAGE_BYTES

_SHED_ORDER = (Stream.PRESENCE, Stream.OPS, Stream.CHECKINS)
_DELIVERED_ORDER = (*_SHED_ORDER, Stream.ORDERS)


def drop_delivered(connection: sqlite3.Connection, outbox: Outbox, older_than_ms: dict[Stream, int]) -> int:
    """Delete a bite of delivered frames recorded before their stream's time. Returns how many rows went."""
    dropped = 0
    for stream in _DELIVERED_ORDER:
        if stream in older_than_ms:
            dropped += _drop_oldest(connection, outbox, stream, older_than_ms[stream])
    return dropped


def _drop_oldest(connection: sqlite3.Connection, outbox: Outbox, stream: Stream, older_than_ms: int) -> int:
    position = outbox.ledger.positions[stream]
    upto = min(position.upto, position.saved)  # what the disk does not know as delivered is not
    size = 0
    leaving: list[rows.Head] = []
    for head in rows.heads(connection, stream, 0, _BITE_ROWS):
        # The newest row stays: numbering goes on from it.
        if head.last > upto or head.last == position.last or head.recorded_ms >= older_than_ms or size >= BITE_BYTES:
            break
        leaving.append(head)
        size += head.size
    if leaving:
        with transaction(connection):
            rows.delete(connection, stream, leaving[0].first, leaving[-1].first)
    return len(leaving)


def shed(connection: sqlite3.Connection, outbox: Outbox, captures: Captures, at: Moment) -> dict[Stream, int] | None:
    """Free about a bite, in one transaction. Returns the evicted events by stream, None if there is nothing to give."""
    for stream in _DELIVERED_ORDER:
        if _drop_oldest(connection, outbox, stream, older_than_ms=1 << 62):
            return {}
    if captures.drop(BITE_BYTES):
        return {}
    for stream in _SHED_ORDER:
        evicted = _evict_oldest(connection, outbox, stream, at)
        if evicted:
            return {stream: evicted}
    return None


def _evict_oldest(connection: sqlite3.Connection, outbox: Outbox, stream: Stream, at: Moment) -> int:
    """Replace the oldest undelivered events of ``stream``, about a bite of them, by a gap event."""
    position = outbox.ledger.positions[stream]
    run: list[rows.Head] = []
    size = 0
    after = position.upto
    for head in _from_first_event(connection, stream, after):
        # The gaps of a forgotten person lie scattered, each too near to the next for a run: they become part of it.
        if head.gap not in (None, FORGOTTEN) or size >= BITE_BYTES:
            break
        run.append(head)
        size += head.size
    if size < _LEAST_BYTES:
        return 0
    first = max(run[0].first, after + 1)  # a frame may be delivered in part
    with transaction(connection):
        if first > run[0].first:
            rows.delete(connection, stream, run[0].first, run[0].first)
        outbox.replace(connection, stream, first, run[-1].last, "evicted", at)
    return run[-1].last - first + 1


def _from_first_event(connection: sqlite3.Connection, stream: Stream, after: int) -> list[rows.Head]:
    """Return heads from the first undelivered row on that is not a gap."""
    while True:
        found = rows.heads(connection, stream, after, _BITE_ROWS)
        events = [index for index, head in enumerate(found) if head.gap is None]
        if events:
            return found[events[0] :]
        if len(found) < _BITE_ROWS:
            return []
        after = found[-1].last
