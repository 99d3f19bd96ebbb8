"""Counts of devices by zone and window, and what keeps strangers strangers."""

import hmac

import pytest

from edge_agent.shop.presence import Count, counting
from edge_agent.shop.presence.devices import TRACKED_MAX
from edge_agent.shop.presence.strangers import DayKey
from tests.unit.shop.presence.rig import OPENING_MS, TWO_ZONES, Rig, settings

WINDOW_MS = 15 * 60_000


def strangers(rig: Rig, count: int, dbm: int = -60, scanner: str = "door", first: int = 0) -> None:
    """Let so many strangers advertise three times in three seconds."""
    for _ in range(3):
        rig.advance(1_000)
        for number in range(first, first + count):
            rig.hear(None, dbm, scanner, address=f"5{number:05X}")
        rig.tick()


def to_next_window(rig: Rig) -> None:
    rig.run((WINDOW_MS - rig.wall_ms % WINDOW_MS) // 1000)


def test_strangers_and_members_near_are_counted_once_by_zone() -> None:
    rig = Rig()
    rig.tick()
    for _ in range(3):
        strangers(rig, 5)
        strangers(rig, 6, scanner="till")
    strangers(rig, 40, dbm=-85)
    rig.run(10, {"amy": {"door": -60}})
    to_next_window(rig)
    assert rig.counts == [Count("front", OPENING_MS, 900, 6), Count("tills", OPENING_MS, 900, 6)]
    assert all(change.identity.value == "amy" for change in rig.told)


def test_each_window_counts_anew() -> None:
    rig = Rig()
    rig.tick()
    strangers(rig, 7)
    to_next_window(rig)
    strangers(rig, 8)
    to_next_window(rig)
    to_next_window(rig)
    starts = [OPENING_MS, OPENING_MS + WINDOW_MS]
    assert [(c.window_start_ms, c.visitors) for c in rig.counts] == list(zip(starts, (7, 8), strict=True))


@pytest.mark.parametrize(("small_count", "told"), [(0, 4), (4, 4), (5, 0)])
def test_small_counts_are_not_told(small_count: int, told: int) -> None:
    rig = Rig(small_count=small_count)
    rig.tick()
    strangers(rig, 4)
    to_next_window(rig)
    to_next_window(rig)  # nobody at all is never told
    assert sum(count.visitors for count in rig.counts) == told


def test_a_window_cut_by_a_start_is_not_told() -> None:
    rig = Rig()
    rig.run(60)
    rig.start()
    strangers(rig, 9)
    to_next_window(rig)
    assert rig.counts == []
    strangers(rig, 9)
    to_next_window(rig)
    assert [count.visitors for count in rig.counts] == [9]


@pytest.mark.parametrize("step_ms", [-3_600_000, -120_000, 120_000, 3_600_000])
def test_a_window_in_which_the_clock_was_set_is_not_told(step_ms: int) -> None:
    rig = Rig()
    rig.tick()
    strangers(rig, 9)
    rig.run(300)
    rig.wall_ms += step_ms
    rig.run(1)
    to_next_window(rig)
    assert rig.counts == []
    strangers(rig, 9)
    to_next_window(rig)
    assert [count.visitors for count in rig.counts] == [9]


def test_a_badge_that_also_says_other_things_is_one_device() -> None:
    rig = Rig(small_count=1)
    rig.tick()
    for _ in range(10):
        rig.advance(500)
        rig.hear(None, -60, address="amy's")
        rig.advance(500)
        rig.hear("amy", -60, address="amy's")
        rig.tick()
    assert rig.engine.tracked == 1
    to_next_window(rig)
    assert [count.visitors for count in rig.counts] == [1]


def test_other_things_it_says_keep_a_visit() -> None:
    rig = Rig()
    for _ in range(5):
        rig.advance(1_000)
        rig.hear("amy", -60, address="amy's")
    for _ in range(100):
        rig.advance(1_000)
        rig.hear(None, -60, address="amy's")
        rig.tick()
    assert rig.engine.present == 1


def test_silent_strangers_are_forgotten_soon() -> None:
    rig = Rig()
    strangers(rig, 50)
    assert rig.engine.tracked == 50
    rig.run(60)
    assert rig.engine.tracked == 0


def test_the_day_key_changes_with_the_day_and_leads_nowhere() -> None:
    key = DayKey(b"random")
    assert not key.turn(OPENING_MS)
    today = key.name("AA:BB")
    assert today == hmac.digest(b"random", b"AA:BB", "sha256")
    assert not key.turn(OPENING_MS + 86_399_999)
    assert key.name("AA:BB") == today
    assert key.turn(OPENING_MS + 86_400_000)
    assert key.name("AA:BB") != today
    assert b"random" not in bytes(key._key)


def test_nothing_of_yesterdays_strangers_is_kept() -> None:
    rig = Rig(wall_ms=OPENING_MS + 86_400_000 - 5_000)
    rig.tick()
    strangers(rig, 20)
    rig.run(1)
    assert rig.engine.tracked == 20
    rig.run(1)
    assert rig.engine.tracked == 0


def test_windows_that_do_not_divide_the_day_count_nobody_twice() -> None:
    midnight, window_ms = OPENING_MS + 86_400_000, 7 * 60_000
    begin = midnight - midnight % window_ms
    assert begin < midnight - 30_000
    rig = Rig(settings=settings(count_window=7 * 60), wall_ms=begin)
    rig.tick()
    while rig.wall_ms < midnight + 60_000:
        strangers(rig, 9)
    rig.run(420)
    assert [count.visitors for count in rig.counts] == [9]


def test_who_turns_out_to_be_a_badge_is_not_counted_as_a_stranger_too() -> None:
    rig = Rig(small_count=1)
    rig.tick()
    for who in [None] * 5 + ["amy"] * 5:
        rig.advance(1_000)
        rig.hear(who, -60, address="amy's")
    to_next_window(rig)
    assert [count.visitors for count in rig.counts] == [1]


def test_the_forgotten_are_not_counted() -> None:
    rig = Rig(small_count=1)
    rig.tick()
    rig.run(5, {"amy": {"door": -60}, "bob": {"door": -60}})
    rig.engine.forget([("service_token", "amy")])
    to_next_window(rig)
    assert [count.visitors for count in rig.counts] == [1]


def test_a_count_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "COUNTED_MAX", 10)
    rig = Rig()
    rig.tick()
    strangers(rig, 12)
    to_next_window(rig)
    assert [count.visitors for count in rig.counts] == [10]


def test_strangers_go_before_anybody_known() -> None:
    rig = Rig()
    rig.run(2, {"amy": {"door": -60}})
    for number in range(TRACKED_MAX + 10):
        rig.hear(None, -50, address=f"flood {number}")
    rig.run(1, {"amy": {"door": -60}})
    assert rig.story() == ["entered amy front 0"]


def test_a_flood_of_strangers_is_bounded_and_ends_no_visit() -> None:
    rig = Rig(dict(TWO_ZONES))
    rig.run(5, {"amy": {"door": -60}})
    for batch in range(6):
        rig.advance(1_000)
        for number in range(1_500):
            rig.hear(None, -50, address=f"flood {batch} {number}")
        rig.tick()
    assert rig.engine.tracked == TRACKED_MAX
    rig.run(3, {"amy": {"door": -60}})
    assert rig.story() == ["entered amy front 0"]


def test_a_flood_of_identities_ends_the_longest_unseen_visit_properly() -> None:
    rig = Rig()
    rig.run(5, {"amy": {"door": -60}})
    for number in range(TRACKED_MAX):
        for _ in range(3):
            rig.hear(f"forged {number}", -50)
    assert rig.engine.tracked == TRACKED_MAX
    assert rig.engine.present == TRACKED_MAX
    assert [line for line in rig.story() if "amy" in line] == ["entered amy front 0", "left amy front 2"]
    assert len(rig.rows) == TRACKED_MAX


def test_a_visitor_heard_all_the_time_outlasts_a_flood_of_identities() -> None:
    rig = Rig()
    rig.run(5, {"amy": {"door": -60}})
    for number in range(TRACKED_MAX + 100):
        for _ in range(3):
            rig.hear(f"forged {number}", -50)
        if number % 100 == 0:
            rig.hear("amy", -60)
    assert [line for line in rig.story() if "amy" in line] == ["entered amy front 0"]
