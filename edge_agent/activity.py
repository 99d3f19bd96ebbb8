"""How much each device has said in the last day, and when last: kept over restarts."""

from collections.abc import Mapping
from dataclasses import dataclass

from edge_agent.clock import Moment
from edge_agent.shop.outcome import StateChange

PART = "activity"
BUCKET_MS = 30 * 60_000
BUCKETS = 48  # one day


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a device. ``last_seen_ms``, ``down_since_ms``: Unix milliseconds, or None.

    ``counts``: observations in each bucket of the last day, oldest first, ``BUCKETS`` of them.
    """

    last_seen_ms: int | None
    down_since_ms: int | None
    counts: tuple[int, ...]


class Activity:
    """Counts what devices say. Its rows are durable state, written now and then rather than with every event."""

    def __init__(self, rows: Mapping[str, bytes]) -> None:
        """``rows``: the durable rows of ``PART``."""

    def said(self, device: str, observations: int, at: Moment) -> None:
        """Count observations of a device."""
        raise NotImplementedError

    def state(self, device: str, *, works: bool, at: Moment) -> None:
        """Note whether a device works: since when it has not is told over restarts."""
        raise NotImplementedError

    def of(self, device: str, at: Moment) -> Seen:
        """Return what is known of a device."""
        raise NotImplementedError

    def changes(self) -> tuple[StateChange, ...]:
        """Return the rows that say something else than when last asked."""
        raise NotImplementedError
