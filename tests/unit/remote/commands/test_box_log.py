"""Which lines of the log an answer holds, and how long another level lasts."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from edge_agent import log
from edge_agent.remote.commands.box_log import LINES_BYTES, _Loudness, newest
from tests.support import virtual_time

BEGIN = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def line(number: int, level: str = "info", text: str = "") -> str:
    at = BEGIN + timedelta(seconds=number)
    return json.dumps({"event": "e", "number": number, "text": text, "level": level, "timestamp": at.isoformat()})


def numbers(lines: list[str]) -> list[int]:
    return [json.loads(line)["number"] for line in lines]


LINES = [line(number, level) for number, level in enumerate(["debug", "info", "warning", "error", "critical"] * 4)]


@pytest.mark.parametrize(
    ("since", "level", "limit", "expected", "more"),
    [
        (None, "debug", 100, list(range(20)), False),
        (None, "debug", 20, list(range(20)), False),
        (None, "debug", 3, [17, 18, 19], True),
        (None, "error", 3, [14, 18, 19], True),
        (None, "warning", 100, [n for n in range(20) if n % 5 >= 2], False),
        (BEGIN + timedelta(seconds=15), "info", 100, [16, 17, 18, 19], False),
        (BEGIN + timedelta(seconds=15), "debug", 5, [15, 16, 17, 18, 19], False),
        (BEGIN + timedelta(days=1), "debug", 5, [], False),
    ],
)
def test_the_newest_that_are_wanted(
    since: datetime | None, level: str, limit: int, expected: list[int], more: bool
) -> None:
    lines, truncated = newest(LINES, since, level, limit)
    assert (numbers(lines), truncated) == (expected, more)


def test_as_many_as_one_answer_takes() -> None:
    lines, truncated = newest([line(number, text="x" * 1_000) for number in range(200)], None, "debug", 500)
    assert truncated
    assert numbers(lines)[-1] == 199
    assert LINES_BYTES - 1_200 < sum(map(len, lines)) <= LINES_BYTES


@pytest.fixture
def configured() -> Iterator[str]:
    before = log.level()
    log.set_level("warning")
    yield "warning"
    log.set_level(before)


def test_a_level_lasts_its_time_and_then_it_is_the_configured_one(configured: str) -> None:
    async def day() -> list[str]:
        loudness, levels = _Loudness(), []
        loudness.set("debug", 60)
        await asyncio.sleep(59)
        levels.append(log.level())
        loudness.set("error", 60)
        for seconds in (59, 2):
            await asyncio.sleep(seconds)
            levels.append(log.level())
        return levels

    assert virtual_time.run(day()) == ["debug", "error", configured]
