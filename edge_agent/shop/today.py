"""What the current business day has brought so far: the counts a manager sees, kept over restarts."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

import msgspec

from edge_agent.shop.outcome import StateChange

PART = "today"
_KEY = "counts"
VISITORS = "visitor"
KEEP_MS = 36 * 3_600_000  # longer than the longest business day, with an hour of summer time
# Anybody can send a new beacon's identity with every advertisement: 36 hours of that would fill memory and disk.
VISITORS_MAX = 20_000


class Hour(msgspec.Struct, array_like=True):
    """What one hour of a business day has brought, as in ``Counts``.

    ``payable``: minor units, sales and top-ups less returns and voids, with the corrections of its orders.
    """

    orders: int = 0
    returns: int = 0
    checkins: int = 0
    visitors: int = 0
    payable: int = 0


_BY_HOUR = frozenset(Hour.__struct_fields__)


class Counts(msgspec.Struct, omit_defaults=True):
    """One business day's counts.

    ``seen``: slips by kind, orders or not; ``duplicates``: papers seen again; ``visitors``: people recognised by their
    badges and telephones, each once, however often they came.

    ``hours``: from the day's beginning to the latest with anything. An order counts in the hour it was completed in,
    however late its slip is read, and what corrects its amount counts there, too. What was counted without a clock, or
    by a version that knew no hours, is in none.
    """

    business_day: str = ""
    orders: int = 0
    returns: int = 0
    voids: int = 0
    unparsed: int = 0
    duplicates: int = 0
    checkins: int = 0
    visitors: int = 0
    seen: dict[str, int] = {}
    hours: list[Hour] = []


class Place(NamedTuple):
    """Where something counts: a business day (ISO 8601) and, of it, the ``business_day.hour_of``; None: in none."""

    business_day: str
    hour: int | None = None


class _Row(Counts):
    """The durable form: the counts of the day, and of the day they came after."""

    before: Counts | None = None


class Today:
    """The running counts; its row is durable state."""

    def __init__(self, rows: Mapping[str, bytes]) -> None:
        """``rows``: the durable rows of ``PART``."""
        self._row = _read(rows.get(_KEY, b"{}"))

    @property
    def counts(self) -> Counts:
        """The counts of the day that was last counted on."""
        return self._row

    def count(self, place: Place, kind: str, counter: str | None, payable: int = 0) -> StateChange:
        """Count one slip of ``kind``, and one in ``counter`` (``orders`` …) if it is given; returns the durable row.

        ``payable``: what it adds to its hour's amount, in minor units.
        """
        counts = self._turned_to(place.business_day)
        counts.seen[kind] = counts.seen.get(kind, 0) + 1
        _add(counts, place.hour, counter, payable)
        return self._durable()

    def add(self, place: Place, counter: str, payable: int = 0) -> StateChange:
        """Count one in ``counter`` (``orders``, ``checkins``, ``visitors``); returns the durable row."""
        _add(self._turned_to(place.business_day), place.hour, counter, payable)
        return self._durable()

    def reread(
        self, place: Place, kind: str, counter: str | None, payable: int = 0, *, was: str = "unparsed"
    ) -> tuple[StateChange, ...]:
        """Count a slip that was unparsed as what it is, on its own day if that still counts; returns the rows.

        ``counter``: what it adds one to, if anything. ``was``: the kind it has counted as so far.
        """
        counts = self._held(place.business_day)
        if counts is None:
            return ()
        if was == "unparsed":
            counts.unparsed = max(0, counts.unparsed - 1)
        counts.seen[was] = max(0, counts.seen.get(was, 0) - 1)
        counts.seen[kind] = counts.seen.get(kind, 0) + 1
        _add(counts, place.hour, counter, payable)
        return (self._durable(),)

    def correct(self, place: Place, payable: int) -> tuple[StateChange, ...]:
        """Count what a corrected order adds to the amount, on its own day if that still counts; returns the rows."""
        counts = self._held(place.business_day)
        if counts is None or not payable:
            return ()
        _add(counts, place.hour, None, payable)
        return (self._durable(),)

    def of(self, business_day: str) -> Counts:
        """Return the counts of that day, or of the one they came after; others are empty."""
        return self._held(business_day) or Counts(business_day=business_day)

    def _held(self, business_day: str) -> Counts | None:
        known = (counts for counts in (self._row, self._row.before) if counts and counts.business_day == business_day)
        return next(known, None)

    def _turned_to(self, business_day: str) -> Counts:
        if business_day != self._row.business_day:
            # An earlier one, too: the clock had been ahead, or one device's observation came later than another's.
            before = _plain(self._row, Counts)
            self._row = _plain(self.of(business_day), _Row)
            self._row.before = before
        return self._row

    def _durable(self) -> StateChange:
        return StateChange(PART, _KEY, _encode(self._row))


class Visitors:
    """Who has been counted today; its rows are durable state, at most ``VISITORS_MAX`` of them."""

    def __init__(self, rows: Mapping[str, bytes]) -> None:
        """``rows``: the durable rows of ``VISITORS``: the business day somebody was last counted on."""
        earliest_first = sorted(rows.items(), key=lambda row: row[1])
        self._last = {who: day.decode("ascii", "replace") for who, day in earliest_first}

    def count(self, who: str, business_day: str, wall_ms: int) -> tuple[StateChange, ...]:
        """Return the durable rows of somebody who comes for the first time on a business day; none: not the first.

        Without room whoever came longest ago is forgotten, and may count again.
        """
        if self._last.pop(who, None) == business_day:
            self._last[who] = business_day
            return ()
        forgotten = list(self._last)[: max(0, len(self._last) + 1 - VISITORS_MAX)]
        for oldest in forgotten:
            del self._last[oldest]
        self._last[who] = business_day
        ends = (StateChange(VISITORS, oldest, None) for oldest in forgotten)
        return (StateChange(VISITORS, who, business_day.encode(), wall_ms + KEEP_MS), *ends)

    def forget(self, people: Iterable[str]) -> tuple[StateChange, ...]:
        """Forget people; returns the rows to delete."""
        known = [who for who in people if self._last.pop(who, None)]
        return tuple(StateChange(VISITORS, who, None) for who in known)


def _add(counts: Counts, hour: int | None, counter: str | None, payable: int) -> None:
    if counter is not None:
        setattr(counts, counter, getattr(counts, counter) + 1)
    if hour is None:
        return
    while len(counts.hours) <= hour:
        counts.hours.append(Hour())
    of_hour = counts.hours[hour]
    of_hour.payable += payable
    if counter in _BY_HOUR:
        setattr(of_hour, counter, getattr(of_hour, counter) + 1)


_C = TypeVar("_C", bound=Counts)


def _plain(counts: Counts, kind: type[_C]) -> _C:
    """Return the same counts as another kind of row."""
    return kind(**{name: getattr(counts, name) for name in Counts.__struct_fields__})


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Row).decode


def _read(row: bytes) -> _Row:
    try:
        return _decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError):  # of another version: better a day's counts lost than no shop
        return _Row()
