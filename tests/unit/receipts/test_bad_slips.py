"""Slips no till should print: clocks wrong by years, sums beyond reason, and more rows than paper."""

import time
from datetime import datetime

import pytest

from edge_agent import receipts
from edge_agent.receipts import Reading

TEMPLATES = [receipts.compile(settings) for settings in receipts.shipped().values()]
SALE = "店\n单号 {number}\n{at}\n茶      1  {price}  {price}\n合计  {price}\n现金  {price}"


def read(text: str, currency: str = "CNY") -> Reading:
    reading = receipts.read(tuple(text.split("\n")), TEMPLATES, currency)
    assert reading is not None
    return reading


@pytest.mark.parametrize("year", [1970, 1999, 2000, 2013, 2049, 2099])
def test_a_wrong_clock_is_told_as_it_is_printed(year: int) -> None:
    reading = read(SALE.format(number=1, at=f"{year}-01-01 00:03:00", price="3.00"))
    assert reading.printed_at == datetime(year, 1, 1, 0, 3)
    assert (reading.totals.payable, reading.lines_check, reading.tenders_check) == (300, "pass", "pass")


@pytest.mark.parametrize(
    ("price", "payable"), [("12,345,678.00", 1234567800), ("123456789.01", 12345678901), ("¥10000000.00", 1000000000)]
)
def test_sums_beyond_ten_million(price: str, payable: int) -> None:
    reading = read(SALE.format(number=2, at="2026-11-22 10:00", price=price))
    assert (reading.totals.payable, reading.lines_check, reading.tenders_check) == (payable, "pass", "pass")
    assert [line.amount for line in reading.lines] == [payable]


def test_a_negative_total_is_a_return_and_says_so() -> None:
    reading = read("店\n单号 2\n茶  -1  3.00  -3.00\n合计  -3.00\n现金  -3.00")
    assert (reading.kind, reading.totals.payable, reading.flags) == ("return", 300, ("refund_negative",))
    assert [(line.quantity, line.amount) for line in reading.lines] == [("1", 300)]


def test_a_coupon_larger_than_the_goods_does_not_pass_for_right() -> None:
    reading = read("店\n单号 3\n茶  1  3.00  3.00\n优惠券  -5.00\n合计  -2.00\n现金  -2.00")
    assert "fail" in (reading.lines_check, reading.tenders_check)


def sale(goods: int) -> tuple[list[str], int]:
    rows, total = ["超市", "单号:88120 2026-11-22 10:00:00", "品名   数量  单价  金额"], 0
    for i in range(goods):
        count, price = i % 5 + 1, 100 + i * 7 % 900
        total += count * price
        rows.append(f"商品{i}号装    {count}   {price / 100:.2f}   {count * price / 100:.2f}")
    return [*rows, f"合计  {total / 100:.2f}", f"现金  {total / 100:.2f}"], total


def cost(rows: list[str]) -> float:
    began = time.process_time()
    receipts.read(rows, TEMPLATES)
    return time.process_time() - began


def test_two_thousand_rows_are_read_right() -> None:
    rows, total = sale(2000)
    reading = receipts.read(rows, TEMPLATES)
    assert reading is not None
    assert (reading.totals.payable, len(reading.lines)) == (total, 2000)
    assert (reading.lines_check, reading.tenders_check) == ("pass", "pass")


@pytest.mark.parametrize("label", ["合计", "优惠", "微信支付", "服务费", "税", "不知何物", "抹零", "小费"])
def test_rows_beyond_reason_cost_no_more_than_their_number(label: str) -> None:
    def hostile(count: int) -> list[str]:
        rows = [f"{label} {i % 900 + 1}.{i % 90 + 10}" for i in range(count)]
        return ["店", "单号 1", *rows, "合计 99.00", "现金 99.00"]

    cost(hostile(250))
    few = min(cost(hostile(250)) for _ in range(3))
    many = min(cost(hostile(2000)) for _ in range(2))
    assert many / few < 8 * 3  # eight times the rows, and room for a busy machine


def test_a_report_beyond_reason_costs_no_more_than_its_rows() -> None:
    def hostile(count: int) -> list[str]:
        sections = [("支付方式", f"现金 {i}.00", f"退货 {i}.10", f"优惠 {i}.30", f"合计 {i}.99") for i in range(count)]
        return ["日结", *(row for section in sections for row in section)]

    cost(hostile(50))
    few = min(cost(hostile(50)) for _ in range(3))
    many = min(cost(hostile(400)) for _ in range(2))
    assert many / few < 8 * 3


def test_a_currency_of_three_decimals() -> None:
    """Dinars have a thousand fils: 1.250 is no weight there."""
    rows = ("Receipt No: 10023", "22/11/2026 10:31", "Latte  1  1.250", "Croissant  2  0.750  1.500", "TOTAL  2.750")
    reading = read("\n".join((*rows, "CASH  5.000", "CHANGE  2.250")), "KWD")
    assert (reading.totals.payable, reading.totals.change) == (2750, 2250)
    assert [line.amount for line in reading.lines] == [1250, 1500]
    assert (reading.lines_check, reading.tenders_check) == ("pass", "pass")
