"""How long to wait before connecting again: full jitter, so that ten thousand stores do not return in one second."""

from collections.abc import Callable

FIRST_SECONDS = 1.0
MAX_SECONDS = 60.0
HEALTHY_SECONDS = 60.0  # a connection that lasted this long starts the next series from the beginning


class Backoff:
    """Full jitter: a random wait between 0 and a ceiling that doubles from 1 s to 60 s."""

    def __init__(self, random: Callable[[], float]) -> None:
        """``random`` returns a float in [0, 1)."""
        self._random = random
        self._ceiling = FIRST_SECONDS

    def next(self) -> float:
        """Return the seconds to wait now; the next wait may be twice as long."""
        wait = self._random() * self._ceiling
        self._ceiling = min(2 * self._ceiling, MAX_SECONDS)
        return wait

    def connected_for(self, seconds: float) -> None:
        """Tell how long the last connection lasted."""
        if seconds >= HEALTHY_SECONDS:
            self.reset()

    def reset(self) -> None:
        """Start from the beginning, as when the machine's own network comes back."""
        self._ceiling = FIRST_SECONDS
