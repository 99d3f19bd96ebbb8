"""How long the door stays shut after wrong codes."""

from edge_agent.page.manager.tries import LONGEST_WAIT_S, Tries

DAY_MS = 86_400_000


def test_five_are_free_then_each_waits_twice_as_long_up_to_a_quarter_of_an_hour() -> None:
    tries, now_ms, waits = Tries(), 1_000_000, list[int]()
    assert [tries.take(now_ms) for _ in range(5)] == [0] * 5
    for _ in range(7):
        waits.append(tries.take(now_ms))
        now_ms += 1000 * waits[-1]
        assert tries.take(now_ms) == 0, "the wait is over"
    assert waits == [30, 60, 120, 240, 480, 900, 900]


def test_a_wait_ends_to_the_second_whatever_is_tried_meanwhile() -> None:
    tries = Tries()
    for _ in range(5):
        assert tries.take(0) == 0
    assert [tries.take(now_ms) for now_ms in (0, 1, 29_000, 29_999)] == [30, 30, 1, 1]
    assert tries.take(30_000) == 0


def test_a_patient_thief_gets_a_hundred_tries_a_day() -> None:
    tries = Tries()
    allowed = sum(tries.take(second * 1000) == 0 for second in range(DAY_MS // 1000))
    assert allowed <= DAY_MS // 1000 // LONGEST_WAIT_S + 11


def test_the_right_code_begins_again() -> None:
    tries = Tries()
    for _ in range(5):
        tries.take(0)
    tries.forget()
    assert [tries.take(0) for _ in range(6)] == [0, 0, 0, 0, 0, 30]
