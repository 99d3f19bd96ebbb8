"""How long a backlog takes: from what was acknowledged while something waited, on a clock of the test's."""

import pytest

from edge_agent.sync.pace import LEAST_S, WINDOW_S, Pace


def drain(pace: Pace, waiting: int, per_second: int, seconds: int, begin: float = 0.0) -> tuple[int, float]:
    """Acknowledge so many events every second; returns what waits, and when."""
    now = begin
    for second in range(1, seconds + 1):
        now, waiting = begin + second, waiting - per_second
        pace.delivered(per_second, waiting, now)
    return waiting, now


def test_the_rest_takes_as_long_as_its_beginning_says() -> None:
    pace = Pace()
    pace.start(0.0)
    waiting, now = drain(pace, 10_000, 100, 20)
    assert pace.seconds(waiting, now) == pytest.approx(waiting / 100)


def test_nothing_is_said_before_anything_was_measured() -> None:
    pace = Pace()
    assert pace.seconds(100, 50.0) is None
    pace.start(50.0)
    assert pace.seconds(100, 60.0) is None, "nothing has been acknowledged"
    pace.delivered(10, 90, 50.0 + LEAST_S - 1)
    assert pace.seconds(90, 50.0 + LEAST_S - 0.5) is None, "too early"
    assert pace.seconds(90, 50.0 + LEAST_S) == pytest.approx(90 * LEAST_S / 10)


def test_only_the_last_minute_counts() -> None:
    pace = Pace()
    pace.start(0.0)
    waiting, now = drain(pace, 1_000_000, 1_000, 300)
    waiting, now = drain(pace, waiting, 10, int(WINDOW_S) + 1, now)
    assert pace.seconds(waiting, now) == pytest.approx(waiting / 10, rel=0.05)


def test_a_line_that_stalls_takes_longer_and_longer_until_nothing_is_known() -> None:
    pace = Pace()
    pace.start(0.0)
    waiting, now = drain(pace, 10_000, 100, 10)
    expected = [pace.seconds(waiting, now + stalled) for stalled in (0, 10, 40)]
    assert expected == sorted(expected, key=lambda seconds: seconds or 0.0)
    assert expected[1] == pytest.approx((expected[0] or 0.0) * 2)
    assert pace.seconds(waiting, now + WINDOW_S + 1) is None


def test_a_shop_whose_orders_go_home_at_once_says_nothing_of_the_line() -> None:
    pace = Pace()
    pace.start(0.0)
    for minute in range(10):
        pace.delivered(1, 0, minute * 60.0)
    assert pace.seconds(500, 600.0) is None
    waiting, now = drain(pace, 500, 50, 6, 600.0)
    assert pace.seconds(waiting, now) == pytest.approx(waiting / 50)


def test_another_connection_is_measured_anew() -> None:
    pace = Pace()
    pace.start(0.0)
    waiting, now = drain(pace, 10_000, 100, 10)
    pace.start(now)
    assert pace.seconds(waiting, now + 5) is None


def test_acknowledgements_by_the_thousand_take_no_memory() -> None:
    pace = Pace()
    pace.start(0.0)
    for number in range(100_000):
        pace.delivered(1, 1_000_000 - number, number / 1_000)
    assert len(pace._delivered) <= WINDOW_S + 1, "one number a second"
    assert pace.seconds(1_000, 100.0) == pytest.approx(1.0, rel=0.05)
