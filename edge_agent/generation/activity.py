"""How much each device has said in the last day, and when last: kept over restarts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from edge_agent.clock import STEP_MS, Moment
from edge_agent.shop.outcome import StateChange
from edge_agent.shop.rows import readable
from edge_agent.shop.stamp import Stamp

PART = "activity"
BUCKET_MS = 30 * 60_000
BUCKETS = 48  # one day
# While the clock is wrong, what is said falls into buckets of a wrong time, and as many of the day's own are passed by;
# each time it is set, there and back, one more is begun on either side. Four such accidents in a day lose nothing.
_KEPT = BUCKETS + 16


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a device. ``last_seen_ms``, ``down_since_ms``: Unix milliseconds, or None.

    ``counts``: observations in each bucket of the last day, oldest first, ``BUCKETS`` of them.
    """

    last_seen_ms: int | None
    down_since_ms: int | None
    counts: tuple[int, ...]


class _Known(msgspec.Struct, array_like=True):
    """The durable form. ``counts``: by half hours since 1970, in the order they were begun in."""

    seen: Stamp | None = None
    down: Stamp | None = None
    counts: dict[int, int] = {}


class Activity:
    """Counts what devices say. Its rows are durable state, written now and then rather than with every event.

    Half hours are those of the wall clock. Nothing is thrown away because the clock says that it is old or yet to come:
    of too many buckets the one begun first goes, whatever its time. What was said while the clock was ahead is not
    told once it is right; moments of the same boot are told by the clock as it is set now.
    """

    def __init__(self, rows: Mapping[str, bytes], devices: Iterable[str]) -> None:
        """``rows``: the durable rows of ``PART``. ``devices``: those that are configured; rows of others are to go."""
        known = dict(readable(rows, _Known))
        self._devices = {device: known.get(device) or _Known() for device in devices}
        self._written = {device: rows.get(device, _NOTHING) for device in self._devices}
        self._removed = rows.keys() - self._devices.keys()

    def said(self, device: str, observations: int, at: Moment) -> None:
        """Count observations of a device, none if what it said meant nothing."""
        known = self._devices[device]
        known.seen = Stamp.of(at)
        if observations:
            bucket = at.wall_ms // BUCKET_MS
            counts = known.counts
            counts[bucket] = counts.get(bucket, 0) + observations
            if len(counts) > _KEPT:
                del counts[next(iter(counts))]

    def state(self, device: str, *, works: bool, at: Moment) -> None:
        """Note whether a device works: since when it has not is told over restarts."""
        known = self._devices[device]
        if works:
            known.down = None
        elif known.down is None:
            known.down = Stamp.of(at)

    def of(self, device: str, at: Moment) -> Seen:
        """Return what is known of a device. ``at``: now."""
        known = self._devices[device]
        newest = at.wall_ms // BUCKET_MS
        counts = tuple(known.counts.get(bucket, 0) for bucket in range(newest - BUCKETS + 1, newest + 1))
        return Seen(_told_ms(known.seen, at), _told_ms(known.down, at), counts)

    def changes(self, at: Moment) -> tuple[StateChange, ...]:
        """Return the rows that say something else than when last asked. ``at``: now."""
        changed = [StateChange(PART, device, None) for device in self._removed]
        self._removed = set()
        for device, known in self._devices.items():
            known.seen, known.down = _put_right(known.seen, at), _put_right(known.down, at)
            row = _encode(known)
            if row != self._written[device]:
                self._written[device] = row
                changed.append(StateChange(PART, device, row))
        return tuple(changed)


def _told_ms(then: Stamp | None, at: Moment) -> int | None:
    """Return a moment in Unix milliseconds; None for one that lies ahead of the clock."""
    if then is None or (told_ms := then.right_ms(at)) >= at.wall_ms + STEP_MS:
        return None
    return min(told_ms, at.wall_ms)


def _put_right(then: Stamp | None, at: Moment) -> Stamp | None:
    """Return a moment by the clock as it is set now; of another boot nobody knows what it should have been."""
    return None if then is None else Stamp(then.right_ms(at), then.uptime_ms, then.boot_id)


_encode = msgspec.msgpack.Encoder().encode
_NOTHING = _encode(_Known())
