"""The day proof in one line, or the receipts that differ."""

import msgspec

from edge_agent.clock import Moment
from edge_agent.page.sources import Reader, Sources


class Day(msgspec.Struct, frozen=True):
    """One business day. ``state``: open, waiting, agreed, differs; ``differing``, ``missing``: receipts by number."""

    business_day: str
    state: str
    sentence: str
    differing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class Proof(msgspec.Struct, frozen=True):
    """Today, and the days before it that matter. ``amount``: of today so far, in words ("¥8,420.00")."""

    today: Day
    earlier: tuple[Day, ...]
    amount: str | None = None


def proof(sources: Sources, reader: Reader, now: Moment) -> Proof:
    """Return how the days stand."""
    raise NotImplementedError
