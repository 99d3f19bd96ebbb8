"""A device's comings and goings from real storage: a line a change, one for all of it while it flaps."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.contract.events import Draft, Stream
from edge_agent.contract.ids import uuid7
from edge_agent.page.history import newest
from edge_agent.page.sections.recent import LIMIT, recent
from edge_agent.page.sources import Reader
from edge_agent.shop import layouts
from tests.support.generation import configure
from tests.support.page import Page, served
from tests.support.storage import AT, of, order

MINUTE_MS = 60_000
ZH, EN = Reader("zh"), Reader("en")
READER = "till-1-printer"


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with served(configure(tmp_path)) as found:
        yield found


def later(minutes: float) -> Moment:
    ms = round(minutes * MINUTE_MS)
    return replace(AT, wall_ms=AT.wall_ms + ms, uptime_ms=AT.uptime_ms + ms)


def changed(state: str, minutes: float, reason: str | None = None, device: str = READER) -> Draft:
    what = data.DeviceChanged(device=device, kind="serial", touchpoint="till-1", reason=reason)
    at = later(minutes)
    return Draft(id=uuid7(at.wall_ms), stream=Stream.OPS, type=f"o2o.device.{state}.v1", at=at, data=what)


async def record(page: Page, monkeypatch: pytest.MonkeyPatch, *drafts: Draft) -> None:
    """Record each event at the time it happened: the storage's clock is the test's."""
    for draft in drafts:
        monkeypatch.setattr(page.shop.clock, "now", lambda at=draft.at: at)
        await page.shop.storage.commit(of(draft))


async def told(page: Page, reader: Reader, minutes: float = 0) -> list[str]:
    return [one.text for one in await recent(page.sources, reader, later(minutes))]


def clock(minutes: float) -> str:
    return datetime.fromtimestamp(later(minutes).wall_ms / 1000, ZoneInfo("Asia/Shanghai")).strftime("%H:%M")


def flaps(times: int, every: float = 2, start: float = 0, device: str = READER) -> list[Draft]:
    found = []
    for number in range(times):
        found.append(changed("down", start + number * every, "unplugged", device))
        found.append(changed("up", start + number * every + every / 2, device=device))
    return found


async def test_one_unplug_is_one_line(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    await record(page, monkeypatch, changed("down", 0, "unplugged"), changed("down", 3, "missing"))
    (only,) = await recent(page.sources, EN, later(5))
    assert (only.text, only.time) == ("1号收银小票 stopped working", clock(0))
    await record(page, monkeypatch, changed("up", 6))
    assert await told(page, ZH, 7) == ["1号收银小票工作正常", "1号收银小票停止工作"]


async def test_one_that_flaps_is_one_line_that_says_so(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    await record(page, monkeypatch, *flaps(12))
    assert await told(page, ZH, 30) == [f"1号收银小票断开又恢复，共12次，最近一次{clock(23)}"]
    assert await told(page, EN, 30) == [f"1号收银小票 went away and came back 12 times, most recently {clock(23)}"]
    await record(page, monkeypatch, changed("down", 24, "unplugged"), changed("down", 26, "missing"))
    assert await told(page, ZH, 30) == [f"1号收银小票反复断开，共13次，{clock(24)}起还没恢复"]
    (line,) = await recent(page.sources, EN, later(30))
    assert line.text == f"1号收银小票 went away 13 times, and has not been well since {clock(24)}"
    assert (line.kind, line.time) == ("device", clock(24))


async def test_trouble_that_comes_and_goes(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    troubles = [changed(state, n) for n, state in enumerate(("degraded", "up", "degraded", "up"))]
    await record(page, monkeypatch, *troubles)
    assert await told(page, ZH, 9) == [f"1号收银小票出问题又恢复，共2次，最近一次{clock(3)}"]
    assert await told(page, EN, 9) == [f"1号收银小票 had trouble and recovered 2 times, most recently {clock(3)}"]
    await record(page, monkeypatch, changed("down", 4), changed("degraded", 5))
    assert await told(page, ZH, 9) == [f"1号收银小票反复出问题，共3次，{clock(4)}起还没恢复"]
    assert await told(page, EN, 9) == [f"1号收银小票 had trouble 3 times, and has not been well since {clock(4)}"]


async def test_other_rows_between_are_not_lost(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    other = [replace(order(n), at=later(n * 4 + 0.5)) for n in range(30)]
    mixed = sorted([*flaps(60), *flaps(60, start=0.2, device="gone-since"), *other], key=lambda d: d.at.wall_ms)
    await record(page, monkeypatch, *mixed)
    lines = await told(page, EN, 130)
    assert len(lines) == LIMIT
    assert [line.partition(" came back ")[2].partition(",")[0] for line in lines[:2]] == ["60 times", "60 times"]
    assert [line[-2:] for line in lines[2:]] == [f"{n:02}" for n in range(29, 11, -1)]


async def test_a_till_that_is_off_at_night_does_not_flap(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    await record(page, monkeypatch, *flaps(3, every=24 * 60))
    assert await told(page, EN, 60) == ["1号收银小票 works", "1号收银小票 stopped working"] * 3


async def test_what_follows_a_quiet_time_is_another_line(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    await record(page, monkeypatch, *flaps(3), *flaps(2, start=200))
    assert await told(page, ZH, 210) == [
        f"1号收银小票断开又恢复，共2次，最近一次{clock(203)}", f"1号收银小票断开又恢复，共3次，最近一次{clock(5)}",
    ]  # fmt: skip


async def test_a_changed_layout_keeps_its_own_words(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    await record(page, monkeypatch, changed("degraded", 0, "noise"), changed("degraded", 1, layouts.REASON))
    assert await told(page, EN, 2) == [
        "The receipts of 1号收银小票 look different", "1号收银小票 does not work properly",
    ]  # fmt: skip


async def test_flapping_for_longer_than_is_looked_back(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "LOOK", 40)
    drafts = flaps(40)
    for start in range(0, len(drafts), 10):
        await record(page, monkeypatch, *drafts[start : start + 10])
        if start == 20:  # seen meanwhile: what was read before counts on
            assert "15 times" in (await told(page, EN, 100))[0]
    (zh,), (en,) = await told(page, ZH, 100), await told(page, EN, 100)
    assert zh.startswith("1号收银小票断开又恢复，至少2")
    assert " at least 2" in en
    assert en.endswith(f" times, most recently {clock(79)}")


async def test_all_there_is_was_looked_at(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    await record(page, monkeypatch, *flaps(2))
    await told(page, EN)
    await record(page, monkeypatch, *flaps(1, start=10))
    assert "至少" not in (await told(page, ZH, 20))[0]
