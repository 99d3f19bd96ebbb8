from edge_agent.uplink.pulse import Pulse


def pulse(keepalive: int = 30) -> Pulse:
    return Pulse(10.0, keepalive, moved_at=100.0, heard_at=100.0)


def test_ten_seconds_without_a_puback_are_too_long_only_with_something_outstanding() -> None:
    assert pulse().lost(110.0, 1) == ""
    assert "PUBACK" in pulse().lost(110.1, 1)
    assert pulse().lost(139.0, 0) == ""


def test_an_idle_broker_has_ten_seconds_to_answer_a_ping() -> None:
    assert pulse().lost(140.0, 0) == ""
    assert "silent" in pulse().lost(140.1, 0)
    assert pulse(keepalive=0).lost(10_000.0, 0) == ""


def test_a_slow_line_is_not_a_dead_one() -> None:
    slow = pulse()
    for second in range(1, 60):
        slow.flow(100.0 + second, queued=60_000 - 1_000 * second, taken=1_000 * second)
        assert slow.lost(100.0 + second, 1) == ""


def test_a_line_that_takes_nothing_is_dead() -> None:
    stuck = pulse()
    stuck.flow(101.0, queued=5_000, taken=1_000)
    for second in range(2, 12):
        stuck.flow(100.0 + second, queued=5_000, taken=1_000)
    assert stuck.lost(112.0, 1)


def test_the_kernel_of_a_frozen_broker_proves_nothing() -> None:
    frozen = pulse()
    for second in range(1, 12):
        frozen.flow(100.0 + second, queued=0, taken=100 * second)
    assert frozen.lost(111.0, 11)


def test_a_subscription_waits_only_for_as_long_as_the_broker_says_nothing_at_all() -> None:
    asked = pulse()
    asked.asked_at = 120.0
    assert asked.lost(130.0, 0, 1) == ""
    assert "SUBACK" in asked.lost(130.1, 0, 1)
    asked.heard_at = 125.0
    assert asked.lost(135.0, 0, 1) == "", "a retained message comes first"
    assert asked.lost(139.0, 0) == ""
