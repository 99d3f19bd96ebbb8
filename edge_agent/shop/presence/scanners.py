"""Scanners: each has a clock that runs only while its radio works, so that a dead radio makes nobody leave."""

from edge_agent.shop.presence.changes import Place

# A radio that has just come back has not heard everybody yet: two of the longest advertising intervals of a badge
# (10.24 s, Core 5.4, Vol 6, Part B, 4.4.2.2.1), since one advertisement in a few is lost. Nobody leaves before.
GRACE_MS = 20_500


class Scanner:
    """One scanner: where it stands, and its clock (milliseconds of working time); not healthy until told so."""

    __slots__ = ("_grace_ms", "_offset_ms", "_resumed", "_stopped", "healthy", "name", "place")

    def __init__(self, name: str, place: Place, leave_after_ms: int) -> None:
        """``leave_after_ms``: the shortest leave time-out; the grace is never longer."""
        self.name = name
        self.place = place
        self.healthy = False
        self._grace_ms = min(GRACE_MS, leave_after_ms)
        self._stopped = 0
        self._resumed = 0
        self._offset_ms = 0

    def reading(self, uptime_ms: int) -> int:
        """Return the clock's reading at an uptime; while frozen, that at which it stopped."""
        return uptime_ms - self._offset_ms if self.healthy else self._stopped

    def set_health(self, healthy: bool, uptime_ms: int) -> None:
        """Stop the clock, or let it go on from where it was; saying the same again changes nothing."""
        if healthy == self.healthy:
            return
        if healthy:
            self._offset_ms = uptime_ms - self._stopped
            self._resumed = self._stopped
        else:
            self._stopped = max(self._resumed, uptime_ms - self._offset_ms)
        self.healthy = healthy

    def is_settled(self, uptime_ms: int) -> bool:
        """Whether it works and has done so for long enough that its silence means something."""
        return self.healthy and uptime_ms - self._offset_ms - self._resumed >= self._grace_ms
