"""How fast a display takes the agent's own bytes."""

# What may stand in a port's buffer before the register's next byte: at 10 ms, nobody sees it.
AHEAD_MS = 10


class Pacing:
    """Says how many bytes may be written now. Times are milliseconds that never step."""

    def __init__(self, baudrate: int, gap_ms: int) -> None:
        """``gap_ms``: from the beginning of one byte to that of the next; less than a byte lasts means none.

        Displays without a buffer need 15 to 100 ms; a byte lasts ten bits.
        """
        byte_ms = 10_000 / baudrate
        self._byte_ms = max(byte_ms, float(gap_ms))
        self._at_once = max(1, int(AHEAD_MS / self._byte_ms))
        self._free_at = 0.0

    def allowed(self, now_ms: int) -> int:
        """Return how many bytes may go now."""
        return self._at_once if now_ms >= self._free_at else 0

    def sent(self, count: int, now_ms: int) -> None:
        """Tell of bytes on their way, the agent's or the register's."""
        self._free_at = max(self._free_at, float(now_ms)) + count * self._byte_ms

    @property
    def free_at_ms(self) -> int:
        """When the next byte may go."""
        return -int(-self._free_at // 1)
