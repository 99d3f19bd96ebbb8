"""The shop's day: it ends when the shop says so, not at midnight."""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

HOUR_MS = 3_600_000
HOURS_MAX = 25  # of a day on which summer time ends


def business_day(wall_ms: int, zone: ZoneInfo, starts: time) -> date:
    """Return the business day of a moment (Unix milliseconds): before ``starts`` it is still the day before."""
    local = datetime.fromtimestamp(wall_ms / 1000, zone)
    return local.date() if local.time() >= starts else local.date() - timedelta(days=1)


def hour_of(wall_ms: int, day: str, zone: ZoneInfo, starts: time) -> int | None:
    """Return the hour of a business day (ISO 8601) that a moment (Unix milliseconds) lies in.

    Hours have sixty minutes and are counted from the day's beginning, from 0 to at most 24, where summer time ends.
    None: the moment is not of that day.
    """
    hour = (wall_ms - begins_ms(day, zone, starts)) // HOUR_MS
    return hour if 0 <= hour < HOURS_MAX else None


@lru_cache(maxsize=32)  # the day, its opening and closing, and those whose orders come late
def begins_ms(day: str, zone: ZoneInfo, starts: time) -> int:
    """Return when a business day (ISO 8601) begins, in Unix milliseconds."""
    return round(datetime.combine(date.fromisoformat(day), starts, zone).timestamp() * 1000)
