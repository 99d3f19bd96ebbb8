"""How fast a backlog goes home: measured, so that it can be said how long the rest will take."""

from collections import deque

WINDOW_S = 60.0  # what counts: a line's speed a minute ago says more about the next minute than that of an hour ago
LEAST_S = 3.0  # a connection begins with single frames (``window``): its first second says little
BUCKET_S = 1.0  # acknowledgements are counted by the second: 60 numbers, however many come


class Pace:
    """Counts what is acknowledged while something waits. Times are seconds of any monotonic clock."""

    def __init__(self) -> None:
        self._since: float | None = None  # when the backlog of the moment began to go home
        self._delivered: deque[tuple[float, int]] = deque(maxlen=round(WINDOW_S / BUCKET_S) + 1)

    def start(self, now: float) -> None:
        """Begin anew: a connection was made, what was measured on another says nothing."""
        self._since = now
        self._delivered.clear()

    def delivered(self, events: int, waiting: int, now: float) -> None:
        """Note that so many events were acknowledged, and that so many wait after that."""
        if waiting == 0:  # from here on it is the shop that sets the pace, not the line
            self._since = None
            self._delivered.clear()
        elif self._since is None:
            self._since = now  # what was acknowledged now has been under way for nobody knows how long
        elif self._delivered and now - self._delivered[-1][0] < BUCKET_S:
            at, before = self._delivered[-1]
            self._delivered[-1] = (at, before + events)
        else:
            self._delivered.append((now, events))

    def seconds(self, waiting: int, now: float) -> float | None:
        """Return how long it will take until so many events are acknowledged; None while too little was measured."""
        if self._since is None:
            return None
        while self._delivered and now - self._delivered[0][0] > WINDOW_S:
            self._delivered.popleft()
        measured_s = min(now - self._since, WINDOW_S)
        events = sum(count for _, count in self._delivered)
        return waiting * measured_s / events if events and measured_s >= LEAST_S else None
