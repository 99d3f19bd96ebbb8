"""Today on the page: figures, bars by hour, and what is told to whom."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from edge_agent.clock import Moment, TimeQuality
from edge_agent.page.sections.today import Today, today
from edge_agent.page.sources import Reader, Sources
from edge_agent.shop.today import Place
from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support.generation import configure
from tests.support.slips import ZONE, receipt, sale
from tests.support.sources import sources

TILL = "till-1-printer"
OPEN = STORE_TOML.replace("[[touchpoint]]", 'opening_hours = "09:00-22:00"\n\n[[touchpoint]]', 1)
READER, MANAGER = Reader("en"), Reader("en", is_manager=True)


def at(local: str) -> Moment:
    """Return a moment by the shop's clock."""
    return Moment(round(datetime.fromisoformat(local).replace(tzinfo=ZONE).timestamp() * 1000), 0, "boot", QUALITY)


QUALITY = TimeQuality.SYNCED
NOON = at("2027-03-10T12:10:00")


def print_sales(page: Sources, *local: str) -> None:
    for count, moment in enumerate(local):
        page.generation.shop.observe(TILL, receipt(sale(f"20261122{count:06d}")), at(f"2027-03-10T{moment}"))


def count(page: Sources, counter: str, by_hour: Mapping[int, int]) -> None:
    """Count visitors or check-ins by the hour of the day."""
    for hour, times in by_hour.items():
        for _ in range(times):
            page.generation.shop._today.add(Place("2027-03-10", hour - 4), counter)


def count_at(page: Sources, day: str, hour: int) -> None:
    """Count a check-in in an hour of a business day."""
    page.generation.shop._today.add(Place(day, hour), "checkins")


def figures(section: Today) -> dict[str, str]:
    return {figure.key: figure.value for figure in section.figures}


def bars(section: Today, key: str) -> dict[str, int]:
    (series,) = (series for series in section.series if series.key == key)
    return {hour: value for hour, value in zip(section.hours, series.values, strict=True) if value}


def said(section: Today, key: str) -> str:
    (series,) = (series for series in section.series if series.key == key)
    return series.words


async def test_figures_and_bars_of_orders(tmp_path: Path) -> None:
    async with sources(configure(tmp_path)) as page:
        print_sales(page, "09:59:00", "11:00:00", "11:30:00")
        section = today(page, READER, NOON)
        assert section.business_day == "2027-03-10"
        assert figures(section) == {"orders": "3", "checkins": "0", "visitors": "0"}
        assert bars(section, "orders") == {"09": 1, "11": 2}
        assert section.hours == ("09", "10", "11", "12", "13", "14", "15", "16"), "eight hours at least"
        assert said(section, "orders") == "Orders: 1 from 9:00, 2 from 11:00."
        assert said(section, "checkins") == "Check-ins: none yet."


async def test_amounts_are_the_managers(tmp_path: Path) -> None:
    async with sources(configure(tmp_path)) as page:
        print_sales(page, "09:59:00", "11:00:00", "11:30:00")
        assert not [amount for amount in ("¥", "16.00", "1600") if amount in repr(today(page, READER, NOON))]
        section = today(page, MANAGER, NOON)
        assert figures(section)["amount"] == "¥48.00"
        assert said(section, "orders") == "Orders: 1 from 9:00 (¥16.00), 2 from 11:00 (¥32.00)."
        chinese = today(page, Reader("zh", is_manager=True), NOON)
        assert said(chinese, "orders") == "订单：9点1单共¥16.00，11点2单共¥32.00。"


async def test_what_is_rare_is_only_told_when_it_happens(tmp_path: Path) -> None:
    async with sources(configure(tmp_path)) as page:
        shop = page.generation.shop
        shop.observe(TILL, receipt("一张看不懂的纸"), NOON)
        shop.observe(TILL, receipt(sale().replace("惠民便利店", "惠民便利店\n退货单")), NOON)
        assert figures(today(page, READER, NOON)) == {
            "orders": "0", "returns": "1", "checkins": "0", "visitors": "0", "unparsed": "1"
        }  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_few_visitors_of_an_hour_are_not_told(tmp_path: Path, language: str) -> None:
    async with sources(configure(tmp_path)) as page:
        count(page, "visitors", {9: 4, 10: 5, 11: 1})
        section = today(page, Reader(language), NOON)
        assert figures(section)["visitors"] == "10", "the day's number is told"
        assert bars(section, "visitors") == {"10": 5}
        words = {
            "en": "Visitors recognised: fewer than 5 from 9:00, 5 from 10:00, fewer than 5 from 11:00.",
            "zh": "认出的顾客：9点不足5人，10点5人，11点不足5人。",
        }
        assert said(section, "visitors") == words[language]


async def test_check_ins_are_told_however_few(tmp_path: Path) -> None:
    async with sources(configure(tmp_path)) as page:
        count(page, "checkins", {9: 1})
        assert bars(today(page, READER, NOON), "checkins") == {"09": 1}


@pytest.mark.parametrize(
    ("now", "first", "last"),
    [("07:00", "09", "21"), ("12:10", "09", "21"), ("23:30", "09", "23")],
)
async def test_the_opening_hours_are_shown(tmp_path: Path, now: str, first: str, last: str) -> None:
    async with sources(configure(tmp_path, store=OPEN)) as page:
        print_sales(page, "10:00:00")
        section = today(page, READER, at(f"2027-03-10T{now}"))
        assert (section.hours[0], section.hours[-1]) == (first, last)
        assert bars(section, "orders") == {"10": 1}


async def test_what_happens_before_the_opening_and_after_the_closing_is_shown(tmp_path: Path) -> None:
    async with sources(configure(tmp_path, store=OPEN)) as page:
        print_sales(page, "06:10:00", "23:50:00")
        section = today(page, READER, at("2027-03-10T23:55:00"))
        assert bars(section, "orders") == {"06": 1, "23": 1}


@pytest.mark.parametrize(
    ("first_sale", "now", "first", "last"),
    [("06:10", "06:15", "06", "13"), ("09:10", "21:30", "09", "21"), ("23:10", "23:15", "20", "03")],
)
async def test_without_opening_hours_a_day_begins_with_its_first_order(
    tmp_path: Path, first_sale: str, now: str, first: str, last: str
) -> None:
    async with sources(configure(tmp_path)) as page:
        print_sales(page, f"{first_sale}:00")
        section = today(page, READER, at(f"2027-03-10T{now}"))
        assert (section.hours[0], section.hours[-1]) == (first, last)
        assert bars(section, "orders") == {first_sale[:2]: 1}


@pytest.mark.parametrize(
    ("hours", "first", "last"),
    [
        ("18:00-02:00", "18", "01"),
        ("00:00-24:00", "04", "03"),
        ("03:30-20:00", "04", "03"),
        ("12:00-05:30", "04", "03"),
        ("04:00-04:00", "04", "03"),
        ("09:00-24:00", "09", "23"),
    ],
)
async def test_openings_past_midnight(tmp_path: Path, hours: str, first: str, last: str) -> None:
    async with sources(configure(tmp_path, store=OPEN.replace("09:00-22:00", hours))) as page:
        print_sales(page, "18:00:00")
        section = today(page, READER, at("2027-03-10T18:10:00"))
        assert (section.hours[0], section.hours[-1]) == (first, last)


async def test_a_day_of_25_hours_has_one_of_them_twice(tmp_path: Path) -> None:
    berlin = STORE_TOML.replace("Asia/Shanghai", "Europe/Berlin").replace('"04:00"', '"00:00"')
    async with sources(configure(tmp_path, store=berlin)) as page:
        count_at(page, "2027-10-31", 0)
        now = Moment(1_825_021_800_000, 0, "boot", TimeQuality.SYNCED)  # 2027-10-31 23:30 in Berlin
        section = today(page, READER, now)
        assert len(section.hours) == 25
        assert section.hours[1:5] == ("01", "02", "02", "03")


async def test_the_figures_are_in_the_transaction_of_the_order(tmp_path: Path) -> None:
    config = configure(tmp_path)
    async with sources(config) as page:
        outcome = page.generation.shop.observe(TILL, receipt(sale()), at("2027-03-10T11:00:00"))
        await page.storage.commit(outcome)
        page.generation.shop.observe(TILL, receipt(sale("20261122000999")), at("2027-03-10T11:00:00"))  # not committed
    async with sources(config) as page:
        assert bars(today(page, READER, NOON), "orders") == {"11": 1}


async def test_before_anything_happened(tmp_path: Path) -> None:
    async with sources(configure(tmp_path)) as page:
        section = today(page, MANAGER, at("2027-03-10T04:00:00"))
        assert section.hours == ("04", "05", "06", "07", "08", "09", "10", "11")
        assert figures(section) == {"orders": "0", "amount": "¥0.00", "checkins": "0", "visitors": "0"}
        never_set = Moment(1_000, 1_000, "boot", TimeQuality.UNSYNCED)
        assert today(page, READER, never_set).hours == ()


@pytest.mark.parametrize(("language", "words"), [("zh", "订单：9点30分1单。"), ("en", "Orders: 1 from 9:30.")])
async def test_a_day_that_begins_at_half_past(tmp_path: Path, language: str, words: str) -> None:
    async with sources(configure(tmp_path, store=STORE_TOML.replace('"04:00"', '"06:30"'))) as page:
        print_sales(page, "09:59:00")
        section = today(page, Reader(language), NOON)
        assert bars(section, "orders") == {"09:30": 1}
        assert said(section, "orders") == words
