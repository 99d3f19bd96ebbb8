"""When what has the lowest priority may go."""

from edge_agent.sync.window import MAX_BYTES, MAX_FRAMES
from tests.unit.sync.test_window import drain, flowing, frames, window


def test_not_while_something_was_recorded_and_not_read_yet() -> None:
    made = window([])
    assert not made.is_behind(0, 0.0)
    assert made.is_behind(1, 0.0)


def test_not_while_something_that_was_read_could_go() -> None:
    assert window(frames(1, 2)).is_behind(2, 0.0)


def test_once_everything_has_been_published() -> None:
    made, _ = flowing(3)
    assert not made.is_behind(3, 0.0)
    assert made.is_behind(4, 0.0)


def test_while_head_office_must_answer_first() -> None:
    made, _ = flowing(MAX_FRAMES)
    assert not made.is_behind(MAX_FRAMES + 100, 0.0)


def test_while_the_next_frame_is_too_large_for_what_may_be_in_flight() -> None:
    made = window(frames(1, 3, size=MAX_BYTES // 2 - 1))
    (first,) = drain(made, 0.0)
    made.accepted(first)
    assert len(drain(made, 0.0)) == 1
    assert not made.is_behind(3, 0.0)
    made.acknowledged(1, 0.0)
    assert made.is_behind(3, 0.0)


def test_while_a_refused_frame_waits_for_its_next_try() -> None:
    made = window(frames(1, 1))
    (sent,) = drain(made, 0.0)
    made.refused(sent, 0x97, 0.0)
    assert not made.is_behind(1, 0.5)
    assert made.is_behind(1, 1.5)
