"""How long a config has, and how its trial ends."""

from edge_agent.remote.configs.trial import LINK_S, Trial, Verdict
from edge_agent.remote.configs.worse import Seen
from tests.unit.remote.configs.test_worse import seen

UP = {"till-1": seen(port="/dev/ttyUSB9")}
DOWN = {"till-1": seen("down", "missing", port="/dev/ttyUSB9")}
HELD = {"till-1": seen("down", "busy", port="/dev/ttyUSB9")}
STARTING = {"till-1": seen("down", "starting", port="/dev/ttyUSB9")}


def trial(seconds: int) -> Trial:
    return Trial({"till-1": seen()}, seconds, at_ms=1_000_000)


def at(seconds: float) -> int:
    return 1_000_000 + round(seconds * 1000)


def judged(under: Trial, now: dict[str, Seen], seconds: float, *, connected: bool = True) -> Verdict | None:
    return under.judged(now, at(seconds), connected=connected)


def test_it_passes_at_its_end_and_not_before() -> None:
    under = trial(300)
    assert judged(under, UP, 0) is None
    assert judged(under, UP, 299.9) is None
    assert judged(under, UP, 300) == Verdict()


def test_a_broken_till_gets_its_config_back_after_ten_seconds_not_after_an_hour() -> None:
    under = trial(3600)
    assert judged(under, DOWN, 0) is None
    assert judged(under, DOWN, 9) is None
    assert judged(under, DOWN, 10) == Verdict("device_failed", "till-1: missing")


def test_a_trial_shorter_than_opening_takes_waits_for_devices_to_say_something() -> None:
    under = trial(1)
    assert judged(under, STARTING, 1) is None
    assert judged(under, STARTING, 6.9) is None
    assert judged(under, UP, 6.95) == Verdict()
    assert judged(trial(1), STARTING, 7) == Verdict("device_failed", "till-1: starting")


def test_a_link_that_returns_before_its_end_is_no_reason() -> None:
    under = trial(300)
    assert judged(under, UP, 10, connected=False) is None
    assert judged(under, UP, 200, connected=False) is None
    assert judged(under, UP, 299, connected=True) is None
    assert judged(under, UP, 300) == Verdict()


def test_a_link_lost_just_before_the_end_has_a_minute_to_return() -> None:
    for returns in (True, False):
        under = trial(300)
        assert judged(under, UP, 299, connected=False) is None
        assert judged(under, UP, 300, connected=False) is None
        assert judged(under, UP, 299 + LINK_S - 0.1, connected=False) is None
        last = judged(under, UP, 299 + LINK_S, connected=returns)
        assert last == (Verdict() if returns else Verdict("link_failed", "head office has not been reached for 60 s"))


def test_a_link_that_stays_away_fails_a_trial_at_its_end() -> None:
    under = trial(2)
    assert judged(under, UP, 0, connected=False) is None
    assert judged(under, UP, 1.9, connected=False) is None
    verdict = judged(under, UP, 2, connected=False)
    assert verdict is not None
    assert verdict.code == "link_failed"


def test_a_till_that_breaks_while_a_link_is_waited_for_is_the_reason() -> None:
    under = trial(2)
    assert judged(under, UP, 1, connected=False) is None
    assert judged(under, HELD, 2, connected=False) == Verdict("device_failed", "till-1: busy")
