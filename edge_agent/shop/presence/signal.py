"""How strongly one device is heard by one scanner: smoothing, and what is weak for long."""

from edge_agent.shop.presence.scanners import Scanner

# Median of 5, then an exponential mean: the median takes the spikes of reflections, the mean the rest of the noise.
MEDIAN_OF = 5
ALPHA = 0.3
# Fewer advertisements than this give no figure: one lucky reflection of a passer-by would be the whole mean.
ENOUGH = 3
ENTER_WITHIN_MS = 10_000  # the last three must be this close together to enter

EXIT_HOLD_MS = 15_000
# After such a silence the old figures say nothing of now: the smoothing starts anew. No longer than the exit hold, so
# that a weak run is made of advertisements, never of the silence between two of them.
STALE_MS = EXIT_HOLD_MS


class Signal:
    """One device as one scanner hears it.

    ``level``: smoothed dBm, None before three advertisements in a row. ``heard_ms``: uptime of the last one;
    ``heard``: the same on the scanner's clock, on which all time-outs run. ``weak_since``: on that clock.
    """

    __slots__ = ("_recent", "_second_ms", "_third_ms", "heard", "heard_ms", "level", "scanner", "weak_since")

    def __init__(self, scanner: Scanner, arrived_ms: int, reading: int) -> None:
        self.scanner = scanner
        self.level: float | None = None
        self.heard_ms = self._second_ms = self._third_ms = arrived_ms
        self.heard = reading
        self.weak_since: int | None = None
        self._recent: list[int] = []

    def add(self, rssi: int, arrived_ms: int, reading: int, exit_dbm: int) -> None:
        """Take in one advertisement, which arrived when the scanner's clock showed ``reading``."""
        recent = self._recent
        if arrived_ms - self.heard_ms > STALE_MS:
            recent.clear()
            self.level = self.weak_since = None
        recent.append(rssi)
        if len(recent) > MEDIAN_OF:
            del recent[0]
        self._third_ms, self._second_ms, self.heard_ms, self.heard = self._second_ms, self.heard_ms, arrived_ms, reading
        if len(recent) < ENOUGH:
            return
        median = sorted(recent)[(len(recent) - 1) // 2]
        level = self.level
        self.level = level = median if level is None else level + ALPHA * (median - level)
        if level >= exit_dbm:
            self.weak_since = None
        elif self.weak_since is None:
            self.weak_since = reading

    def enters(self, enter_dbm: int) -> bool:
        """Whether the advertisement just taken in shows somebody near: strong, and the third in a short time."""
        return (
            self.level is not None
            and self.level >= enter_dbm
            and self.heard_ms - self._third_ms <= ENTER_WITHIN_MS
            and len(self._recent) >= ENOUGH
        )

    def estimate(self, uptime_ms: int) -> float | None:
        """Return ``level``, or what the first advertisements promise; None if it says nothing of now."""
        if self.silence_ms(uptime_ms) > STALE_MS or not self._recent:
            return None
        return self.level if self.level is not None else sorted(self._recent)[(len(self._recent) - 1) // 2]

    @property
    def is_weak(self) -> bool:
        """Whether it has been heard below the exit level, and only so, for the exit hold."""
        return self.weak_since is not None and self.heard - self.weak_since >= EXIT_HOLD_MS

    def silence_ms(self, uptime_ms: int) -> int:
        """Return how long the working scanner has not heard it."""
        return self.scanner.reading(uptime_ms) - self.heard

    def is_fresh(self, uptime_ms: int) -> bool:
        """Whether ``level`` says something of now; while the scanner is frozen its last word stands."""
        return self.level is not None and self.silence_ms(uptime_ms) <= STALE_MS
