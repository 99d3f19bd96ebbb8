"""Today in figures: orders, check-ins, visitors, in all and by hour."""

import msgspec

from edge_agent.clock import Moment
from edge_agent.page.sources import Reader, Sources


class Figure(msgspec.Struct, frozen=True):
    """One big number. ``key``: orders, amount, returns, checkins, visitors, unparsed …; ``value``: in words."""

    key: str
    label: str
    value: str


class Series(msgspec.Struct, frozen=True):
    """One row of bars. ``values``: one an hour; ``words``: all of them in a sentence, for those who cannot see bars."""

    key: str
    label: str
    values: tuple[int, ...]
    words: str


class Today(msgspec.Struct, frozen=True):
    """``hours``: the labels beneath the bars, from the business day's first hour on ("08", "09" …)."""

    business_day: str
    figures: tuple[Figure, ...]
    hours: tuple[str, ...]
    series: tuple[Series, ...]


def today(sources: Sources, reader: Reader, now: Moment) -> Today:
    """Return the figures of the business day."""
    raise NotImplementedError
