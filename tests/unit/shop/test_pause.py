"""The pause of presence: an hour by the box's own time, whatever its wall clock is set to and however it is ended."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.clock import Moment, TimeQuality
from edge_agent.shop.outcome import StateChange
from edge_agent.shop.pause import KEY, LENGTH_MS, PART, RENEW_MS, Pause
from tests.support.people import DOOR, People, settings

YEAR_MS = 365 * 86_400_000
START = Moment(1_795_305_600_000, 3_600_000, "boot-1", TimeQuality.SYNCED)

# What may happen to a paused box: time passes, its clock is set, the agent is started again, the box is.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.integers(1_000, LENGTH_MS)),
        st.tuples(st.just("set"), st.integers(-YEAR_MS, YEAR_MS)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("reboot"), st.integers(0, 2 * LENGTH_MS)),
    ),
    max_size=12,
)


class Box:
    """A pause on a box with two clocks and a disk."""

    def __init__(self) -> None:
        self.now = START
        self.rows: dict[str, bytes] = {}
        self.pause = Pause({})
        self.keep(self.pause.begin(self.now))

    def keep(self, changes: tuple[StateChange, ...]) -> None:
        for change in changes:
            assert (change.part, change.key, change.expires_ms) == (PART, KEY, None)
            if change.value is None:
                self.rows.pop(change.key)
            else:
                self.rows[change.key] = change.value

    def do(self, what: str, ms: int) -> None:
        match what:
            case "pass":
                self.now = replace(self.now, wall_ms=self.now.wall_ms + ms, uptime_ms=self.now.uptime_ms + ms)
            case "set":
                self.now = replace(self.now, wall_ms=self.now.wall_ms + ms)
            case "restart":
                self.pause = Pause(self.rows)
            case "reboot":
                self.now = Moment(self.now.wall_ms + ms, min(ms, 20_000), self.now.boot_id + "+", self.now.quality)
                self.pause = Pause(self.rows)
        self.keep(self.pause.tick(self.now))


@given(STEPS)
def test_it_lasts_an_hour_of_running_time_at_most(steps: list[tuple[str, int]]) -> None:
    box = Box()
    ran_ms, boots = 0, 0
    for what, ms in steps:
        before = box.pause.left_ms(box.now)
        box.do(what, ms)
        left = box.pause.left_ms(box.now)
        gained = RENEW_MS if what == "reboot" else 0  # a box without a clock goes by what was written last
        assert 0 <= left <= min(LENGTH_MS, before + gained), f"{what} made it longer"
        assert bool(box.rows) == bool(left), "its row goes with it"
        ran_ms += ms if what == "pass" else 0
        boots += what == "reboot"
    assert box.pause.left_ms(box.now) <= max(0, LENGTH_MS - ran_ms + boots * RENEW_MS)


@given(st.lists(st.tuples(st.sampled_from(["pass", "set", "restart"]), st.integers(-YEAR_MS, YEAR_MS)), max_size=12))
def test_within_a_boot_no_clock_and_no_kill_changes_it(steps: list[tuple[str, int]]) -> None:
    box, ran_ms = Box(), 0
    for what, ms in steps:
        passed = abs(ms) % RENEW_MS if what == "pass" else ms
        box.do(what, passed)
        ran_ms += passed if what == "pass" else 0
    assert box.pause.left_ms(box.now) == max(0, LENGTH_MS - ran_ms)


@pytest.mark.parametrize(
    ("off_ms", "left_ms"),
    [(60_000, LENGTH_MS - 60_000), (LENGTH_MS, 0), (YEAR_MS, 0), (-YEAR_MS, LENGTH_MS - 20_000)],
    ids=["a minute", "an hour", "for ever", "a clock without battery"],
)
def test_the_wall_clock_tells_how_long_the_box_was_off(off_ms: int, left_ms: int) -> None:
    box = Box()
    box.now = Moment(START.wall_ms + off_ms, 20_000, "boot-2", START.quality)
    box.pause = Pause(box.rows)
    box.do("pass", 0)
    assert box.pause.left_ms(box.now) == left_ms
    box.do("set", YEAR_MS)
    assert box.pause.left_ms(box.now) == left_ms, "asked once a boot: from then on it is the uptime"


def test_a_box_without_a_clock_that_is_switched_off_every_ten_minutes_goes_on_all_the_same() -> None:
    box, boots = Box(), 0
    while box.pause.left_ms(box.now):
        for _ in range(600):
            box.do("pass", 1_000)
        boots += 1
        box.now = Moment(0, 0, f"boot-{boots}", TimeQuality.UNSYNCED)
        box.pause = Pause(box.rows)
    assert boots <= 12


@pytest.mark.parametrize("row", [b"", b"\xff", b"[]", b'{"until": 5}', b'[[1, 2, "b"], "soon"]'])
def test_a_row_that_cannot_be_read_pauses_nothing(row: bytes) -> None:
    assert Pause({KEY: row}).left_ms(START) == 0


def test_a_row_that_says_more_than_an_hour_is_not_believed() -> None:
    row = b'[[1795305600000, 3600000, "boot-1"], 31536000000]'
    assert Pause({KEY: row}).left_ms(START) == LENGTH_MS


@pytest.fixture
def people() -> People:
    people = People()
    people.works()
    return people


def pause(people: People) -> None:
    people.keep(people.shop.people.pause(people.now))


def until_ms(people: People) -> int | None:
    return people.shop.people.paused_until_ms(people.now)


def test_what_is_heard_meanwhile_means_nothing(people: People) -> None:
    pause(people)
    people.stay(30)
    assert people.events == []
    assert people.shop.people.tracked == 0
    assert until_ms(people) == people.now.wall_ms + LENGTH_MS - 30_000
    assert people.shop.people.go_on(people.now).state
    people.stay(5)
    assert people.types() == ["presence.entered", "checkin.recorded"]


def test_nobody_leaves_by_its_silence_and_a_visit_goes_on_behind_it(people: People) -> None:
    people.stay(10)
    (entered,) = people.data("presence.entered")
    pause(people)
    people.wait(3590)
    assert people.shop.people.present == 1
    assert people.types("presence.left") == []
    people.wait(11)
    assert until_ms(people) is None, "by itself"
    people.stay(40)
    assert people.types("presence") == ["presence.entered", "presence.dwelled"]
    assert people.data("presence.dwelled")[0]["visit_id"] == entered["visit_id"]


def test_who_has_left_meanwhile_left_when_last_heard(people: People) -> None:
    people.stay(10)
    pause(people)
    people.wait(3600)
    people.wait(59)
    assert people.types("presence.left") == []
    people.wait(2)
    (left,) = people.data("presence.left")
    assert left["occurred_at"] == "2026-11-22T10:30:10.000+08:00"


@pytest.mark.parametrize("begin", ["restart", "reboot"])
def test_it_outlives_the_agent_and_the_box(people: People, begin: str) -> None:
    people.stay(10)
    pause(people)
    people.wait(60)
    if begin == "restart":
        people.restart()
    else:
        people.reboot(60)
    people.works()
    left_ms = (until_ms(people) or 0) - people.now.wall_ms
    people.stay(left_ms // 1000 - 1)
    assert people.types("presence") == ["presence.entered"]
    people.stay(5)
    assert people.types("presence") == ["presence.entered", "presence.dwelled"]


def test_a_clock_that_is_set_neither_ends_nor_stretches_it(people: People) -> None:
    for step_ms in (YEAR_MS, -2 * YEAR_MS, 30_000, -30_000):
        pause(people)
        people.wait(5)
        people.now = replace(people.now, wall_ms=people.now.wall_ms + step_ms)
        people.stay(10)
        assert people.events == []
        assert until_ms(people) == people.now.wall_ms + LENGTH_MS - 15_000


def test_a_scanner_that_fails_and_comes_back_meanwhile_is_not_listened_to(people: People) -> None:
    people.stay(10)
    pause(people)
    people.works(healthy=False)
    people.wait(60)
    people.works()
    people.wait(300)
    assert people.types("presence.left") == []
    assert people.shop.people.frozen == 2


@pytest.mark.parametrize("paused", [True, False])
def test_a_window_that_was_listened_to_in_part_is_not_told(paused: bool) -> None:
    people = People(settings(presence={"count_window": "15m"}))
    people.works()
    people.wait(1)  # 10:30:00: a window begins
    for number in range(8):
        for _ in range(3):
            people.wait(1)
            people.hear_stranger(number, scanner=DOOR)
    if paused:
        pause(people)
        people.wait(60)
        people.keep(people.shop.people.go_on(people.now))
        for number in range(8):
            for _ in range(3):
                people.wait(1)
                people.hear_stranger(number, scanner=DOOR)
    people.wait(900)
    assert people.types("presence") == ([] if paused else ["presence.counted"])


def test_after_a_commit_that_failed_it_is_as_it_was(people: People) -> None:
    people.shop.people.pause(people.now)  # never kept
    people.shop.restore(lambda part: people.rows.get(part, {}), people.now)
    assert until_ms(people) is None
    people.stay(5)
    assert people.types() == ["presence.entered", "checkin.recorded"]
