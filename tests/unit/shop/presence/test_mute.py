"""A radio that goes mute without anybody saying so."""

from edge_agent.shop.presence import EMPTY, Sighting
from edge_agent.shop.presence.mute import HELD_MAX_MS
from tests.unit.shop.presence.rig import Rig

CROWD = {who: {"door": -60} for who in ("amy", "bob", "cid")}


def test_several_silent_at_once_wait_for_the_watchdog() -> None:
    rig = Rig()
    rig.run(20, CROWD)
    rig.run(110)
    assert (rig.engine.present, rig.engine.frozen) == (3, ("door",))
    rig.health("door", healthy=False)
    rig.run(5)
    rig.health("door")
    rig.run(20, CROWD)
    rig.run(59)
    assert [line.split()[0] for line in rig.story()] == ["entered"] * 3 + ["dwelled"] * 3


def test_they_leave_if_nobody_calls_the_radio_dead() -> None:
    rig = Rig()
    rig.run(20, CROWD)
    rig.run(HELD_MAX_MS // 1000 + 29)
    assert rig.engine.present == 3
    rig.run(1)
    assert [line for line in rig.story() if "left" in line] == [f"left {who} front 17" for who in CROWD]


def test_a_new_scanner_that_hears_nothing_either_does_not_prove_that_they_left() -> None:
    rig = Rig()
    rig.run(20, CROWD)
    rig.run(45)
    rig.health("door", healthy=False)
    rig.health("door")
    rig.run(90)
    rig.health("door", healthy=False)  # the power cycle, which helps
    rig.run(5)
    rig.health("door")
    rig.run(20, CROWD)
    assert [line.split()[0] for line in rig.story()] == ["entered"] * 3 + ["dwelled"] * 3


def test_a_radio_dead_for_long_and_back_is_not_held() -> None:
    rig = Rig()
    rig.run(20, CROWD)
    rig.run(40)
    rig.health("door", healthy=False)
    rig.run(600)
    rig.health("door")
    rig.run(31)
    assert rig.engine.present == 0


def test_one_heard_again_lets_the_clock_go_on() -> None:
    rig = Rig()
    rig.run(20, CROWD)
    rig.run(80)
    rig.run(29, {"amy": {"door": -60}})
    assert rig.engine.present == 3
    rig.run(2, {"amy": {"door": -60}})
    assert rig.engine.present == 1


def test_a_few_may_go_as_usual() -> None:
    rig = Rig()
    rig.run(20, {who: {"door": -60} for who in ("amy", "bob")})
    rig.run(60)
    assert rig.engine.present == 0


def test_one_after_another_may_go_as_usual() -> None:
    rig = Rig()
    rig.run(20, CROWD)
    rig.run(11, {who: {"door": -60} for who in ("bob", "cid")})
    rig.run(11, {"cid": {"door": -60}})
    rig.run(60)
    assert rig.engine.present == 0


def test_silence_is_weighed_once() -> None:
    rig = Rig()
    rig.run(5, CROWD)
    rig.run(400)
    assert rig.engine.frozen == ()
    assert rig.engine.sighted(Sighting("door", None, "anonymous", "x", -90, rig.uptime_ms), rig.now) is EMPTY
