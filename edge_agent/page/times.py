"""Moments and durations in words, as a person in the shop says them."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from edge_agent.clock import Moment
from edge_agent.page.words import words

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS


def when(wall_ms: int, now: Moment, zone: ZoneInfo, language: str) -> str:
    """Return a moment (Unix milliseconds) seen from ``now``: "11:40", "yesterday 18:02", "3 Nov 18:02"."""
    then, here = (datetime.fromtimestamp(ms / 1000, zone) for ms in (wall_ms, now.wall_ms))
    return seen_from(here, then, language)


def seen_from(now: datetime, then: datetime, language: str) -> str:
    """Return ``then``, in the same zone as ``now``, as ``when`` does."""
    time = then.strftime("%H:%M")
    if then.date() == now.date():
        return time
    return words(language).say("time.day_and_time", day=_day(then.date(), now.date(), language), time=time)


def on_day(business_day: str, today: str, language: str) -> str:
    """Return a business day (ISO 8601) seen from today's: "today", "yesterday", "3 Nov", "3 Nov 2025"."""
    return _day(date.fromisoformat(business_day), date.fromisoformat(today), language)


def lasting(ms: int, language: str) -> str:
    """Return a duration, rounded: "less than a minute", "about 3 minutes", "about 2 hours", "about 4 days"."""
    if ms < _MINUTE_MS:
        return words(language).say("time.moments")
    # Two hours rather than 90 minutes off by half: below two of a unit the smaller one is said.
    for unit, unit_ms, upto in (("minutes", _MINUTE_MS, 2 * _HOUR_MS), ("hours", _HOUR_MS, 2 * _DAY_MS)):
        if ms < upto:
            return words(language).say(f"time.{unit}", count=round(ms / unit_ms))
    return words(language).say("time.days", count=round(ms / _DAY_MS))


def _day(then: date, today: date, language: str) -> str:
    say = words(language).say
    if then == today:
        return say("time.today")
    if then == today - timedelta(days=1):
        return say("time.yesterday")
    month = say(f"time.month.{then.month}")
    if then.year == today.year:
        return say("time.date", day=then.day, month=month)
    return say("time.date_and_year", day=then.day, month=month, year=then.year)
