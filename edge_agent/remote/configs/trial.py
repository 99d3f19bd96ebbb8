"""One config on trial: how long it has, and how it ends. Pure but for the devices it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass

from edge_agent.remote.configs.worse import GRACE_S, Comparison, Seen, starting

# A link lost just before the end has this long to return: the uplink tries again within 60 s, so that a broker's
# restart does not roll a fleet back.
LINK_S = 60
# What opening may take beyond a trial that is shorter than that: after 5 s a device that says nothing counts as down.
OPENING_MS = 6_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a trial ended. ``code``: of the contract's section 7; empty: well."""

    code: str = ""
    detail: str = ""


class Trial:
    """A config that runs now and has yet to show that it makes nothing worse."""

    def __init__(self, before: Mapping[str, Seen], seconds: int, at_ms: int) -> None:
        """``before``: the devices as they were when the last known good ran. ``at_ms``: uptime of its begin."""
        self._comparison = Comparison(before)
        self._grace_ms = min(GRACE_S, seconds) * 1000
        self._link_ms = min(LINK_S, seconds) * 1000
        self._ends_ms = at_ms + seconds * 1000
        self._away_since_ms: int | None = None

    def judged(self, now: Mapping[str, Seen], at_ms: int, *, connected: bool) -> Verdict | None:
        """Return how it ends, None as long as it goes on. To be asked several times a second."""
        if connected:
            self._away_since_ms = None
        elif self._away_since_ms is None:
            self._away_since_ms = at_ms
        over = at_ms >= self._ends_ms and not (starting(now) and at_ms < self._ends_ms + OPENING_MS)
        if fault := self._comparison.fault(now, at_ms, 0 if over else self._grace_ms):
            return Verdict("device_failed", fault)
        if not over:
            return None
        if self._away_since_ms is None:
            return Verdict()
        away_ms = at_ms - self._away_since_ms
        if away_ms < self._link_ms:
            return None
        return Verdict("link_failed", f"head office has not been reached for {away_ms // 1000} s")
