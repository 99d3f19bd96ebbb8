"""The sums decide, and the checks are honest."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent import receipts
from edge_agent.receipts import Reading

TEMPLATES = [receipts.compile(s) for s in receipts.shipped().values()]


def read(text: str, currency: str = "CNY") -> Reading:
    reading = receipts.read(text.strip().splitlines(), TEMPLATES, currency)
    assert reading is not None
    return reading


def tenders(reading: Reading) -> list[tuple[str, int]]:
    return [(t.type, t.amount) for t in reading.tenders]


def test_received_may_be_what_was_handed_over() -> None:
    reading = read("可乐 2 3.00 6.00\n应收:6.00 实收:10.00 找零:4.00")
    assert (reading.totals.payable, tenders(reading), reading.totals.change) == (600, [("cash", 1000)], 400)
    assert reading.tenders_check == "pass"
    assert "tender_implied" in reading.flags


def test_received_may_be_what_was_kept() -> None:
    reading = read("可乐 2 3.00 6.00\n合计:6.00\n优惠:1.00\n实收:5.00\n微信支付:5.00")
    assert (reading.totals.payable, tenders(reading)) == (500, [("wechat_pay", 500)])
    assert (reading.lines_check, reading.tenders_check) == ("pass", "pass")


def test_a_coupon_is_a_tender_where_the_total_includes_it() -> None:
    reading = read("可乐 2 3.00 6.00\n应收:6.00\n优惠券:2.00\n微信:4.00")
    assert (reading.totals.payable, tenders(reading)) == (600, [("coupon", 200), ("wechat_pay", 400)])


def test_a_coupon_is_a_discount_where_the_total_is_after_it() -> None:
    reading = read("可乐 2 3.00 6.00\n合计:6.00\n优惠券:-2.00\n应付:4.00\n微信:4.00")
    assert (reading.totals.payable, tenders(reading), reading.totals.discount) == (400, [("wechat_pay", 400)], 200)


def test_tax_on_top_and_tax_within() -> None:
    on_top = read("COKE 6.00\nSUBTOTAL 6.00\nTAX 0.60\nTOTAL 6.60\nCASH 6.60", "USD")
    within = read("COKE 6.00\nTOTAL 6.00\nVAT 20% 1.00\nCASH 6.00", "GBP")
    assert (on_top.totals.tax_added, on_top.lines_check) == (60, "pass")
    assert (within.totals.tax_added, within.lines_check) == (0, "pass")


def test_one_total_and_no_tender_proves_nothing_of_the_payment() -> None:
    reading = read("拌面   2   16.00\n合计       16.00")
    assert (reading.totals.payable, reading.tenders, reading.tenders_check) == (1600, (), "unknown")


def test_lines_that_do_not_add_up_fail_and_are_shown() -> None:
    reading = read("可乐 2 3.00 6.00\n面包 1 5.00 5.00\n合计 12.00\n现金 12.00")
    assert (reading.lines_check, reading.tenders_check) == ("fail", "pass")
    assert [line.amount for line in reading.lines] == [600, 500]


def test_tenders_that_do_not_add_up_fail_and_are_shown() -> None:
    reading = read("可乐 2 3.00 6.00\n合计 6.00\n现金 10.00\n找零 3.00")
    assert (reading.lines_check, reading.tenders_check) == ("pass", "fail")
    assert tenders(reading) == [("cash", 1000)]


def test_a_payment_printed_twice_is_counted_once() -> None:
    reading = read(
        "可乐 2 3.00 6.00\n合计 6.00\n微信支付 6.00\n支付方式:微信支付 6.00\n交易单号:4200001234202611221234567890"
    )
    assert tenders(reading) == [("wechat_pay", 600)]
    assert reading.tenders[0].reference == "4200001234202611221234567890"


def test_a_negative_total_is_a_return_with_positive_amounts() -> None:
    reading = read("可乐 -2 3.00 -6.00\n合计 -6.00\n现金 -6.00")
    assert (reading.kind, reading.totals.payable, tenders(reading)) == ("return", 600, [("cash", 600)])
    assert [line.amount for line in reading.lines] == [600]


@pytest.mark.parametrize("text", ["", "欢迎光临", "谢谢惠顾\n电话 021-12345678", "1 2 3\n4 5 6", "合计"])
def test_what_is_no_receipt_gives_nothing(text: str) -> None:
    assert receipts.read(text.splitlines(), TEMPLATES) is None


LABELS = ["合计", "应收", "实收", "找零", "微信支付", "现金", "优惠", "抹零", "单号", "退货", "小计", "合  计", "可乐"]
ENGLISH_LABELS = ["TOTAL", "CASH", "CHANGE", "TAX"]
FIGURES = [":", "x2", "-1.00", "6.00", "0.856kg", "¥3", "12", "2*3.50", "@", "  ", "1,234.50", "8折", "(", "\t"]
WORDS = st.sampled_from([*LABELS, *ENGLISH_LABELS, *FIGURES])


@settings(max_examples=150)
@given(st.lists(st.lists(WORDS | st.text(max_size=6), max_size=8).map(" ".join), max_size=20))
def test_any_text_is_read_or_not_but_never_raises_and_never_passes_wrongly(lines: list[str]) -> None:
    reading = receipts.read(lines, TEMPLATES)
    if reading is None:
        return
    totals = reading.totals
    if reading.lines_check == "pass":
        total = sum(line.amount for line in reading.lines) + totals.rounding + totals.tax_added + totals.tip
        assert total == totals.payable
    if reading.tenders_check == "pass":
        assert sum(t.amount for t in reading.tenders) - (totals.change or 0) == totals.payable


def test_a_slip_of_two_thousand_goods_is_read() -> None:
    goods = "\n".join(f"商品{i}   1   2.00   2.00" for i in range(2000))
    reading = read(f"{goods}\n合计 4000.00\n现金 4000.00")
    assert (len(reading.lines), reading.totals.payable) == (2000, 400000)
    assert (reading.lines_check, reading.tenders_check) == ("pass", "pass")


def test_hundreds_of_discounts_are_not_combined_until_something_fits() -> None:
    discounts = "\n".join(f"优惠 {i}.13" for i in range(300))
    reading = read(f"可乐 5.00\n小计 5.00\n{discounts}\n应付 4.00")
    assert (reading.totals.payable, reading.lines_check) == (400, "fail")


def test_goods_do_not_prove_a_subtotal_against_a_later_total() -> None:
    reading = read("可乐 5.00\n小计 5.00\n合计 5.77")
    assert (reading.totals.payable, reading.lines_check) == (577, "fail")


def test_an_amount_nobody_named_is_explained_by_the_sums() -> None:
    reading = read("可乐 5.00\n小计 5.00\n神秘附加 1.00\n合计 6.00\n现金 6.00")
    assert (reading.totals.payable, reading.lines_check, reading.tenders_check) == (600, "pass", "pass")
    assert [(line.kind, line.name, line.amount) for line in reading.lines][1:] == [("fee", "神秘附加", 100)]
