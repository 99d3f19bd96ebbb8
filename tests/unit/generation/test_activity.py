"""What devices were heard to say in the last day, over restarts, power cuts and clocks that are set."""

from dataclasses import dataclass, field, replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.clock import Moment, TimeQuality
from edge_agent.generation.activity import BUCKET_MS, BUCKETS, PART, Activity

TILL, READER = "till-1", "reader-1"
HOUR, DAY, YEAR = 3_600_000, 86_400_000, 365 * 86_400_000
NOON = 1_795_320_000_000 // BUCKET_MS * BUCKET_MS  # of a day in 2026

START = Moment(NOON, HOUR, "boot-1", TimeQuality.SYNCED)


@dataclass
class Box:
    """A box with one clock that is right and one that may be set: ``Activity`` knows the latter alone."""

    now: Moment = START
    rows: dict[str, bytes] = field(default_factory=dict)
    devices: tuple[str, ...] = (TILL, READER)
    wrong_ms: int = 0

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the agent with what is on disk."""
        self.activity = Activity(self.rows, self.devices)

    def write(self) -> int:
        """Write what has changed; return how many rows that were."""
        changes = self.activity.changes(self.now)
        for change in changes:
            assert change.part == PART
            self.rows.pop(change.key, None)
            if change.value is not None:
                self.rows[change.key] = change.value
        return len(changes)

    def wait(self, ms: int) -> None:
        self.now = replace(self.now, wall_ms=self.now.wall_ms + ms, uptime_ms=self.now.uptime_ms + ms)

    def set_clock(self, wrong_ms: int) -> None:
        """Set the clock so that it is wrong by this much."""
        self.now = replace(self.now, wall_ms=self.now.wall_ms + wrong_ms - self.wrong_ms)
        self.wrong_ms = wrong_ms

    def reboot(self, after_ms: int) -> None:
        self.wait(after_ms)
        self.now = replace(self.now, uptime_ms=20_000, boot_id=f"{self.now.boot_id}+")
        self.start()

    def say(self, count: int = 1, device: str = TILL) -> None:
        self.activity.said(device, count, self.now)

    def counts(self, device: str = TILL) -> tuple[int, ...]:
        return self.activity.of(device, self.now).counts

    def last_seen_ms(self) -> int | None:
        return self.activity.of(TILL, self.now).last_seen_ms

    def down_since_ms(self) -> int | None:
        return self.activity.of(TILL, self.now).down_since_ms

    def works(self, *, works: bool) -> None:
        self.activity.state(TILL, works=works, at=self.now)


def test_what_a_device_says_counts_in_its_half_hour() -> None:
    box = Box()
    box.say(3)
    box.wait(BUCKET_MS - 1)
    box.say(1)
    box.wait(1)
    box.say(5)
    box.say(2, READER)
    assert box.counts() == (*[0] * (BUCKETS - 2), 4, 5)
    assert box.counts(READER) == (*[0] * (BUCKETS - 1), 2)
    box.wait((BUCKETS - 2) * BUCKET_MS)
    assert box.counts() == (4, 5, *[0] * (BUCKETS - 2))
    box.wait(BUCKET_MS)
    assert box.counts() == (5, *[0] * (BUCKETS - 1))


def test_bytes_that_mean_nothing_are_seen_and_not_counted() -> None:
    box = Box()
    assert box.last_seen_ms() is None
    box.say(0)
    box.wait(5_000)
    assert (box.last_seen_ms(), sum(box.counts())) == (NOON, 0)


def test_only_what_changed_is_written() -> None:
    box = Box()
    assert box.write() == 0, "nothing is known of any device"
    box.say()
    assert (box.write(), set(box.rows)) == (1, {TILL})
    box.wait(DAY)
    assert box.write() == 0
    box.start()
    assert box.write() == 0, "what was read is on disk"
    box.say(0)
    assert box.write() == 1


def test_a_row_stays_small_however_long_a_device_talks() -> None:
    box = Box()
    for _ in range(10 * BUCKETS):
        box.say(100_000)
        box.wait(BUCKET_MS)
    box.works(works=False)
    box.write()
    assert len(box.rows[TILL]) < 1_024
    assert box.counts() == (*[100_000] * (BUCKETS - 1), 0)


def test_a_removed_device_loses_its_row_and_a_new_one_begins_with_none() -> None:
    box = Box()
    box.say()
    box.say(1, READER)
    box.write()
    box.devices = (READER, "ble-1")
    box.start()
    assert (box.write(), set(box.rows)) == (1, {READER})
    assert box.write() == 0
    assert sum(box.counts(READER)) == 1
    assert sum(box.counts("ble-1")) == 0


@pytest.mark.parametrize("row", [b"", b"\xc1", msgspec.msgpack.encode({"another": "version"})])
def test_a_row_of_another_version_costs_the_bars_alone(row: bytes) -> None:
    box = Box(rows={TILL: row})
    assert (box.last_seen_ms(), sum(box.counts())) == (None, 0)
    box.say()
    assert box.write() == 1
    box.start()
    assert sum(box.counts()) == 1


def test_a_device_has_been_down_since_it_went_through_reasons_restarts_and_power_cuts() -> None:
    box = Box()
    box.works(works=False)
    box.wait(HOUR)
    box.works(works=False)
    assert box.down_since_ms() == NOON
    box.write()
    box.start()
    box.works(works=False)
    assert box.down_since_ms() == NOON
    box.reboot(2 * DAY)
    assert box.down_since_ms() == NOON
    box.works(works=False)
    box.wait(1_000)
    box.works(works=True)
    assert box.down_since_ms() is None
    assert box.write() == 1
    box.start()
    assert box.down_since_ms() is None, "also where nothing else is known of it"


def test_moments_of_a_wrong_clock_are_right_once_it_is_set() -> None:
    box = Box()
    box.set_clock(-50 * YEAR)
    box.say()
    box.works(works=False)
    box.write()
    box.start()
    box.wait(HOUR)
    box.set_clock(0)
    assert (box.last_seen_ms(), box.down_since_ms()) == (NOON, NOON)
    assert box.write() == 1, "or a power cut would bring back the wrong ones"
    assert box.write() == 0
    box.reboot(HOUR)
    assert (box.last_seen_ms(), box.down_since_ms()) == (NOON, NOON)


def test_a_power_cut_leaves_no_moment_in_the_future() -> None:
    box = Box()
    box.say()
    box.works(works=False)
    box.write()
    box.set_clock(-YEAR)  # without a battery, the clock begins anywhere
    box.reboot(HOUR)
    assert (box.last_seen_ms(), box.down_since_ms()) == (None, None)
    box.works(works=False)
    box.write()
    box.set_clock(0)
    assert (box.last_seen_ms(), box.down_since_ms()) == (NOON, NOON), "and forgets nothing until the clock is set"


def test_the_clocks_own_jitter_is_no_reason_to_write() -> None:
    box = Box()
    box.say()
    box.write()
    box.set_clock(150)
    assert box.write() == 0


@pytest.mark.parametrize("wrong_ms", [-50 * YEAR, YEAR])
def test_a_full_day_is_left_by_a_clock_that_is_wrong_now_and_then(wrong_ms: int) -> None:
    box = Box()
    said = list(range(1, BUCKETS + 1))
    for count in said[:-1]:
        box.say(count)
        box.wait(BUCKET_MS)
    box.say(said[-1])
    for accident_number in range(4):
        assert box.counts() == tuple(said)
        box.set_clock(wrong_ms * (accident_number + 1))
        box.say(7)
        box.wait(BUCKET_MS)
        box.say(7)
        box.set_clock(0)
        box.say(1)
        said = [*said[1:], 1]
    assert box.counts() == tuple(said)


moves = st.one_of(
    st.tuples(st.just("say"), st.integers(0, 1_000)),
    st.tuples(st.just("wait"), st.integers(1, 3 * HOUR)),
    st.tuples(st.sampled_from(["restart", "fail", "work", "write"]), st.just(0)),
)
# What is said while the clock is wrong, and how wrong: by years, so that nothing of it falls into the last day.
accident = st.tuples(st.sampled_from([-50 * YEAR, -YEAR, YEAR, 10 * YEAR]), st.lists(moves, max_size=12))


@given(st.lists(moves, max_size=40), st.lists(st.tuples(accident, st.lists(moves, max_size=25)), max_size=4))
def test_no_clock_that_is_set_takes_away_what_is_true(
    first: list[tuple[str, int]], rest: list[tuple[tuple[int, list[tuple[str, int]]], list[tuple[str, int]]]]
) -> None:
    box = Box()
    true: dict[int, int] = {}
    seen: int | None = None
    down: int | None = None

    def live(what: list[tuple[str, int]]) -> None:
        nonlocal seen, down
        for move, amount in what:
            right_ms = box.now.wall_ms - box.wrong_ms
            match move:
                case "say":
                    box.say(amount)
                    seen = right_ms
                    if not box.wrong_ms:
                        true[right_ms // BUCKET_MS] = true.get(right_ms // BUCKET_MS, 0) + amount
                case "wait":
                    box.wait(amount)
                case "write":
                    box.write()
                case "restart":
                    box.write()
                    box.start()
                case "fail":
                    box.works(works=False)
                    down = right_ms if down is None else down
                case "work":
                    box.works(works=True)
                    down = None

    live(first)
    for (wrong_ms, meanwhile), after in rest:
        box.set_clock(wrong_ms)
        live(meanwhile)
        box.set_clock(0)
        live(after)
    newest = box.now.wall_ms // BUCKET_MS
    assert box.counts() == tuple(true.get(bucket, 0) for bucket in range(newest - BUCKETS + 1, newest + 1))
    assert (box.last_seen_ms(), box.down_since_ms()) == (seen, down)
    box.write()
    assert all(len(row) < 1_024 for row in box.rows.values())


@given(st.lists(st.tuples(st.integers(-10 * YEAR, 10 * YEAR), st.integers(0, DAY), st.booleans()), max_size=60))
def test_any_clock_is_survived(steps: list[tuple[int, int, bool]]) -> None:
    box = Box()
    for wrong_ms, then_ms, cut in steps:
        box.set_clock(wrong_ms)
        box.say()
        box.works(works=cut)
        box.write()
        if cut:
            box.reboot(then_ms)
        else:
            box.wait(then_ms)
        told = box.activity.of(TILL, box.now)
        assert len(told.counts) == BUCKETS
        for moment in (told.last_seen_ms, told.down_since_ms):
            assert moment is None or moment <= box.now.wall_ms
