"""One thing that goes wrong again and again: what it may say, what is counted, what it never hides."""

from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from edge_agent.log_limit import BURST, EVERY_S, KEPT, Limit


class Told:
    """What passes a limit, by a clock of the test's."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.limit = Limit(lambda: self.now)

    def say(self, event: str = "part_down", **fields: Any) -> dict[str, Any] | None:
        try:
            return dict(self.limit(None, "info", {"event": event, **fields}))
        except structlog.DropEvent:
            return None


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_burst_passes_and_then_one_every_while(told: Told) -> None:
    passed = 0
    for _ in range(3600 * 10):  # ten a second, for an hour
        passed += told.say(part="till-1") is not None
        told.now += 0.1
    assert abs(passed - (BURST + 3600 / EVERY_S)) <= 1


def test_every_line_passes_or_is_counted(told: Told) -> None:
    passed, counted = 0, 0
    with capture_logs() as logs:
        for number in range(1000):
            line = told.say(part="till-1")
            if line is not None:
                passed += 1
                counted += line.get("suppressed", 0)
            told.now += number % 7
        told.now += EVERY_S
        told.limit.tell_quiet()
        told.limit.tell_quiet()
    rest = sum(log["count"] for log in logs)
    assert passed + counted + rest == 1000
    assert passed < 1000


def test_what_becomes_quiet_is_told_by_the_next_line_of_anything(told: Told) -> None:
    for _ in range(BURST + 5):
        told.say(part="till-1")
    with capture_logs() as logs:
        told.say("link_up")
        assert logs == []
        told.now += EVERY_S
        told.say("link_up")
        told.now += EVERY_S
        told.say("link_up")
    assert logs == [
        {"event": "log_lines_suppressed", "log_level": "warning", "of": "part_down", "about": "till-1", "count": 5}
    ]


def test_however_many_are_noisy_every_line_is_counted(told: Told) -> None:
    noisy = 3 * BURST
    with capture_logs(processors=[told.limit]) as logs:
        for number in range(noisy):
            for _ in range(BURST + 1):
                told.say(part=str(number))
        told.now += EVERY_S
        told.limit.tell_quiet()
    assert sum(line["count"] for line in logs if line["event"] == "log_lines_suppressed") == noisy


@pytest.mark.parametrize("about", [{"part": "till-2"}, {"device": "till-2"}, {"stream": "orders"}, {}])
def test_one_thing_hides_no_other(told: Told, about: dict[str, str]) -> None:
    for _ in range(BURST + 5):
        told.say(part="till-1")
    assert told.say(part="till-1") is None
    assert told.say(**about) is not None
    assert told.say("part_crashed", part="till-1") is not None, "nor one event another of the same thing"


def test_after_a_quiet_while_it_may_say_as_much_again(told: Told) -> None:
    for _ in range(2):
        assert [told.say(part="x") is not None for _ in range(BURST + 1)] == [True] * BURST + [False]
        told.now += BURST * EVERY_S


def test_any_number_of_things_takes_bounded_memory(told: Told) -> None:
    for number in range(KEPT * 5):
        told.say(part=str(number))
        assert len(told.limit._told) <= KEPT
    told.now += 2 * EVERY_S
    told.say(part="new")
    assert len(told.limit._told) == 1, "what is as if never said is forgotten first"
