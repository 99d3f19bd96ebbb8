"""Scanners: each has a clock that runs only while its radio works, so that a dead radio makes nobody leave."""

from collections.abc import Mapping

from edge_agent.shop.presence.changes import Place

# A radio that has just come back has not heard everybody yet: two of the longest advertising intervals of a badge
# (10.24 s, Core 5.4, Vol 6, Part B, 4.4.2.2.1), since one advertisement in a few is lost. Nobody leaves before.
GRACE_MS = 20_500


class Scanner:
    """One scanner: where it stands, and its clock (milliseconds of working time); not healthy until told so.

    ``running``: the clock runs: healthy, and not ``held`` for falling silent all at once. ``heard_ms``: uptime of the
    last advertisement. ``weighed``: what its silence since then means has been decided.
    """

    __slots__ = (
        "_grace_ms", "_offset_ms", "_resumed", "_stopped", "healthy", "heard_ms", "held", "name", "place", "running",
        "weighed",
    )  # fmt: skip

    def __init__(self, name: str, place: Place, leave_after_ms: int) -> None:
        """``leave_after_ms``: the shortest leave time-out; the grace is never longer."""
        self.name = name
        self.place = place
        self.healthy = self.held = self.running = False
        self.heard_ms = 0
        self.weighed = True
        self._grace_ms = min(GRACE_MS, leave_after_ms)
        self._stopped = 0
        self._resumed = 0
        self._offset_ms = 0

    def reading(self, uptime_ms: int) -> int:
        """Return the clock's reading at an uptime; while frozen, that at which it stopped."""
        return uptime_ms - self._offset_ms if self.running else self._stopped

    def heard(self, arrived_ms: int) -> int:
        """Note an advertisement; return the clock's reading on arrival."""
        self.heard_ms, self.weighed = arrived_ms, False
        if self.held:
            self.hold(False, arrived_ms)
        return self.reading(arrived_ms)

    def set_health(self, healthy: bool, uptime_ms: int) -> None:
        """Stop the clock, or let it go on from where it was; saying the same again changes nothing."""
        if healthy != self.healthy:
            self.healthy = healthy
            self._run(healthy and not self.held, uptime_ms)

    def hold(self, held: bool, uptime_ms: int) -> None:
        """Stop the clock though nobody says that the radio is dead, or let it go on."""
        self.held = held
        self._run(self.healthy and not held, uptime_ms)

    def is_settled(self, uptime_ms: int) -> bool:
        """Whether it works and has done so for long enough that its silence means something."""
        return self.running and uptime_ms - self._offset_ms - self._resumed >= self._grace_ms

    def _run(self, running: bool, uptime_ms: int) -> None:
        if running and not self.running:
            self._offset_ms = uptime_ms - self._stopped
            self._resumed = self._stopped
        elif self.running and not running:
            self._stopped = max(self._resumed, uptime_ms - self._offset_ms)
        self.running = running


def scanner_of(scanners: Mapping[str, Scanner], name: str, zone: str) -> Scanner | None:
    """Return the scanner ``name`` if it is in ``zone``, else another one of that zone, else None."""
    own = scanners.get(name)
    if own is not None and own.place.zone == zone:
        return own
    return next((scanner for scanner in scanners.values() if scanner.place.zone == zone), None)
