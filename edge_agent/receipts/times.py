"""Printed dates and times, in the forms tills use."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: month for month, name in enumerate(_NAMES, 1)}
_YEAR_FIRST = re.compile(r"(?<!\d)(19[789]\d|20\d\d)\s*[-/.年년]\s*(\d{1,2})\s*[-/.月월]\s*(\d{1,2})(?!\d)")
_SHORT_YEAR = re.compile(r"(?<!\d)([23]\d)\s?年\s?(\d{1,2})\s?月\s?(\d{1,2})\s?日")  # 26年03月28日; 115年 is Taiwan's
_COMPACT = re.compile(
    r"(?<!\d)(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?:\s?([01]\d|2[0-3])([0-5]\d)([0-5]\d))?(?!\d)"
)
_NUMERIC = re.compile(r"(?<![\d.,-])(?<!\d:)(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?![\d-])")
# Whole months only: 2 MARGARITA 24.00 is none.
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?"
_DAY_NAME = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?[\s-]*{_MONTH}\.?,?[\s'-]*(20\d\d|\d{{2}})(?![\d.,])", re.IGNORECASE
)
# Nov 22, 2026 and NOV22'26
_NAME_DAY = re.compile(
    rf"(?<![a-z]){_MONTH}\.?[\s-]*(\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+|,\s*|[-\s]?')(20\d\d|(?<=')\d{{2}})(?!\d)",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"(?<!\d)(?<!\d:)([01]?\d|2[0-3])(?:[:：h時时点시]\s?([0-5]\d)(?:[:：分분]\s?([0-5]\d)(?:\.\d+)?[秒초]?|[分분])?)\s*(am|pm|a\.m\.|p\.m\.|a|p)?(?![\d:a-z])",
    re.IGNORECASE,
)
# A dot makes a date only between three figures: 16.00 is none.
_HINT = re.compile(
    r"\d\s*\.\s*\d{1,2}\s*\.\s*\d|\d\s*[-/:年月년時时h]\s*\d|20\d{6}|\d\s*[a-z]{3}|[a-z]{3}\w*\.? ?\d", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a row says of date and time."""

    day: date | None
    clock: time | None


def find(text: str, order: str, *, bare: bool = True) -> Stamp | None:
    """Return the date and the time of day a row holds, or None.

    ``order`` (``ymd`` ``dmy`` ``mdy``) decides only where the figures alone do not. ``bare``: eight or fourteen digits
    in a row count too, which may as well be the beginning of a receipt number.
    """
    if _HINT.search(text) is None:
        return None
    day, clock, rest = _date(text, order, bare=bare)
    if clock is None:
        clock = _clock(rest)
    return Stamp(day, clock) if day or clock else None


def combine(stamps: list[Stamp]) -> datetime | None:
    """Return the first full moment: a row that holds both, else the first date with the first time."""
    for stamp in stamps:
        if stamp.day and stamp.clock:
            return datetime.combine(stamp.day, stamp.clock)
    day = next((s.day for s in stamps if s.day), None)
    clock = next((s.clock for s in stamps if s.clock), None)
    return datetime.combine(day, clock or time()) if day else None


def _date(text: str, order: str, *, bare: bool) -> tuple[date | None, time | None, str]:
    if match := _YEAR_FIRST.search(text):
        return _day(int(match[1]), int(match[2]), int(match[3])), None, _without(text, match)
    if "年" in text and (match := _SHORT_YEAR.search(text)):
        return _day(2000 + int(match[1]), int(match[2]), int(match[3])), None, _without(text, match)
    if match := _NAME_DAY.search(text):
        month = _MONTHS.get(match[1].lower())
        if month:
            return _day(_year(match[3]), month, int(match[2])), None, _without(text, match)
    if match := _DAY_NAME.search(text):
        month = _MONTHS.get(match[2].lower())
        if month:
            return _day(_year(match[3]), month, int(match[1])), None, _without(text, match)
    if match := _NUMERIC.search(text):
        return _numeric(match, order), None, _without(text, match)
    if bare and (match := _COMPACT.search(text)):
        clock = time(int(match[4]), int(match[5]), int(match[6])) if match[4] else None
        return _day(int(match[1]), int(match[2]), int(match[3])), clock, _without(text, match)
    return None, None, text


def _numeric(match: re.Match[str], order: str) -> date | None:
    a, b, c = int(match[1]), int(match[3]), int(match[4])
    if len(match[4]) == 4:
        year, first, second = c, a, b
    elif order == "ymd":
        return _day(2000 + a, b, c) or _day(2000 + c, b, a)
    else:
        year, first, second = 2000 + c, a, b
    if order == "mdy" and first <= 12:
        return _day(year, first, second) or _day(year, second, first)
    return _day(year, second, first) or _day(year, first, second)


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _without(text: str, match: re.Match[str]) -> str:
    return text[: match.start()] + "  " + text[match.end() :]


def _clock(text: str) -> time | None:
    match = _CLOCK.search(text)
    if match is None or match[2] is None:
        return None
    hour, half = int(match[1]), (match[4] or "").lower()[:1]
    if half == "p" and hour < 12:
        hour += 12
    elif half == "a" and hour == 12:
        hour = 0
    return time(hour, int(match[2]), int(match[3] or 0))
