"""When a stream's frames go out, and when again. Time is a number here."""

from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge_agent.contract.frames import Frame
from edge_agent.sync.window import MAX_BYTES, MAX_FRAMES, Sent, Window


def frames(first: int, count: int, *, size: int = 10, events: int = 1) -> list[Frame]:
    return [
        Frame("orders", start, start + events - 1, events, "identity", b"x" * size)
        for start in range(first, first + count * events, events)
    ]


def window(offered: Sequence[Frame], upto: int = 0) -> Window:
    made = Window(lambda: 0.0)
    made.start(upto)
    made.offer(upto, offered)
    return made


def drain(made: Window, now: float) -> list[Sent]:
    taken = []
    while (sent := made.take(now)) is not None:
        taken.append(sent)
    return taken


def flowing(count: int, **shape: int) -> tuple[Window, list[Sent]]:
    """A window that has sent ``count`` frames at time 0, all accepted by the broker."""
    made = window(frames(1, count, **shape))
    sent = drain(made, 0.0)
    made.accepted(sent[0])
    sent += drain(made, 0.0)
    for one in sent:
        made.accepted(one)
    return made, sent


def firsts(sent: Sequence[Sent]) -> list[int]:
    return [one.frame.first for one in sent]


def test_a_connection_begins_with_one_frame_and_opens_when_it_is_accepted() -> None:
    made = window(frames(1, 100))
    (first,) = drain(made, 0.0)
    made.accepted(first)
    assert len(drain(made, 0.0)) == MAX_FRAMES - 1


def test_a_mebibyte_in_flight_is_enough() -> None:
    made = window(frames(1, 60, size=MAX_BYTES // 10))
    (first,) = drain(made, 0.0)
    made.accepted(first)
    assert len(drain(made, 0.0)) == 9


def test_a_frame_of_more_than_the_limit_alone_still_goes() -> None:
    assert len(drain(window(frames(1, 1, size=2 * MAX_BYTES)), 0.0)) == 1


def test_an_acknowledgement_makes_room_in_order() -> None:
    made, _ = flowing(MAX_FRAMES)
    made.offer(MAX_FRAMES, frames(MAX_FRAMES + 1, 50))
    assert drain(made, 1.0) == []
    made.acknowledged(3, 1.0)
    assert firsts(drain(made, 1.0)) == [65, 66, 67]


def test_silence_repeats_the_first_frame_alone_after_ten_seconds_doubling_to_five_minutes() -> None:
    made, sent = flowing(5)
    now, waits = 0.0, []
    for _ in range(8):
        deadline = made.deadline(now)
        assert deadline is not None
        assert drain(made, deadline - 0.01) == []
        (again,) = drain(made, deadline)
        assert again is sent[0]
        made.accepted(again)
        waits.append(deadline - now)
        now = deadline
    assert waits == pytest.approx([10, 20, 40, 80, 160, 300, 300, 300])


def test_progress_begins_the_waits_again() -> None:
    made, _ = flowing(5)
    for when in (10.0, 30.0):
        made.accepted(drain(made, when)[0])
    made.acknowledged(2, 31.0)
    assert made.deadline(31.0) == pytest.approx(41.0)


def test_the_waits_have_jitter_and_are_never_shorter() -> None:
    made = Window(lambda: 0.999)
    made.offer(0, frames(1, 1))
    made.accepted(drain(made, 0.0)[0])
    assert 10.0 < (made.deadline(0.0) or 0) <= 12.0


def test_frames_that_were_lost_behind_the_first_follow_in_doubling_bursts() -> None:
    made, _ = flowing(20)
    bursts = []
    now = 10.0
    while again := drain(made, now):
        bursts.append(firsts(again))
        for one in again:
            made.accepted(one)
        now += 0.1
        made.acknowledged(again[-1].frame.last, now)  # exactly what was repeated: nothing behind it was alive
    assert bursts == [[1], [2, 3], [4, 5, 6, 7], list(range(8, 16)), list(range(16, 21))]
    assert made.deadline(now) is None


def test_a_central_that_was_only_slow_gets_nothing_twice_but_the_first() -> None:
    made, _ = flowing(20)
    (again,) = drain(made, 10.0)
    made.accepted(again)
    made.acknowledged(7, 10.5)
    assert drain(made, 10.5) == []
    assert made.resends == 1


def test_what_has_no_puback_yet_is_not_repeated() -> None:
    made = window(frames(1, 1))
    drain(made, 0.0)
    assert drain(made, 100.0) == []


def test_nobody_listens_the_first_is_retried_every_second_and_the_rest_waits() -> None:
    made = window(frames(1, 10))
    (sent,) = drain(made, 0.0)
    for second in range(5):
        made.refused(sent, 0x10, float(second))
        assert made.loaded == 0
        assert not made.wants(10, second + 0.99)
        assert made.wants(10, second + 1.0)
        made.offer(0, frames(1, 10))
        (sent,) = drain(made, second + 1.0)
        assert sent.frame.first == 1
    made.accepted(sent)
    assert len(drain(made, 6.0)) == 9


def test_a_frame_refused_in_the_middle_takes_back_those_behind_it() -> None:
    made, sent = flowing(10)
    made.acknowledged(2, 0.0)
    made.refused(sent[4], 0x10, 0.0)
    assert made.loaded == 4
    made.refused(sent[7], 0x10, 0.0)  # late news of a frame that already counts as not sent
    assert made.loaded == 4
    made.offer(4, frames(5, 6))
    (again,) = drain(made, 1.0)
    assert again.frame.first == 5


def test_a_refusal_backs_off_to_five_minutes() -> None:
    made = Window(lambda: 0.0)
    now, waits = 0.0, []
    for _ in range(11):
        made.offer(0, frames(1, 1))
        (sent,) = drain(made, now)
        made.refused(sent, 0x87, now)
        deadline = made.deadline(now)
        assert deadline is not None
        waits.append(deadline - now)
        now = deadline
    assert waits == pytest.approx([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])


def test_an_unchanged_acknowledgement_asks_for_one_retry_a_second_at_most() -> None:
    made, _ = flowing(5)
    made.unchanged(1.0)
    (again,) = drain(made, 1.0)
    assert again.frame.first == 1
    made.accepted(again)
    made.unchanged(1.5)
    assert drain(made, 1.5) == []
    made.unchanged(2.0)
    assert firsts(drain(made, 2.0)) == [1]


def test_frames_read_for_another_place_are_not_taken() -> None:
    made = window([])
    made.acknowledged(5, 0.0)
    made.offer(0, frames(1, 10))
    assert drain(made, 0.0) == []
    assert made.loaded == 5


def test_a_frame_half_acknowledged_is_sent_whole() -> None:
    made = window(frames(1, 1, events=10), upto=0)
    made.start(4)
    made.offer(4, frames(1, 1, events=10))
    (sent,) = drain(made, 0.0)
    assert (sent.frame.first, sent.frame.last) == (1, 10)


def test_the_broker_alone_may_acknowledge_without_holes() -> None:
    made = window(frames(1, 4))
    (first,) = drain(made, 0.0)
    made.accepted(first)
    rest = drain(made, 0.0)
    made.accepted(rest[1])
    assert made.accepted_upto() == 1
    made.accepted(rest[0])
    assert made.accepted_upto() == 3


def test_what_was_sent_before_a_new_start_means_nothing_afterwards() -> None:
    made, sent = flowing(5)
    made.start(0)
    made.offer(0, frames(1, 5))
    made.refused(sent[2], 0x87, 0.0)
    made.accepted(sent[3])
    assert firsts(drain(made, 0.0)) == [1]


def test_what_may_have_reached_somebody_is_remembered_but_not_what_was_refused() -> None:
    made, sent = flowing(4)
    made.refused(sent[1], 0x10, 0.0)
    assert made.sent_upto == 4  # 3 and 4 were accepted
    made, sent = flowing(2)
    made.refused(sent[1], 0x10, 0.0)
    assert made.sent_upto == 1
    made.start(0)
    assert made.sent_upto == 1


class Conversation(RuleBasedStateMachine):
    """A stream, a broker that loses or refuses, a central that is late or forgets: everything arrives in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.last = 0
        self.made = Window(lambda: 0.5)
        self.flying: list[Sent] = []
        self.queued: list[Frame] = []
        self.stored: set[int] = set()
        self.said = 0

    def step(self) -> None:
        while True:
            if self.made.wants(self.last, self.now):
                after = self.made.loaded
                self.made.offer(after, frames(after + 1, min(20, self.last - after)))
            sent = self.made.take(self.now)
            if sent is None:
                return
            self.flying.append(sent)

    @rule(count=st.integers(1, 30))
    def record(self, count: int) -> None:
        self.last += count
        self.step()

    @precondition(lambda self: self.flying)
    @rule(fate=st.sampled_from(["delivered", "lost", "nobody", "refused"]), count=st.integers(1, 70))
    def broker_answers(self, fate: str, count: int) -> None:
        for sent in self.flying[:count]:
            if fate in {"nobody", "refused"}:
                self.made.refused(sent, 0x10 if fate == "nobody" else 0x97, self.now)
            else:
                if fate == "delivered":
                    self.queued.append(sent.frame)
                self.made.accepted(sent)
        del self.flying[:count]
        self.step()

    @rule(count=st.integers(1, 70), say=st.booleans())
    def central_stores(self, count: int, say: bool) -> None:
        for frame in self.queued[:count]:
            self.stored.add(frame.first)
        del self.queued[:count]
        while self.said + 1 in self.stored:
            self.said += 1
        if say and self.said > self.made.upto:
            self.made.acknowledged(self.said, self.now)
        elif say:
            self.made.unchanged(self.now)
        self.step()

    @rule(seconds=st.floats(0.1, 400))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.step()

    @rule()
    def link_breaks(self) -> None:
        self.flying.clear()
        self.made.start(self.made.upto)
        self.step()

    @rule(back=st.integers(0, 50))
    def central_is_restored(self, back: int) -> None:
        self.said = max(0, self.said - back)
        self.stored = {sequence for sequence in self.stored if sequence <= self.said}
        self.queued.clear()
        self.made.start(self.said)
        self.step()

    @invariant()
    def never_too_much_in_flight(self) -> None:
        assert len([sent for sent in self.flying if not sent.gone]) <= MAX_FRAMES

    def teardown(self) -> None:
        for _ in range(40 + self.last):
            if self.said == self.last:
                break
            deadline = self.made.deadline(self.now)
            self.now = max(self.now, deadline or 0.0)
            self.step()
            self.broker_answers("delivered", len(self.flying)) if self.flying else None
            self.central_stores(len(self.queued) + 1, say=True)
        assert self.said == self.last


Conversation.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestConversation = Conversation.TestCase


def test_silence_counts_from_the_last_word_on_what_the_broker_took() -> None:
    made, _ = flowing(3)
    assert made.unconfirmed(59.0) == 59.0
    made.acknowledged(1, 60.0)
    assert made.unconfirmed(61.0) == 1.0
    made.acknowledged(3, 70.0)
    assert made.unconfirmed(1000.0) == 0.0, "nothing is in flight"
    refused = window(frames(1, 1))
    drain(refused, 0.0)
    assert refused.unconfirmed(100.0) == 0.0, "the broker itself has not taken it"


def test_who_is_in_a_hurry_has_what_was_refused_tried_again_but_not_all_the_time() -> None:
    made = window(frames(1, 1))
    now = 0.0
    for _ in range(6):  # by now its pause is half a minute
        (sent,) = drain(made, now)
        made.refused(sent, 0x97, now)
        made.offer(0, frames(1, 1))
        now = made.deadline(now) or now
    (sent,) = drain(made, now)
    made.refused(sent, 0x97, now)
    made.offer(0, frames(1, 1))
    made.hurry(now + 0.5)
    assert drain(made, now + 0.5) == []
    (sent,) = drain(made, now + 1.0)
    made.refused(sent, 0x97, now + 1.0)
    made.offer(0, frames(1, 1))
    made.hurry(now + 10.0)
    assert len(drain(made, now + 10.0)) == 1
