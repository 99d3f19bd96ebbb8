"""Any day at all: what holds whatever is heard, whatever breaks."""

from collections import defaultdict
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.shop.presence import Change, devices
from edge_agent.shop.presence.visits import read_rows
from tests.unit.shop.presence.rig import DOOR, SHELF, TILL, Rig

SCANNERS = {"door": DOOR, "shelf": SHELF, "till": TILL}
PEOPLE = ("amy", "bob", "cid")
Step = Callable[[Rig], None]

levels = st.dictionaries(st.sampled_from(sorted(SCANNERS)), st.sampled_from((-127, -95, -84, -79, -72, -60, -50)))
heard = st.dictionaries(st.sampled_from(PEOPLE), levels, max_size=3)


def passing(seconds: int, who: dict[str, dict[str, int]]) -> Step:
    return lambda rig: rig.run(seconds, who)


def radio(scanner: str, healthy: bool) -> Step:
    return lambda rig: rig.health(scanner, healthy=healthy)


def restart(healthy: bool) -> Step:
    return lambda rig: rig.start(healthy=healthy)


def reboot(seconds: int) -> Step:
    return lambda rig: rig.reboot(seconds * 1000)


def step_clock(ms: int) -> Step:
    def step(rig: Rig) -> None:
        rig.wall_ms += ms

    return step


def strangers(count: int) -> Step:
    def step(rig: Rig) -> None:
        for number in range(count):
            rig.hear(None, -50, "till", address=f"{rig.uptime_ms} {number}")

    return step


times = st.builds(passing, st.integers(1, 20) | st.sampled_from((60, 130, 400)), heard)
breaks = st.one_of(
    st.builds(radio, st.sampled_from(sorted(SCANNERS)), st.booleans()),
    st.builds(restart, st.booleans()),
    st.builds(reboot, st.sampled_from((30, 600, 20_000, -600))),
    st.builds(step_clock, st.sampled_from((-7_200_000, -800, 800, 7_200_000))),
    st.builds(strangers, st.integers(1, 20)),
)
days = st.lists(times | times | breaks, max_size=25)


def check_order(told: list[Change]) -> None:
    """Entered and left alternate in each visit, in one zone at a time; nobody has two visits at once."""
    inside: dict[str, str] = {}
    begun: set[str] = set()
    open_visits: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for change in told:
        own = open_visits[change.identity.kind, change.identity.value]
        if change.kind == "entered":
            assert change.visit_id not in inside
            assert change.first == (change.visit_id not in begun)
            inside[change.visit_id] = change.place.zone
            begun.add(change.visit_id)
            own.add(change.visit_id)
            assert len(own) == 1
        else:
            assert inside[change.visit_id] == change.place.zone
            assert not change.first
        if change.kind == "left":
            del inside[change.visit_id]
            own.discard(change.visit_id)
        assert change.dwell_seconds >= 0


@settings(max_examples=100)
@given(days)
def test_visits_are_well_formed_whatever_happens(day: list[Step]) -> None:
    rig = Rig(SCANNERS)
    for step in day:
        step(rig)
        rig.tick()
        told = {c.visit_id: c.kind for c in rig.told}
        assert rig.rows.keys() == {visit_id for visit_id, kind in told.items() if kind != "left"}
        assert rig.engine.present == len(rig.rows)
        readable, unreadable = read_rows(rig.rows)
        assert not unreadable
        assert all(row.dwell_ms >= 0 for row in readable.values())
    check_order(rig.told)
    written = b"".join(row.value or b"" for row in rig.written)
    assert b"AA:BB" not in written
    assert len(rig.written) <= len(rig.told)


@settings(max_examples=40)
@given(days, st.integers(1, 1_000))
def test_nobody_leaves_while_all_radios_are_dead(day: list[Step], seconds: int) -> None:
    rig = Rig(SCANNERS)
    for step in day:
        step(rig)
        rig.tick()
    present = rig.engine.present
    rig.health(*SCANNERS, healthy=False)
    rig.told.clear()
    rig.run(seconds)
    assert rig.engine.present == present
    assert not [c for c in rig.told if c.kind == "left"]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(5, 100), st.integers(0, 40), st.booleans()), max_size=4))
def test_restarts_change_nothing_of_a_visit(restarts: list[tuple[int, int, bool]]) -> None:
    stories = []
    for with_restarts in (False, True):
        rig = Rig({"door": DOOR})
        rig.run(5, {"amy": {"door": -60}})
        for seen, away, reboots in restarts:
            rig.run(seen, {"amy": {"door": -60}})
            if with_restarts and reboots:
                rig.reboot(away * 1_000)
            else:
                rig.advance(away * 1_000)
                if with_restarts:
                    rig.start()
        rig.run(400, {"amy": {"door": -60}})
        rig.run(60)
        stories.append(rig.story())
    assert stories[0] == stories[1]


@settings(max_examples=40)
@given(days, st.integers(4, 8))
def test_memory_is_bounded_and_strangers_end_no_visit(day: list[Step], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(devices, "TRACKED_MAX", most)
        rig, roomy = Rig(SCANNERS), Rig(SCANNERS)
        for step in day:
            step(rig)
            rig.tick()
            assert rig.engine.tracked <= most
    for step in day:
        step(roomy)
        roomy.tick()
    assert [c.kind for c in rig.told if c.identity.value in PEOPLE] == [c.kind for c in roomy.told]


@given(st.dictionaries(st.text(max_size=8), st.binary(max_size=60), max_size=4))
def test_any_rows_are_survived(rows: dict[str, bytes]) -> None:
    rig = Rig(rows=dict(rows))
    rig.run(2)
    assert set(rig.rows) <= set(rows)
    assert len(rig.rows) == rig.engine.present
