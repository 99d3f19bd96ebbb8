"""How many were near, by zone and window: numbers only, and no small ones."""

from collections.abc import Collection, Iterable

from edge_agent.clock import Moment
from edge_agent.shop.presence.changes import Count
from edge_agent.shop.presence.devices import TRACKED_MAX, Key

# What a window may differ from its length: it is looked at about once a second, and a busy machine is late at times.
# A clock that was set by more than that inside of it, or a start in its middle, and it is not told.
TOLERANCE_MS = 5_000
# A flood of made-up addresses must not fill the memory: a zone with more visitors a window counts no further.
COUNTED_MAX = TRACKED_MAX


class Counting:
    """Counts distinct devices; a window is told when it was lived through from begin to end."""

    def __init__(self, window_ms: int, small_count: int, zones: Iterable[str]) -> None:
        """``small_count``: fewer are not told."""
        self._window_ms = window_ms
        self._least = max(1, small_count)
        self._seen: dict[str, set[Key]] = {zone: set() for zone in zones}
        self._start_ms: int | None = None
        self._opened_ms = 0

    def near(self, zone: str, key: Key) -> None:
        """Count a device that meets the enter rule."""
        seen = self._seen[zone]
        if len(seen) < COUNTED_MAX:
            seen.add(key)

    def forget(self, keys: Collection[Key]) -> None:
        """Count these no longer in the window that runs."""
        for seen in self._seen.values():
            seen.difference_update(keys)

    def interrupt(self) -> None:
        """Begin again within the window that runs: it was not lived through."""
        self._start_ms = None
        for seen in self._seen.values():
            seen.clear()

    def turn(self, at: Moment) -> tuple[bool, tuple[Count, ...]]:
        """Return whether another window begins now, and the counts of the one that ended."""
        start_ms = at.wall_ms - at.wall_ms % self._window_ms
        if start_ms == self._start_ms:
            return False, ()
        counts = self._counts(at)
        self._start_ms, self._opened_ms = start_ms, at.uptime_ms
        for seen in self._seen.values():
            seen.clear()
        return True, counts

    def _counts(self, at: Moment) -> tuple[Count, ...]:
        if self._start_ms is None or abs(at.uptime_ms - self._opened_ms - self._window_ms) > TOLERANCE_MS:
            return ()
        return tuple(
            Count(zone, self._start_ms, self._window_ms // 1000, len(seen))
            for zone, seen in self._seen.items()
            if len(seen) >= self._least
        )
