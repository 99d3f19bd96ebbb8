"""How much one thing that goes wrong again and again may say: a structlog processor. Threads log, too."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from structlog.typing import EventDict, WrappedLogger

# What a line is about, so that one thing that is noisy hides no other. All are names of the configuration or of the
# agent's own parts: bounded, and no stranger's choice.
ABOUT = ("device", "part", "stream", "side", "section", "touchpoint", "journal")

# A line has some 200 B and costs the journal 700 B with its fields. Twenty at once show a pattern; then one every 30 s,
# the longest pause of a part that is tried again (supervisor.CAP_S), is 2,880 lines or 2 MB a day: journald's share of
# a 32 GB disk (10 %, journald.conf(5)) takes four years of it, and the 2,000 lines in memory 16 h.
BURST = 20
EVERY_S = 30.0
# 160 B each. There are some 100 events, most of them about nothing or about one of at most 32 devices.
KEPT = 1_024

LOOK_EVERY_S = 1.0

_Key = tuple[str, str]


@dataclass(slots=True)
class _Told:
    full_until: float  # the bucket as one number: when it will be full again (GCRA, ITU-T I.371)
    suppressed: int = 0
    latest: float = 0.0  # the latest line that was suppressed


class Limit:
    """Lets pass ``BURST`` lines of an event about one thing and then one every ``EVERY_S``; none is lost uncounted.

    The next line that passes has ``suppressed``: how many did not before it. Where none comes,
    ``log_lines_suppressed`` says it (``of``, ``about``, ``count``) once it has been quiet for ``EVERY_S``.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._told: dict[_Key, _Told] = {}
        self._waiting: set[_Key] = set()
        self._look_at = 0.0
        self._lock = threading.Lock()

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Let a line pass or raise DropEvent (structlog's word for: say nothing)."""
        if event["event"] == "log_lines_suppressed":  # the only one without a limit: one for each that has one, at most
            return event
        now = self._now()
        if self._waiting and now >= self._look_at:
            self.tell_quiet()
        with self._lock:
            key = (event["event"], _about(event))
            told = self._told.get(key)
            if told is None:
                self._make_room(now)
                told = self._told[key] = _Told(now)
            if told.full_until - now > (BURST - 1) * EVERY_S:
                told.suppressed += 1
                told.latest = now
                self._waiting.add(key)
                raise structlog.DropEvent
            told.full_until = max(told.full_until, now) + EVERY_S
            if told.suppressed:
                event["suppressed"] = told.suppressed
                told.suppressed = 0
                self._waiting.discard(key)
        return event

    def tell_quiet(self) -> None:
        """Log what was suppressed of whatever has become quiet since. To be called now and then; costs 0.1 µs."""
        if not self._waiting:
            return
        now = self._now()
        self._look_at = now + LOOK_EVERY_S
        with self._lock:
            quiet = [key for key in self._waiting if now - self._told[key].latest >= EVERY_S]
            self._waiting.difference_update(quiet)
            counts = [self._told[key].suppressed for key in quiet]
            for key in quiet:
                self._told[key].suppressed = 0
        for (event, about), count in zip(quiet, counts, strict=True):
            structlog.get_logger().warning("log_lines_suppressed", of=event, about=about, count=count)

    def _make_room(self, now: float) -> None:
        """Forget whatever is as if never said; where that is not enough, what was first said longest ago."""
        if len(self._told) < KEPT:
            return
        self._told = {key: told for key, told in self._told.items() if told.full_until > now or key in self._waiting}
        while len(self._told) >= KEPT:
            oldest = next(iter(self._told))
            del self._told[oldest]
            self._waiting.discard(oldest)


def _about(event: EventDict) -> str:
    for field in ABOUT:
        if field in event:
            return str(event[field])
    return ""
