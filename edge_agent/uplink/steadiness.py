"""Whether the line holds: what a manager is shown of one that comes and goes, and what the log is told once."""

from edge_agent.health import Condition, Level
from edge_agent.uplink.backoff import HEALTHY_SECONDS
from edge_agent.uplink.reasons import condition

# A restarted broker, or one cable that was pulled twice, is no line that comes and goes.
FORGIVEN = 3


class Steadiness:
    """Counts connections that are made and lost within a minute; after a few, only a healthy minute is a cure."""

    def __init__(self) -> None:
        self._short = self._failed = 0
        self._told: set[str] = set()

    @property
    def steady(self) -> bool:
        """Whether a connection that is made may be believed at once."""
        return self._short < FORGIVEN

    def lasted(self, seconds: float) -> None:
        """Tell how long a connection lasted that was made."""
        self._short = 0 if seconds >= HEALTHY_SECONDS else self._short + 1
        self._failed = 0

    def failed(self) -> None:
        """Tell that no connection could be made: a line that stays away does not come and go."""
        self._failed += 1
        if self._failed >= FORGIVEN:
            self._short = 0

    def cured(self) -> None:
        """Tell that a connection is believed: its loss will be news, whatever the reason."""
        self._told.clear()

    def wrong(self, reason: str, detail: str) -> Condition:
        """Return what to show for a loss. One that asks for somebody's action is shown as it is."""
        what = condition(reason, detail)
        return what if self.steady or what.level is Level.ACTION else condition("unsteady")

    def is_news(self, code: str) -> bool:
        """Return whether this reason is worth a line in the log: once in an outage, however often they take turns."""
        news = code not in self._told
        self._told.add(code)
        return news
