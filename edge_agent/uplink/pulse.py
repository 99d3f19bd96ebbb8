"""Whether the broker still answers: timers without a clock."""

from dataclasses import dataclass

# An idle broker that was asked (after ``keepalive`` seconds of silence) must answer within these.
PING_SECONDS = 10.0


@dataclass(slots=True)
class Pulse:
    """Times are seconds of a monotonic clock. ``keepalive`` 0: an idle line is never asked.

    ``moved_at``: the last PUBACK, the publish that found nothing outstanding, or the queue's last move (``flow``).
    ``heard_at``: the last byte. ``asked_at``: the last SUBSCRIBE.
    """

    puback_seconds: float
    keepalive: int
    moved_at: float
    heard_at: float
    taken: int = 0
    asked_at: float = 0.0

    def lost(self, now: float, outstanding: int, subscribing: int = 0) -> str:
        """Return why the line counts as dead, or nothing.

        ``outstanding``: publishes without a PUBACK. ``subscribing``: subscriptions without a SUBACK; it may come behind
        a retained message that takes minutes on a slow line, and the SUBSCRIBE go behind others: only silence counts.
        """
        if subscribing and (waited := now - max(self.asked_at, self.heard_at, self.moved_at)) > self.puback_seconds:
            return f"no SUBACK for {waited:.0f} s"
        if outstanding:
            waited = now - self.moved_at
            return f"no PUBACK for {waited:.0f} s" if waited > self.puback_seconds else ""
        silent = now - self.heard_at
        return f"silent for {silent:.0f} s" if self.keepalive and silent > self.keepalive + PING_SECONDS else ""

    def flow(self, now: float, queued: int, taken: int) -> None:
        """Note what TCP says: bytes the other side has not taken yet, and bytes it has taken since the beginning.

        On a line of 5 KB/s a frame of 64 KiB takes 13 s: as long as such a queue moves, nobody can have answered yet.
        An empty queue proves nothing: the kernel of a frozen broker takes small packets for it.
        """
        if queued and taken > self.taken:
            self.moved_at = now
        self.taken = taken
