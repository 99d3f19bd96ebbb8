"""The day's counts by hour: where they count, what they cost, and what older versions left."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from edge_agent.shop.business_day import HOUR_MS, HOURS_MAX, begins_ms, business_day, hour_of
from edge_agent.shop.outcome import StateChange
from edge_agent.shop.today import Counts, Hour, Place, Today
from tests.support.counter import AFTER_S, Counter, slip
from tests.support.people import People, sdm_tag
from tests.support.recaptures import decoded, printed, read_again, taught, vendor
from tests.support.slips import Book, at, receipt, sale, settings

BERLIN = ZoneInfo("Europe/Berlin")
DAY = "2026-11-22"


def hours(book: Book, local: str = "2026-11-22T23:00:00") -> dict[int, Hour]:
    """Return the hours with anything of the day of a moment, by the hour of the wall clock (the day begins at 4)."""
    counts = book.shop.counts(at(local))
    return {(number + 4) % 24: hour for number, hour in enumerate(counts.hours) if hour != Hour()}


def number(count: int) -> str:
    return f"20261122{count:06d}"


# --- which hour ------------------------------------------------------------------------------------------------------


def test_an_order_counts_in_the_hour_it_came_with_its_amount() -> None:
    book = Book()
    for count, local in enumerate(["09:59:59", "10:00:00", "10:59:59", "23:30:00"]):
        book.observe(receipt(sale(number(count))), at(f"{DAY}T{local}"))
    book.observe(receipt(sale(number(9))), at("2026-11-23T03:59:59"))
    assert hours(book) == {
        9: Hour(orders=1, payable=1600),
        10: Hour(orders=2, payable=3200),
        23: Hour(orders=1, payable=1600),
        3: Hour(orders=1, payable=1600),
    }
    book.observe(receipt(sale(number(10))), at("2026-11-23T04:00:00"))
    assert hours(book, "2026-11-23T12:00:00") == {4: Hour(orders=1, payable=1600)}
    assert len(hours(book)) == 4, "the day before is still known"


def test_returns_and_voids_take_off() -> None:
    counter = Counter()
    counter.print(slip("16.00", "现金 16.00", number=number(1)))
    counter.print(slip("6.00", "现金 6.00", number=number(2), kind="退货单"))
    counter.print(slip("4.00", "现金 4.00", number=number(3), kind="作废单"))
    (hour,) = hours(counter.book).values()
    assert hour == Hour(orders=1, returns=1, payable=600)


def test_a_second_print_and_an_unread_slip_add_nothing_to_an_hour() -> None:
    book = Book()
    for _ in range(2):
        book.observe(receipt(sale()), at())
    book.observe(receipt("一张看不懂的纸"), at())
    assert hours(book) == {10: Hour(orders=1, payable=1600)}


def test_what_is_read_later_counts_in_the_hour_it_came() -> None:
    book = Book()
    book.observe(decoded(printed(vendor(1))), at(f"{DAY}T10:31:07"))
    assert hours(book) == {}
    learnt = Book(taught())
    learnt.rows, learnt.captures = book.rows, book.captures
    learnt.restart()
    again, _ = read_again(learnt, learnt.captures[0], at(f"{DAY}T22:00:00"))
    assert again.verdict == "read"
    assert hours(learnt) == {10: Hour(orders=1, payable=850)}


def test_a_sale_that_was_shown_counts_when_it_was_made_and_its_paper_corrects_the_amount() -> None:
    counter = Counter()
    counter.show("unit_price 12.00", "total 16.00", "received 20.00", "change 4.00")
    counter.wait(2 * AFTER_S)
    assert hours(counter.book) == {10: Hour(orders=1, payable=1600)}
    counter.print(slip("16.00", "现金 20.00", "找零 4.00"))
    assert hours(counter.book) == {10: Hour(orders=1, payable=1600)}


@hypothesis_settings(max_examples=20)
@given(st.lists(st.tuples(st.sampled_from(["", "退货单", "作废单"]), st.integers(1, 10**6)), max_size=12))
def test_the_hours_add_up_to_the_books(sold: list[tuple[str, int]]) -> None:
    counter = Counter()
    for count, (kind, payable) in enumerate(sold):
        amount = f"{payable // 100}.{payable % 100:02}"
        counter.print(slip(amount, f"现金 {amount}", number=number(count), kind=kind))
        counter.wait(1)
    counts = counter.book.shop.counts(counter.now)
    assert sum(hour.payable for hour in counts.hours) == counter.book.shop.proof.standing(DAY).payable
    assert sum(hour.orders for hour in counts.hours) == counts.orders
    assert sum(hour.returns for hour in counts.hours) == counts.returns


def test_taps_and_visitors_count_in_the_hour_they_came() -> None:
    people = People()
    people.works()
    people.stay(3)
    people.skip(2 * 3_600)
    people.badge()
    by_hour = hours(people)
    assert by_hour[10].visitors == 1
    assert sum(hour.visitors for hour in by_hour.values()) == people.shop.counts(people.now).visitors
    assert sum(hour.checkins for hour in by_hour.values()) == people.shop.counts(people.now).checkins >= 1


def test_without_a_clock_only_the_day_counts() -> None:
    people = People()
    people.sell(sale(number(1)))
    people.now = replace(people.now, wall_ms=1_000)
    people.tap(sdm_tag(1))
    counts = people.shop.counts(people.now)
    assert (counts.business_day, counts.checkins) == (DAY, 1)
    assert sum(hour.checkins for hour in counts.hours) == 0
    assert sum(hour.orders for hour in counts.hours) == 1


# --- days of 23, 24 and 25 hours --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "length"), [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-24", 24), ("2026-10-25", 25)]
)
def test_days_of_summer_time(day: str, length: int) -> None:
    midnight = time(0)
    begins = begins_ms(day, BERLIN, midnight)
    found = [hour_of(begins + hour * HOUR_MS + 1, day, BERLIN, midnight) for hour in range(length)]
    assert found == list(range(length))
    next_day = (datetime.fromisoformat(day) + timedelta(days=1)).date().isoformat()
    assert begins_ms(next_day, BERLIN, midnight) == begins + length * HOUR_MS
    assert hour_of(begins - 1, day, BERLIN, midnight) is None
    assert hour_of(begins + HOURS_MAX * HOUR_MS, day, BERLIN, midnight) is None


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.times(max_value=time(23, 59)).map(lambda at_: at_.replace(second=0, microsecond=0)),
)
def test_every_moment_has_an_hour_in_its_business_day(moment: datetime, name: str, starts: time) -> None:
    zone, wall_ms = ZoneInfo(name), round(moment.replace(tzinfo=UTC).timestamp() * 1000)
    day = business_day(wall_ms, zone, starts).isoformat()
    hour = hour_of(wall_ms, day, zone, starts)
    # Where a day begins in an hour that summer time leaves out, its first moments are in none.
    skipped = datetime.fromtimestamp(begins_ms(day, zone, starts) / 1000, zone).time() != starts
    assert (hour is not None and 0 <= hour < HOURS_MAX) or skipped


# --- the row ---------------------------------------------------------------------------------------------------------


def test_a_row_of_the_version_before_is_read_and_goes_on() -> None:
    old = {"business_day": DAY, "orders": 7, "seen": {"sale": 7}, "before": {"business_day": "2026-11-21", "orders": 5}}
    counts = Today({"counts": msgspec.json.encode(old)})
    change = counts.count(Place(DAY, 6), "sale", "orders", 1600)
    assert counts.counts.orders == 8
    assert counts.counts.hours == [*[Hour()] * 6, Hour(orders=1, payable=1600)]
    assert change.value is not None
    back = Today({"counts": change.value})
    assert (back.of(DAY).orders, back.of("2026-11-21").orders) == (8, 5)
    assert back.of(DAY).hours == counts.counts.hours


def test_the_version_before_reads_the_row_of_this_one() -> None:
    class Old(msgspec.Struct):
        business_day: str = ""
        orders: int = 0
        before: Counts | None = None

    change = Today({}).count(Place(DAY, 6), "sale", "orders", 1600)
    assert change.value is not None
    read = msgspec.json.decode(change.value, type=Old)
    assert (read.business_day, read.orders) == (DAY, 1)


@pytest.mark.parametrize("row", [b"", b"{", b"[]", b'{"hours": 3}', b'{"orders": "x"}', b"\xff"])
def test_an_unreadable_row_costs_the_days_counts_alone(row: bytes) -> None:
    assert Today({"counts": row}).add(Place(DAY, 1), "checkins").value is not None


def test_a_row_of_two_long_days_stays_small() -> None:
    counts = Today({})
    for day in ("2026-11-21", DAY):
        for hour in range(HOURS_MAX):
            for counter in ("orders", "returns", "checkins", "visitors"):
                for _ in range(200):
                    change = counts.count(Place(day, hour), "sale", counter, 1_234_567)
    assert change.value is not None
    assert len(change.value) < 2_048, "half a page of the database"


days = st.sampled_from(["2026-11-20", "2026-11-21", DAY])
operations = st.tuples(
    st.sampled_from(["count", "add", "reread", "correct", "restart"]),
    days,
    st.one_of(st.none(), st.integers(0, HOURS_MAX - 1)),
    st.integers(-10_000, 10_000),
)


@given(st.lists(operations, max_size=30))
def test_memory_and_row_say_the_same_whatever_the_order_of_days(done: list[tuple[str, str, int | None, int]]) -> None:
    counts = Today({})
    rows: dict[str, bytes] = {}
    for operation, day, hour, payable in done:
        place = Place(day, hour)
        changes: tuple[StateChange, ...] = ()
        match operation:
            case "count":
                changes = (counts.count(place, "sale", "orders", payable),)
            case "add":
                changes = (counts.add(place, "visitors"),)
            case "reread":
                changes = counts.reread(place, "sale", "orders", payable)
            case "correct":
                changes = counts.correct(place, payable)
            case _:
                counts = Today(rows)
        rows |= {change.key: change.value for change in changes if change.value is not None}
        durable = Today(rows)
        for each in ("2026-11-20", "2026-11-21", DAY):
            told = counts.of(each)
            again = durable.of(each)
            assert {name: getattr(told, name) for name in Counts.__struct_fields__} == {
                name: getattr(again, name) for name in Counts.__struct_fields__
            }
            assert len(told.hours) <= HOURS_MAX


def test_counts_of_another_business_day_start_are_by_its_hours() -> None:
    book = Book(replace(settings(), business_day_start=time(6, 30)))
    book.observe(receipt(sale()), at(f"{DAY}T07:29:59"))
    book.observe(receipt(sale(number(2))), at(f"{DAY}T07:30:00"))
    assert [hour.orders for hour in book.shop.counts(at(f"{DAY}T08:00:00")).hours] == [1, 1]
