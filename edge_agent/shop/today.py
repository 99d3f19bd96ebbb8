"""What the current business day has brought so far: the counts a manager sees, kept over restarts."""

from collections.abc import Mapping

import msgspec

from edge_agent.shop.outcome import StateChange

PART = "today"
_KEY = "counts"


class Counts(msgspec.Struct):
    """One business day's counts.

    ``seen``: slips by kind, orders or not; ``duplicates``: papers seen again; ``visitors``: visits that began.
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


class Today:
    """The running counts; its row is durable state."""

    def __init__(self, rows: Mapping[str, bytes]) -> None:
        """``rows``: the durable rows of ``PART``."""
        self.counts = msgspec.json.decode(rows[_KEY], type=Counts) if _KEY in rows else Counts()

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

    def of(self, business_day: str) -> Counts:
        """Return the counts of that day: empty once the day has changed."""
        return self.counts if self.counts.business_day == business_day else Counts(business_day=business_day)

    def _turn_to(self, business_day: str) -> None:
        if business_day != self.counts.business_day:  # an earlier one, too: the clock had been ahead
            self.counts = Counts(business_day=business_day)

    def _row(self) -> StateChange:
        return StateChange(PART, _KEY, msgspec.json.encode(self.counts))
