from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from edge_agent.shop.business_day import business_day

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("local", "day"),
    [
        ("2026-11-22T03:59:59.999", "2026-11-21"),
        ("2026-11-22T04:00:00", "2026-11-22"),
        ("2026-11-22T23:59:59", "2026-11-22"),
        ("2026-11-23T00:30:00", "2026-11-22"),
        ("2027-01-01T01:00:00", "2026-12-31"),
    ],
)
def test_the_day_ends_at_the_shops_cut_off(local: str, day: str) -> None:
    wall_ms = round(datetime.fromisoformat(local).replace(tzinfo=SHANGHAI).timestamp() * 1000)
    assert business_day(wall_ms, SHANGHAI, time(4)).isoformat() == day


def test_midnight_shops_have_calendar_days() -> None:
    wall_ms = round(datetime(2026, 11, 22, tzinfo=SHANGHAI).timestamp() * 1000)
    assert business_day(wall_ms, SHANGHAI, time(0)).isoformat() == "2026-11-22"
    assert business_day(wall_ms - 1, SHANGHAI, time(0)).isoformat() == "2026-11-21"
