"""Today in figures: orders, check-ins, visitors, in all and by hour."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import reduce

import msgspec

from edge_agent.clock import Moment
from edge_agent.config.store import StoreSettings
from edge_agent.page.money import money
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.words import words
from edge_agent.shop.business_day import HOUR_MS, begins_ms, hour_of
from edge_agent.shop.today import Counts, Hour

HOURS_LEAST = 8  # a bar of a day's first hour is not all of the chart, and stays where it is until the afternoon


class Figure(msgspec.Struct, frozen=True):
    """One big number. ``key``: orders, amount, returns, checkins, visitors, unparsed …; ``value``: in words."""

    key: str
    label: str
    value: str


class Series(msgspec.Struct, frozen=True):
    """One row of bars. ``values``: one an hour; ``words``: all of them in a sentence, for those who cannot see bars.

    Of visitors, an hour with fewer than ``privacy.small_count`` has no bar, and is told as that.
    """

    key: str
    label: str
    values: tuple[int, ...]
    words: str


class Today(msgspec.Struct, frozen=True):
    """``hours``: the labels beneath the bars ("08" …), from the shop's opening to its closing where that is configured.

    Else from the first hour in which something happened to the present one, ``HOURS_LEAST`` at least.
    """

    business_day: str
    figures: tuple[Figure, ...]
    hours: tuple[str, ...]
    series: tuple[Series, ...]


def today(sources: Sources, reader: Reader, now: Moment) -> Today:
    """Return the figures of the business day."""
    counts = sources.generation.shop.counts(now)
    hours = _hours(sources.config.store, counts, now) if counts.business_day else {}
    return Today(
        business_day=counts.business_day,
        figures=tuple(_figures(sources, reader, counts)),
        hours=tuple(begins.strftime("%H:%M" if begins.minute else "%H") for begins in hours.values()),
        series=tuple(_series(sources.config.store, reader, counts, hours, key) for key in _SERIES),
    )


_SERIES = ("orders", "checkins", "visitors")


def _figures(sources: Sources, reader: Reader, counts: Counts) -> Iterator[Figure]:
    def figure(key: str, value: object) -> Figure:
        return Figure(key, words(reader.language).say(f"today.label.{key}"), str(value))

    yield figure("orders", counts.orders)
    if reader.is_manager:
        # The books' own sum: it stands beside the day proof, and is right for a day that began under an older version.
        payable = sources.generation.shop.proof.standing(counts.business_day).payable
        yield figure("amount", money(payable, sources.config.store.store.currency, reader.language))
    if counts.returns:
        yield figure("returns", counts.returns)
    yield figure("checkins", counts.checkins)
    yield figure("visitors", counts.visitors)
    if counts.unparsed:
        yield figure("unparsed", counts.unparsed)


def _hours(store: StoreSettings, counts: Counts, now: Moment) -> Mapping[int, datetime]:
    """Return when the hours that are shown begin, by the shop's clock, by their number in the business day."""
    zone, starts, day = store.zone, store.store.business_day_start, counts.business_day
    busy = [number for number, hour in enumerate(counts.hours) if hour != Hour()]
    begins, ends = begins_ms(day, zone, starts), begins_ms(_after(day, 1), zone, starts)
    present = hour_of(now.wall_ms, day, zone, starts) or 0
    opened = _opened(store, day) or _usual(min([present, *busy]), (ends - begins) // HOUR_MS)
    shown = range(min([opened.start, *busy]), max([opened.stop - 1, present, *busy]) + 1)
    return {number: datetime.fromtimestamp((begins + number * HOUR_MS) / 1000, zone) for number in shown}


def _usual(first: int, hours_of_day: int) -> range:
    """Return the fewest hours of a business day that are shown, from one of them on as far as the day goes."""
    begins = max(0, min(first, hours_of_day - HOURS_LEAST))
    return range(begins, begins + HOURS_LEAST)


def _opened(store: StoreSettings, day: str) -> range | None:
    """Return the hours of a business day from its first opening to its last closing, if those are configured."""
    if store.store.opening_hours is None:
        return None
    zone, starts = store.zone, store.store.business_day_start
    begins, ends = begins_ms(day, zone, starts), begins_ms(_after(day, 1), zone, starts)
    opens, closes = (time.fromisoformat(at.replace("24:00", "00:00")) for at in store.store.opening_hours.split("-"))
    found = []
    for opening in (_after(day, -1), day, _after(day, 1)):  # that of the evening before may reach into the day
        closing = opening if closes > opens else _after(opening, 1)
        opens_ms, closes_ms = begins_ms(opening, zone, opens), begins_ms(closing, zone, closes)
        if opens_ms < ends and closes_ms > begins:
            found += [max(opens_ms, begins), min(closes_ms, ends) - 1]
    return range((found[0] - begins) // HOUR_MS, (found[-1] - begins) // HOUR_MS + 1) if found else None


def _after(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def _series(store: StoreSettings, reader: Reader, counts: Counts, hours: Mapping[int, datetime], key: str) -> Series:
    say = words(reader.language).say
    least = store.privacy.small_count if key == "visitors" else 1
    label = say(f"today.label.{key}")
    values, told = [], []
    for number, begins in hours.items():
        hour = counts.hours[number] if number < len(counts.hours) else Hour()
        count, time_ = getattr(hour, key), _time(begins, reader.language)
        values.append(count if count >= least else 0)
        if count >= least:
            told.append(say(f"today.hour.{key}", count=count, time=time_))
        elif count:
            told.append(say("today.hour.few", few=least, time=time_))
        if count and key == "orders" and reader.is_manager:
            amount = money(hour.payable, store.store.currency, reader.language)
            told[-1] = say("today.hour.amount", hour=told[-1], amount=amount)
    if not told:
        return Series(key, label, tuple(values), say("today.none", label=label))
    listed = reduce(lambda before, one: say("today.hour.and", before=before, one=one), told)
    return Series(key, label, tuple(values), say("today.by_hour", label=label, hours=listed))


def _time(begins: datetime, language: str) -> str:
    say = words(language).say
    if begins.minute:
        return say("today.hour.at_minute", hour=begins.hour, minute=f"{begins.minute:02}")
    return say("today.hour.at", hour=begins.hour)
