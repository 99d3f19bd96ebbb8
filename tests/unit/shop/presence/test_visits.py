"""One visit: entering, staying, leaving, and what a radio or a restart in between does to it."""

import pytest

from edge_agent.shop.presence import EMPTY, Sighting
from edge_agent.shop.presence.visits import UNSEEN_MAX_MS, VisitRow, next_dwell_ms, read_rows
from tests.unit.shop.presence.rig import DOOR, SHELF, TILL, Rig, badge, settings

NEAR, FAR = {"amy": {"door": -60}}, {"amy": {"door": -90}}


def test_three_strong_advertisements_enter_and_silence_leaves() -> None:
    rig = Rig()
    rig.run(2, NEAR)
    assert rig.story() == []
    rig.run(28, NEAR)
    entered = rig.told[0]
    assert (entered.kind, entered.place, entered.rssi, entered.first) == ("entered", DOOR, -60, True)
    assert rig.engine.present == 1
    last_sight = rig.now
    rig.run(59)
    assert rig.story() == ["entered amy front 0"]
    rig.run(1)
    left = rig.told[0]
    assert rig.story() == ["left amy front 27"]
    assert (left.at, left.visit_id, left.first, left.rssi) == (last_sight, entered.visit_id, False, -60)
    assert (rig.engine.present, rig.rows) == (0, {})


def test_a_phone_is_given_longer() -> None:
    rig = Rig()
    rig.run(5, NEAR, amy="phone")
    rig.run(119)
    assert rig.story() == ["entered amy front 0"]
    rig.run(1)
    assert rig.story() == ["left amy front 2"]


@pytest.mark.parametrize(
    "levels", [[-76] * 60, [-60, -90, -90, -90], [-127] * 60, [-60, -60]], ids=["weak", "spike", "absent", "too few"]
)
def test_what_is_not_near_does_not_enter(levels: list[int]) -> None:
    rig = Rig()
    for dbm in levels:
        rig.run(1, {"amy": {"door": dbm}})
    assert rig.story() == []


def test_rare_advertisements_do_not_enter() -> None:
    rig = Rig()
    for _ in range(20):
        rig.run(1, NEAR)
        rig.run(5)
    assert rig.story() == []


def test_between_the_levels_nothing_changes() -> None:
    rig = Rig()
    rig.run(5, NEAR)
    rig.run(50, {"amy": {"door": -80}})
    assert rig.story() == ["entered amy front 0"]
    assert rig.engine.present == 1


def test_weak_for_fifteen_seconds_leaves_from_when_it_became_weak() -> None:
    rig = Rig()
    rig.run(10, NEAR)
    rig.run(14, FAR)
    assert rig.story() == ["entered amy front 0"]
    rig.run(12, FAR)
    (left,) = rig.told
    assert rig.engine.tracked == 1
    assert (left.kind, left.dwell_seconds) == ("left", 12)  # the mean falls below -82 with the sixth
    rig.run(60, FAR)
    assert rig.engine.present == 0
    rig.run(10, NEAR)
    assert rig.story() == ["left amy front 12", "entered amy front 0"]


def test_silence_after_a_weak_moment_waits_the_whole_time_out() -> None:
    rig = Rig()
    rig.run(10, NEAR)
    rig.run(8, FAR)
    rig.run(50)
    rig.run(2, FAR)
    rig.run(10, NEAR)
    assert rig.story() == ["entered amy front 0", "dwelled amy front 70"]


def test_staying_is_told_after_a_minute_and_every_five() -> None:
    rig = Rig()
    rig.run(12 * 60, NEAR)
    assert rig.story() == ["entered amy front 0", *(f"dwelled amy front {60 + 300 * n}" for n in range(3))]


def test_a_stay_is_what_was_seen_not_what_was_waited() -> None:
    rig = Rig()
    rig.run(60, NEAR)  # in since the third second
    rig.run(60)
    assert rig.story() == ["entered amy front 0", "left amy front 57"]


@pytest.mark.parametrize(("told", "expected"), [(0, 60), (59, 60), (60, 360), (359, 360), (360, 660), (3_600, 3_660)])
def test_late_stays_are_told_once(told: int, expected: int) -> None:
    assert next_dwell_ms(told * 1000, 60_000) == expected * 1000


def test_another_zone_takes_over_by_eight_decibels_for_five_seconds() -> None:
    rig = Rig()
    rig.run(20, {"amy": {"door": -60, "till": -68}})
    rig.run(20, {"amy": {"door": -66, "till": -59}})
    assert rig.story() == ["entered amy front 0"]
    rig.run(10, {"amy": {"door": -75, "till": -55}})
    left, entered = rig.told
    assert (left.place, left.kind, entered.place, entered.kind) == (DOOR, "left", TILL, "entered")
    assert left.visit_id == entered.visit_id
    assert not entered.first
    assert left.at == entered.at
    assert 40 <= left.dwell_seconds <= 47
    assert len(rig.rows) == 1


def test_a_short_peak_elsewhere_changes_nothing() -> None:
    rig = Rig()
    for _ in range(5):
        rig.run(20, {"amy": {"door": -60, "till": -70}})
        rig.run(4, {"amy": {"door": -70, "till": -55}})
    assert {line.split()[2] for line in rig.story()} == {"front"}


def test_the_strongest_scanner_of_a_zone_gives_the_touchpoint_silently() -> None:
    rig = Rig({"door": DOOR, "shelf": SHELF})
    rig.run(20, {"amy": {"door": -60, "shelf": -70}})
    rig.run(20, {"amy": {"door": -75, "shelf": -55}})
    rig.run(60)
    assert [(c.kind, c.place.touchpoint) for c in rig.told] == [("entered", "entrance"), ("left", "shelf")]


def test_nobody_leaves_while_the_radio_is_dead_and_time_goes_on_after() -> None:
    rig = Rig()
    rig.run(30, NEAR)
    rig.run(30)
    rig.health("door", healthy=False)
    assert rig.engine.frozen == ("door",)
    rig.run(600)
    rig.health("door")
    rig.run(29)
    assert rig.story() == ["entered amy front 0"]
    rig.run(1)
    assert rig.story() == ["left amy front 27"]


def test_a_radio_that_has_just_come_back_has_a_grace_to_hear_everybody() -> None:
    rig = Rig()
    rig.run(30, NEAR)
    rig.run(59)
    rig.health("door", healthy=False)
    rig.run(10)
    rig.health("door")
    rig.run(20)
    assert rig.engine.present == 1
    rig.run(1)
    assert rig.engine.present == 0


def test_another_scanner_still_sees_while_one_is_dead() -> None:
    rig = Rig()
    rig.run(10, {"amy": {"door": -70}})
    rig.health("door", healthy=False)
    rig.run(10, {"amy": {"till": -66}})
    assert rig.story() == ["entered amy front 0"]  # not 8 dB better than what the door heard last
    rig.run(10, {"amy": {"till": -50}})
    assert [line.split()[:3] for line in rig.story()] == [["left", "amy", "front"], ["entered", "amy", "tills"]]
    rig.run(300)
    assert rig.engine.present == 1  # the door heard her last ten seconds before it died: it may know better
    rig.health("door")
    rig.run(61)
    assert rig.engine.present == 0


def test_unhealthy_until_told_otherwise() -> None:
    rig = Rig(healthy=False)
    rig.run(10, NEAR)
    rig.run(600)
    assert rig.story() == ["entered amy front 0"]


def test_a_restart_goes_on_with_the_visit_and_its_stay() -> None:
    rig = Rig()
    rig.run(50, NEAR)
    visit_id = rig.told[0].visit_id
    rig.start(healthy=False)
    assert rig.engine.present == 1
    rig.run(100)
    rig.health("door")
    rig.run(59)
    rig.run(250, NEAR)
    assert rig.story() == ["entered amy front 0", "dwelled amy front 207", "dwelled amy front 360"]
    assert list(rig.rows) == [visit_id]


def test_a_restored_visit_has_its_full_time_out_and_leaves_when_it_was_last_known() -> None:
    rig = Rig()
    rig.run(100, NEAR)  # told at 63 s: that is what the disk knows
    rig.start(healthy=False)
    rig.run(500)
    rig.health("door")
    rig.run(59)
    assert rig.engine.present == 1
    rig.run(1)
    assert rig.story() == ["entered amy front 0", "dwelled amy front 60", "left amy front 60"]


def test_a_reboot_in_between_counts_by_the_wall() -> None:
    rig = Rig()
    rig.run(10, NEAR)
    rig.reboot(120_000)
    rig.run(10, NEAR)
    assert rig.story() == ["entered amy front 0", "dwelled amy front 128"]


def test_a_clock_set_back_over_a_reboot_shortens_no_stay() -> None:
    rig = Rig()
    rig.run(100, NEAR)
    rig.reboot(-86_400_000)
    rig.run(1)
    rig.run(60)
    left = rig.told[-1]
    assert rig.story()[-1] == "left amy front 60"
    assert left.at.wall_ms <= rig.wall_ms


def test_a_clock_set_while_somebody_is_there_changes_nothing() -> None:
    rig = Rig()
    rig.run(30, NEAR)
    rig.wall_ms += 86_400_000
    rig.run(31, NEAR)
    rig.wall_ms -= 2 * 86_400_000
    rig.run(3, NEAR)
    rig.run(60)
    assert rig.story() == ["entered amy front 0", "dwelled amy front 60", "left amy front 61"]


def test_nobody_stays_overnight_in_a_machine_switched_off() -> None:
    rig = Rig()
    rig.run(10, NEAR)
    rig.reboot(UNSEEN_MAX_MS + 1_000)
    rig.run(10, NEAR)
    assert rig.story() == ["entered amy front 0", "left amy front 0", "entered amy front 0"]


def test_a_zone_that_is_no_more_ends_its_visits_at_once() -> None:
    rig = Rig()
    rig.run(10, NEAR)
    rig.scanners = {"till": TILL}
    rig.start(healthy=False)
    rig.run(1)
    assert rig.story() == ["entered amy front 0", "left amy front 0"]
    assert rig.rows == {}


def test_another_scanner_of_the_zone_takes_a_restored_visit_over() -> None:
    rig = Rig()
    rig.run(10, NEAR)
    rig.scanners = {"shelf": SHELF}
    rig.start()
    rig.run(10, {"amy": {"shelf": -60}})
    assert rig.story() == ["entered amy front 0"]


def test_damaged_rows_are_dropped_and_deleted() -> None:
    rig = Rig()
    rig.run(10, NEAR)
    (good,) = rig.rows.values()
    rig.rows |= {"a": b"", "b": b"\xff\x00", "c": b"{}", "d": good[:-3], "e": b"[1,2,3,4,5,6,7]", "f": b"null"}
    rig.start()
    rig.run(1)
    assert list(rig.rows.values()) == [good]
    assert rig.engine.present == 1


def test_rows_say_who_and_where_and_no_address() -> None:
    rig = Rig()
    rig.run(10, NEAR)
    (row,) = read_rows(rig.rows)[0].values()
    assert isinstance(row, VisitRow)
    assert (row.identity, row.carrier, row.place, row.dwell_ms) == (badge("amy"), "badge", DOOR, 0)
    assert b"AA:BB" not in b"".join(rig.rows.values())


def test_nothing_is_written_per_advertisement() -> None:
    rig = Rig()
    rig.run(50, NEAR)
    assert len(rig.written) == 1
    sighting = Sighting("door", badge("amy"), "badge", "AA", -60, rig.uptime_ms)
    assert rig.engine.sighted(sighting, rig.now) is EMPTY
    assert rig.engine.tick(rig.now) is EMPTY


def test_unknown_scanners_mean_nothing() -> None:
    rig = Rig()
    rig.run(10, {"amy": {"attic": -40}})
    rig.engine.health("attic", healthy=True, at=rig.now)
    assert (rig.story(), rig.engine.tracked) == ([], 0)


def test_forgetting_is_silent_and_complete() -> None:
    rig = Rig()
    rig.run(10, {"amy": {"door": -60}, "bob": {"door": -60}})
    amy, bob = rig.rows
    (row,) = rig.engine.forget([("service_token", "amy")])
    assert (row.key, row.value) == (amy, None)
    assert rig.engine.present == 1
    del rig.rows[amy]
    rig.start()
    rows = rig.engine.forget([("service_token", "bob"), ("service_token", "nobody")])
    assert [(row.key, row.value) for row in rows] == [(bob, None)]
    rig.tick()
    assert rig.engine.present == 0


def test_settings_are_heeded() -> None:
    rig = Rig(settings=settings(leave_after_badge=5, dwell_after=10))
    rig.run(15, NEAR)
    rig.run(5)
    assert rig.story() == ["entered amy front 0", "dwelled amy front 10", "left amy front 12"]


def test_who_was_weak_for_long_still_does_not_leave_while_the_radio_is_dead() -> None:
    rig = Rig()
    rig.run(10, NEAR)
    for _ in range(30):
        rig.advance(1_000)
        rig.hear("amy", -95)
    rig.health("door", healthy=False)
    rig.run(60)
    assert rig.engine.present == 1
    rig.health("door")
    rig.run(1)
    assert rig.engine.present == 0


def test_advertisements_that_come_out_of_order_or_too_early_take_no_time_back() -> None:
    rig = Rig()
    for _ in range(3):
        rig.hear("amy", -60, arrived_ms=rig.uptime_ms + 5_000)
    assert rig.told[0].at == rig.now
    rig.run(10, NEAR)
    rig.hear("amy", -60, "till", arrived_ms=rig.uptime_ms - 4_000)
    rig.run(60)
    assert rig.story() == ["entered amy front 0", "left amy front 10"]


def test_a_restored_visit_is_not_drawn_away_while_its_own_radio_is_not_up_yet() -> None:
    rig = Rig()
    rig.run(10, {"amy": {"door": -60, "till": -70}})
    rig.start(healthy=False)
    rig.health("till")
    rig.run(40, {"amy": {"till": -70}})
    assert rig.story() == ["entered amy front 0"]
    rig.run(15, {"amy": {"till": -60}})
    assert [line.split()[0] for line in rig.story()] == ["left", "entered"]


def test_what_was_heard_elsewhere_before_draws_nobody() -> None:
    rig = Rig()
    rig.run(20, {"amy": {"door": -60, "till": -70}})
    rig.run(17, FAR)
    rig.run(10, NEAR)
    assert rig.story() == ["entered amy front 0"]


def test_a_dead_radio_draws_nobody() -> None:
    rig = Rig()
    rig.run(10, NEAR)
    rig.run(3, {"amy": {"door": -60, "till": -45}})
    rig.health("till", healthy=False)
    rig.run(30, NEAR)
    assert rig.story() == ["entered amy front 0"]


def test_a_zone_where_one_is_heard_weakly_draws_nobody() -> None:
    rig = Rig()
    rig.run(10, NEAR)
    rig.run(50, {"amy": {"till": -88}})
    assert rig.story() == ["entered amy front 0"]
    rig.run(10, {"amy": {"till": -88}})
    assert rig.story() == ["left amy front 7"]


def test_who_left_while_the_machine_was_off_left_in_that_boot() -> None:
    rig = Rig()
    rig.run(3, NEAR)
    seen = rig.now
    rig.reboot(60_000)
    rig.run(61)
    left = rig.told[-1]
    assert (left.kind, left.at) == ("left", seen)


def test_two_rows_of_one_visitor_leave_one_visit() -> None:
    rig = Rig()
    rig.run(10, NEAR)
    (row,) = rig.rows.values()
    rig.rows["again"] = row
    rig.start()
    rig.run(10, NEAR)
    assert [line.split()[0] for line in rig.story()] == ["entered", "left"]
    assert len(rig.rows) == rig.engine.present == 1


def test_a_visit_begins_where_it_is_heard_best() -> None:
    rig = Rig()
    rig.run(2, {"amy": {"door": -72}})
    rig.run(1, {"amy": {"till": -50}})
    rig.run(1, {"amy": {"door": -72}})
    assert rig.told[0].place == TILL


def test_a_time_out_longer_than_the_longest_gap_is_heeded() -> None:
    rig = Rig(settings=settings(leave_after_badge=6 * 3600))
    rig.run(10, NEAR)
    rig.advance(5 * 3_600_000)
    rig.run(10, NEAR)
    assert [line.split()[0] for line in rig.story()] == ["entered", "dwelled"]
