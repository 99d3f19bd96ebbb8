"""What the current business day has brought so far: the counts a manager sees, kept over restarts."""

from collections.abc import Iterable, Mapping

import msgspec

from edge_agent.shop.outcome import StateChange

PART = "today"
_KEY = "counts"
VISITORS = "visitor"
KEEP_MS = 36 * 3_600_000  # longer than the longest business day, with an hour of summer time
# Anybody can send a new beacon's identity with every advertisement: 36 hours of that would fill memory and disk.
VISITORS_MAX = 20_000


class Counts(msgspec.Struct):
    """One business day's counts.

    ``seen``: slips by kind, orders or not; ``duplicates``: papers seen again; ``visitors``: people recognised by their
    badges and telephones, each once, however often they came.
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


class _Row(Counts):
    """The durable form: the counts of the day, and of the day they came after."""

    before: Counts | None = None


class Today:
    """The running counts; its row is durable state."""

    def __init__(self, rows: Mapping[str, bytes]) -> None:
        """``rows``: the durable rows of ``PART``."""
        self.counts, self._before = _read(rows.get(_KEY, b"{}"))

    def count(self, business_day: str, kind: str, counter: str | None) -> StateChange:
        """Count one slip of ``kind``, and one in ``counter`` (``orders`` …) if it is given; returns the durable row."""
        self._turn_to(business_day)
        self.counts.seen[kind] = self.counts.seen.get(kind, 0) + 1
        if counter is not None:
            setattr(self.counts, counter, getattr(self.counts, counter) + 1)
        return self._row()

    def add(self, business_day: str, counter: str) -> StateChange:
        """Count one in ``counter`` (``checkins``, ``visitors``); returns the durable row."""
        self._turn_to(business_day)
        setattr(self.counts, counter, getattr(self.counts, counter) + 1)
        return self._row()

    def reread(self, business_day: str, kind: str, counter: str | None) -> tuple[StateChange, ...]:
        """Count a slip that was unparsed as what it is, on its own day if that still counts; returns the rows.

        ``counter``: what it adds one to, if anything.
        """
        counts = self.of(business_day)
        if counts is not self.counts and counts is not self._before:
            return ()
        counts.unparsed = max(0, counts.unparsed - 1)
        counts.seen["unparsed"] = max(0, counts.seen.get("unparsed", 0) - 1)
        counts.seen[kind] = counts.seen.get(kind, 0) + 1
        if counter is not None:
            setattr(counts, counter, getattr(counts, counter) + 1)
        return (self._row(),)

    def of(self, business_day: str) -> Counts:
        """Return the counts of that day, or of the one they came after; others are empty."""
        known = (counts for counts in (self.counts, self._before) if counts.business_day == business_day)
        return next(known, None) or Counts(business_day=business_day)

    def _turn_to(self, business_day: str) -> None:
        if business_day == self.counts.business_day:
            return
        # An earlier one, too: the clock had been ahead, or one device's observation came later than another's.
        self.counts, self._before = self.of(business_day), self.counts

    def _row(self) -> StateChange:
        row = _Row(**msgspec.structs.asdict(self.counts), before=self._before)
        return StateChange(PART, _KEY, msgspec.json.encode(row))


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


def _read(row: bytes) -> tuple[Counts, Counts]:
    try:
        return msgspec.json.decode(row, type=Counts), msgspec.json.decode(row, type=_Row).before or Counts()
    except (msgspec.DecodeError, UnicodeDecodeError):  # of another version: better a day's counts lost than no shop
        return Counts(), Counts()
