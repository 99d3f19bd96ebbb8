"""What is tried on a radio that hears nothing or does not start, and how often."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import edge_agent
from edge_agent.devices.ble.ladder import FAILURES_BEFORE_POWER, SILENCES_BEFORE_POWER, Ladder, Patience
from edge_agent.page import advice

PATIENCE = Patience()
NIGHT_S = 12 * 3600.0


def quiet(ladder: Ladder, seconds: float) -> tuple[int, list[float]]:
    """Let nothing be heard; return how many scanners were replaced and when power was cycled."""
    now, rebuilt, cycled = 0.0, 0, []
    while (now := now + ladder.silence_allowed) < seconds:
        ladder.silent()
        rebuilt += 1
        if ladder.power_cycle_due(now):
            ladder.power_touched(now, taken=True)
            cycled.append(now)
    return rebuilt, cycled


def test_a_night_of_silence_costs_a_few_scanners_and_one_power_cycle() -> None:
    rebuilt, cycled = quiet(Ladder(PATIENCE), NIGHT_S)
    assert rebuilt <= 7 + NIGHT_S / PATIENCE.silence_cap
    assert len(cycled) == 1


def test_silence_is_noticed_before_the_shortest_leave_time_out() -> None:
    assert PATIENCE.silence + PATIENCE.look + PATIENCE.stop < 60.0


def test_patience_doubles_and_is_short_again_once_something_is_heard() -> None:
    ladder = Ladder(PATIENCE)
    waits = []
    for _ in range(20):
        waits.append(ladder.silence_allowed)
        ladder.silent()
    assert waits == [min(PATIENCE.silence * 2**n, PATIENCE.silence_cap) for n in range(20)]
    before = ladder.exhausted
    for second in range(round(PATIENCE.silence) + 1):
        ladder.heard(float(second))
    assert (before, ladder.exhausted) == (True, False)
    assert ladder.silence_allowed == PATIENCE.silence


def test_failed_starts_ask_for_power_after_a_few_and_again_after_as_many() -> None:
    ladder = Ladder(replace(PATIENCE, power=0.0))
    asked = []
    for number in range(1, 3 * FAILURES_BEFORE_POWER):
        ladder.failed()
        asked.append(ladder.power_cycle_due(0.0))
        if asked[-1]:
            ladder.power_touched(0.0, taken=True)
        assert asked[-1] == (number % FAILURES_BEFORE_POWER == 0)


def test_what_was_refused_may_be_asked_again_soon_and_what_was_taken_may_not() -> None:
    for taken, seconds in ((True, PATIENCE.power), (False, PATIENCE.power / 60)):
        ladder = Ladder(PATIENCE)
        ladder.power_touched(100.0, taken=taken)
        assert not ladder.power_allowed(100.0 + seconds - 0.1)
        assert ladder.power_allowed(100.0 + seconds)


def note(ladder: Ladder, happened: str, now: float) -> None:
    if happened == "heard":
        ladder.heard(now)
    else:
        getattr(ladder, happened)()


@given(st.lists(st.tuples(st.sampled_from(["heard", "silent", "failed"]), st.floats(0.0, 900.0)), max_size=200))
def test_power_is_never_cycled_more_often_than_promised(story: list[tuple[str, float]]) -> None:
    ladder, now, cycled = Ladder(PATIENCE), 0.0, []
    for happened, later in story:
        now += later
        note(ladder, happened, now)
        if ladder.power_cycle_due(now):
            ladder.power_touched(now, taken=True)
            cycled.append(now)
        assert PATIENCE.silence <= ladder.silence_allowed <= PATIENCE.silence_cap
    assert all(after - before >= PATIENCE.power for before, after in pairwise(cycled))


def test_a_passer_by_now_and_then_is_a_quiet_night_and_no_fault() -> None:
    """Twelve hours with one advertisement every five minutes."""
    ladder, rebuilt, cycled, quiet_from = Ladder(PATIENCE), 0, 0, 0.0
    for second in range(12 * 3600):
        now = float(second)
        if second % 300 == 299:
            ladder.heard(now)
            quiet_from = now
        elif now - quiet_from >= ladder.silence_allowed:
            ladder.silent()
            rebuilt, quiet_from = rebuilt + 1, now
        if ladder.power_cycle_due(now):
            ladder.power_touched(now, taken=True)
            cycled += 1
    assert cycled <= 1
    assert rebuilt <= 4


def test_a_radio_that_is_heard_again_steadily_is_watched_closely_again() -> None:
    ladder = Ladder(PATIENCE)
    for _ in range(5):
        ladder.silent()
    for second in range(round(PATIENCE.silence)):
        ladder.heard(1000.0 + second)
        assert ladder.silence_allowed > PATIENCE.silence
    ladder.heard(1000.0 + PATIENCE.silence)
    assert ladder.silence_allowed == PATIENCE.silence


def test_it_takes_two_silences_until_power_is_touched() -> None:
    ladder = Ladder(PATIENCE)
    for _ in range(SILENCES_BEFORE_POWER - 1):
        ladder.silent()
    assert not ladder.power_cycle_due(0.0)
    ladder.silent()
    assert ladder.power_cycle_due(0.0)


def test_every_reason_has_its_advice_and_its_row_in_the_manual() -> None:
    root = Path(edge_agent.__file__).parent
    text = "".join(path.read_text("utf-8") for path in (root / "devices" / "ble").glob("*.py"))
    reasons = set(re.findall(r'(?:DeviceError|down|degraded)\(\s*"(\w+)"', text))
    assert {"no_bus", "no_bluetoothd", "adapter_missing", "powered_off", "silent", "start_hung"} <= reasons
    assert {f"device_{reason}" for reason in reasons} <= advice.known_codes()
    manual = (root.parent / "docs" / "ble.md").read_text("utf-8")
    assert {reason for reason in reasons if f"| `{reason}` |" not in manual} == set()
