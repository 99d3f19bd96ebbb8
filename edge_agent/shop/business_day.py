"""The shop's day: it ends when the shop says so, not at midnight."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def business_day(wall_ms: int, zone: ZoneInfo, starts: time) -> date:
    """Return the business day of a moment (Unix milliseconds): before ``starts`` it is still the day before."""
    local = datetime.fromtimestamp(wall_ms / 1000, zone)
    return local.date() if local.time() >= starts else local.date() - timedelta(days=1)
