"""What is wrong now, since when, and whether every essential part still makes progress."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from edge_agent.clock import Clock, Moment


class Level(StrEnum):
    """The three levels a store manager sees."""

    OK = "ok"
    ATTENTION = "attention"
    ACTION = "action"


_RANK = {Level.OK: 0, Level.ATTENTION: 1, Level.ACTION: 2}


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is wrong. ``code``: stable, for machines; ``detail``: one line for a person, without secrets."""

    code: str
    level: Level
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reported:
    """A condition of ``part`` and the moment it began; ``wrong_since``: when that part last was without any."""

    part: str
    condition: Condition
    since: Moment
    wrong_since: Moment


class Health:
    """Parts report conditions and mark progress here; the page, the watchdog and the uplink read it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._conditions: dict[str, Reported] = {}
        self._progress: dict[str, tuple[int, int]] = {}
        self._listeners: list[Callable[[], None]] = []

    def report(self, part: str, condition: Condition | None) -> bool:
        """Say what is wrong with ``part`` now, or None. Returns whether that is news (another code, or cured)."""
        before = self._conditions.get(part)
        if condition is None:
            if before is None:
                return False
            del self._conditions[part]
        else:
            if before is not None and before.condition == condition:
                return False
            same_code = before is not None and before.condition.code == condition.code
            since = before.since if before is not None and same_code else self._clock.now()
            self._conditions[part] = Reported(part, condition, since, before.wrong_since if before else since)
        self.news()
        return before is None or condition is None or before.condition.code != condition.code

    def news(self) -> None:
        """Tell the listeners that the status says something else, though nothing went wrong or was cured."""
        for listener in self._listeners:
            listener()

    @contextmanager
    def listening(self, listener: Callable[[], None]) -> Iterator[None]:
        """Call ``listener`` after every change of any condition and all ``news``, while the context lasts."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def conditions(self) -> list[Reported]:
        """Return what is wrong now, worst first, then oldest first."""
        return sorted(self._conditions.values(), key=lambda r: (-_RANK[r.condition.level], r.since.uptime_ms, r.part))

    def level(self) -> Level:
        """Return the worst level of all conditions."""
        worst = self.conditions()
        return worst[0].condition.level if worst else Level.OK

    def progress(self, part: str, *, within_ms: int) -> None:
        """Mark that an essential part has just done something, and promises the next mark ``within_ms``."""
        self._progress[part] = (self._clock.read_awake_ms(), within_ms)

    def rest(self, part: str) -> None:
        """Take back what an essential part has promised: it has ended, or waits for what others have promised."""
        self._progress.pop(part, None)

    def stalled(self) -> list[str]:
        """Return the essential parts that have broken their promise."""
        now = self._clock.read_awake_ms()
        return sorted(part for part, (at, within) in self._progress.items() if now - at > within)
