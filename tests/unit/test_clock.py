"""The clock against the kernel's own, and against a wall clock that really steps."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.clock import QUALITY_MAX_AGE_MS, STEP_MS, Clock, TimeQuality, kernel_clock_synced
from tests.support.faketime import SteppedPython

REPORT = """
import json, sys
from edge_agent.clock import Clock
clock = Clock(lambda: True)
for _ in sys.stdin:
    now = clock.now()
    steps = [[step.step_ms, step.at.wall_ms, step.at.uptime_ms] for step in clock.take_steps()]
    print(json.dumps({"wall_ms": now.wall_ms, "uptime_ms": now.uptime_ms, "steps": steps}), flush=True)
"""

BETWEEN_MS = 25  # two clocks are never read at quite the same moment


@pytest.fixture
def stepped(tmp_path: Path) -> Iterator[SteppedPython]:
    with SteppedPython(tmp_path, REPORT) as python:
        yield python


def answer(python: SteppedPython) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(python.ask())
    return report


def test_now_is_the_kernels_now() -> None:
    before = time.clock_gettime_ns(time.CLOCK_REALTIME), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    now = Clock().now()
    after = time.clock_gettime_ns(time.CLOCK_REALTIME), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert before[0] // 1_000_000 <= now.wall_ms <= after[0] // 1_000_000
    assert before[1] // 1_000_000 <= now.uptime_ms <= after[1] // 1_000_000
    assert now.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_a_clock_that_does_not_step_reports_none() -> None:
    clock = Clock()
    for _ in range(1000):
        clock.now()
    assert clock.take_steps() == []


@pytest.mark.parametrize("offset", [3600.0, -3600.0, 1.0, -86400.0])
def test_a_step_is_seen_once_with_its_size(stepped: SteppedPython, offset: float) -> None:
    first = answer(stepped)
    assert first["steps"] == []
    stepped.step_to(offset)
    second = answer(stepped)
    ((step_ms, wall_ms, uptime_ms),) = second["steps"]
    assert abs(step_ms - offset * 1000) <= BETWEEN_MS
    assert (wall_ms, uptime_ms) == (second["wall_ms"], second["uptime_ms"])
    assert answer(stepped)["steps"] == []


def test_uptime_does_not_step(stepped: SteppedPython) -> None:
    first = answer(stepped)
    stepped.step_to(-7200.0)
    second = answer(stepped)
    assert 0 <= second["uptime_ms"] - first["uptime_ms"] < 60_000
    assert second["wall_ms"] < first["wall_ms"]


def test_there_and_back_are_two_steps_that_cancel(stepped: SteppedPython) -> None:
    answer(stepped)
    stepped.step_to(500.0)
    there = answer(stepped)["steps"]
    stepped.step_to(0.0)
    back = answer(stepped)["steps"]
    assert abs(there[0][0] + back[0][0]) <= 2 * BETWEEN_MS


def test_a_small_correction_is_no_step(stepped: SteppedPython) -> None:
    answer(stepped)
    stepped.step_to(0.1)
    assert answer(stepped)["steps"] == []


def test_small_corrections_add_up_to_a_step(stepped: SteppedPython) -> None:
    answer(stepped)
    steps = []
    for tenth in range(1, 11):
        stepped.step_to(tenth / 10)
        steps += answer(stepped)["steps"]
    assert steps
    assert sum(step[0] for step in steps) <= 1000 + BETWEEN_MS
    assert sum(step[0] for step in steps) >= 1000 - STEP_MS - BETWEEN_MS


def test_being_stopped_between_the_two_readings_is_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    clock.now()
    read = time.time_ns
    pauses = [0.6]

    def paused() -> int:
        wall_ns = read()
        time.sleep(pauses.pop() if pauses else 0)
        return wall_ns

    monkeypatch.setattr(time, "time_ns", paused)
    clock.now()
    clock.now()
    assert pauses == []
    assert clock.take_steps() == []


def test_quality_remembers_that_the_clock_was_right() -> None:
    synced = False
    asked = 0

    def is_synced() -> bool:
        nonlocal asked
        asked += 1
        return synced

    clock = Clock(is_synced)
    seen = []
    for synced in (False, True, False):  # noqa: B007 - read by is_synced
        clock._quality_read_ms = -QUALITY_MAX_AGE_MS  # as after a second
        seen.append(clock.now().quality)
    assert seen == [TimeQuality.UNSYNCED, TimeQuality.SYNCED, TimeQuality.HOLDOVER]
    for _ in range(100):
        clock.now()
    assert asked <= 4


def test_the_kernel_can_be_asked() -> None:
    assert isinstance(kernel_clock_synced(), bool)
