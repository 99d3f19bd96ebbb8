"""One sale from several lines: what the display, the terminal, the scanner and the printer of a till say of it."""

from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from edge_agent.clock import Moment
from edge_agent.observations import DisplayText
from edge_agent.shop import companions, rereading
from tests.support.counter import AFTER_S, Counter, counters, slip
from tests.support.slips import receipt

SALE = ("unit_price 12.00", "unit_price 4.00", "total 16.00", "received 20.00", "change 4.00")
OTHER_BOOT = "6f2f1c1e-0000-4000-8000-000000000002"
WECHAT, ALIPAY, ECNY = "134567890123456789", "2876543210987654", "0123456789012345678"


@pytest.fixture
def counter() -> Counter:
    return Counter()


def sums(order: dict[str, Any]) -> tuple[int, int | None, int | None]:
    return order["totals"]["payable"], order["totals"]["tendered"], order["totals"]["change"]


def is_provisional(order: dict[str, Any]) -> bool:
    return "provisional" in order["evidence"]["flags"]


# --- display and paper -----------------------------------------------------------------------------------------------


def test_a_receipt_takes_received_and_change_from_the_display(counter: Counter) -> None:
    counter.show(*SALE)
    counter.print(slip("16.00"))
    counter.wait(2 * AFTER_S)

    order = counter.order()
    assert sums(order) == (1600, 2000, 400)
    (tender,) = order["tenders"]
    assert (tender["type"], tender["amount"], tender["entry"]) == ("cash", 2000, "cash")
    assert order["evidence"]["flags"] == []


@pytest.mark.parametrize("paper_after", range(len(SALE) + 1))
def test_wherever_among_the_figures_the_paper_comes_it_is_one_sale(counter: Counter, paper_after: int) -> None:
    counter.show(*SALE[:paper_after])
    counter.print(slip("16.00", "现金 20.00", "找零 4.00"))
    counter.wait(3)
    counter.show(*SALE[paper_after:])
    counter.wait(2 * AFTER_S)

    assert sums(counter.order()) == (1600, 2000, 400)
    assert not is_provisional(counter.order())


@pytest.mark.parametrize(
    "figures",
    [
        ("total 16.00", "received 20.00", "change 4.00"),
        ("received 20.00", "total 16.00", "change 4.00"),
        ("total 16.00", "change 4.00", "received 20.00"),
        ("total 16.00", "total 16.00", "received 20.00", "change 4.00", "change 4.00", "total 16.00"),
        ("total 16.00", "-", "received 20.00", "-", "change 4.00", "-"),
        ("total 16.00", "received 10.00", "received 20.00", "change 4.00"),
    ],
)
def test_registers_send_the_figures_in_any_order_and_twice(counter: Counter, figures: tuple[str, ...]) -> None:
    counter.show("unit_price 16.00", *figures)
    counter.wait(2 * AFTER_S)

    assert sums(counter.order()) == (1600, 2000, 400)


def test_a_contradiction_is_flagged_and_changes_no_figure(counter: Counter) -> None:
    counter.show("total 16.00", "received 50.00", "change 34.00")
    counter.print(slip("16.00", "现金 20.00", "找零 4.00"))
    counter.wait(2 * AFTER_S)

    assert sums(counter.order()) == (1600, 2000, 400)
    assert counter.order()["evidence"]["flags"] == ["display_differs"]


def test_of_two_sales_of_one_amount_a_receipt_is_of_the_one_it_agrees_with(counter: Counter) -> None:
    counter.show("unit_price 16.00", "total 16.00", "received 50.00", "change 34.00")
    counter.show("unit_price 16.00", *SALE[2:])
    counter.print(slip("16.00", "现金 50.00", "找零 34.00"))
    counter.wait(2 * AFTER_S)

    assert [(sums(order), order["evidence"]["flags"]) for order in counter.orders()] == [
        ((1600, 5000, 3400), []), ((1600, 2000, 400), ["provisional"]),
    ]  # fmt: skip


DISCOUNTED = "惠民便利店\n苹果  1  20.00  20.00\n会员折扣  -4.00\n合计  16.00\n现金  16.00\n"


def test_a_total_before_the_discount_and_after_it_are_one_sale(counter: Counter) -> None:
    counter.show("total 20.00")
    counter.wait(5)
    counter.show("total 16.00", "received 16.00")
    counter.print(DISCOUNTED)
    counter.wait(2 * AFTER_S)

    assert sums(counter.order()) == (1600, 1600, None)


def test_a_receipt_of_what_was_shown_before_the_discount_alone_is_of_that_sale(counter: Counter) -> None:
    counter.show("total 20.00")
    counter.wait(4)
    counter.print(DISCOUNTED)
    with capture_logs() as log:
        counter.wait(2 * AFTER_S)

    assert sums(counter.order())[0] == 1600
    assert [entry["event"] for entry in log] == ["display_differs"]


def test_a_receipt_of_another_amount_settles_no_sale(counter: Counter) -> None:
    counter.show("total 20.00")
    counter.wait(4)
    counter.print(slip("9.00", "现金 9.00"))
    counter.wait(2 * AFTER_S)

    assert [(sums(order)[0], is_provisional(order)) for order in counter.orders()] == [(900, False), (2000, True)]


def test_a_return_that_is_shown_without_a_sign_is_no_sale(counter: Counter) -> None:
    counter.show("total 16.00")
    counter.print("惠民便利店\n*** 退货单 ***\n农夫山泉  -2  8.00  -16.00\n合计  -16.00\n退款 现金  -16.00\n")
    counter.show("-")
    counter.wait(2 * AFTER_S)

    assert [(order["type"], sums(order)[0]) for order in counter.orders()] == [("returned", 1600)]


STRANGE = "NEU\n2 x 8,00 = sechzehn\nΣ 16.00\n"


@pytest.mark.parametrize(("after_s", "revision"), [(10, 1), (AFTER_S + 10, 2), (5 * 3_600, 2)])
@pytest.mark.parametrize("others", [0, 2])
def test_a_receipt_read_only_later_is_of_what_was_shown_then(
    counter: Counter, after_s: int, revision: int, others: int
) -> None:
    """Whether the sale still waits for it, has become a provisional order, or did so hours ago."""
    counter.show(*SALE)
    counter.print(STRANGE)
    about = rereading.parsed(counter.book.captures[-1].about)
    assert about is not None
    counter.wait(min(after_s, AFTER_S + 10))
    skipped_ms = max(0, after_s - AFTER_S - 10) * 1000
    counter.now = replace(
        counter.now, wall_ms=counter.now.wall_ms + skipped_ms, uptime_ms=counter.now.uptime_ms + skipped_ms
    )
    counter.wait(1)
    for _ in range(others):
        counter.show("unit_price 16.00", "total 16.00")
    again = counter.book.shop.read_again(about, receipt(slip("16.00", number="20261122000137")), counter.now)
    counter.book.keep(again.outcome)
    counter.wait(3 * AFTER_S)

    known = counter.latest()
    assert [order["revision"] for order in known if order["lines"]] == [revision]
    assert len([order for order in known if not order["lines"]]) == others
    (read,) = [order for order in known if order["lines"]]
    assert sums(read)[0] == 1600
    assert read["type"] == ("completed" if revision == 1 else "corrected")
    assert counter.book.shop.counts(counter.now).orders == 1 + others


def test_a_return_read_only_later_takes_no_sale_for_itself(counter: Counter) -> None:
    """Of the same amount as a sale without paper: two orders under one id would be one at head office."""
    counter.show(*SALE)
    counter.print(STRANGE)
    about = rereading.parsed(counter.book.captures[-1].about)
    assert about is not None
    counter.wait(AFTER_S + 10)
    counter.now = replace(
        counter.now, wall_ms=counter.now.wall_ms + 3_600_000, uptime_ms=counter.now.uptime_ms + 3_600_000
    )
    text = "惠民便利店\n*** 退货单 ***\n农夫山泉  -2  8.00  -16.00\n合计  -16.00\n退款 现金  -16.00\n"
    again = counter.book.shop.read_again(about, receipt(text), counter.now)
    counter.book.keep(again.outcome)

    shown, returned = counter.latest()
    assert (is_provisional(shown), shown["revision"], shown["kind"]) == (True, 1, "sale")
    assert (returned["type"], returned["revision"], sums(returned)[0]) == ("returned", 1, 1600)


# --- without paper ---------------------------------------------------------------------------------------------------


def test_a_sale_without_paper_becomes_a_provisional_order(counter: Counter) -> None:
    counter.show(*SALE)
    shown = counter.now
    counter.wait(AFTER_S - 2)
    assert counter.orders() == []
    counter.wait(4)

    order = counter.order()
    assert (order["type"], order["kind"], order["lines"], order["evidence"]["flags"]) == (
        "completed", "sale", [], ["provisional"],
    )  # fmt: skip
    assert sums(order) == (1600, 2000, 400)
    assert order["tenders"] == [
        {"number": 1, "type": "cash", "label": "", "amount": 2000, "entry": "cash", "provider": None, "reference": None}
    ]
    assert order["checks"]["tenders"] == "pass"
    assert order["source"]["device"] == "till-1-display"
    assert order["completed_at"] == "2026-11-22T10:31:07.000+08:00"
    assert counter.book.events[0].at.uptime_ms == shown.uptime_ms
    assert counter.book.shop.counts(counter.now).orders == 1
    counter.wait(20 * AFTER_S)
    assert len(counter.orders()) == 1


def test_a_screen_that_is_drawn_again_is_no_next_sale(counter: Counter) -> None:
    for _ in range(3):
        counter.show("-", "total 16.00")
        counter.wait(5)
    counter.wait(2 * AFTER_S)

    assert sums(counter.order()) == (1600, None, None)


def test_a_greeting_between_two_totals_makes_them_two_sales(counter: Counter) -> None:
    for _ in range(2):
        counter.show("total 16.00", "欢迎光临")
        counter.wait(5)
    counter.wait(2 * AFTER_S)

    assert [sums(order) for order in counter.orders()] == [(1600, None, None)] * 2


def test_a_sale_without_paper_is_of_the_workstation_that_prints_there(counter: Counter) -> None:
    counter.print(slip("9.00", number="20261122000137"))
    counter.book.restart()
    counter.wait(30)
    counter.show(*SALE)
    counter.wait(2 * AFTER_S)

    assert [order["attribution"]["workstation"] for order in counter.orders()] == ["03", "03"]


def test_three_sales_in_a_row_without_paper_are_three_orders(counter: Counter) -> None:
    for total in ("16.00", "7.50", "16.00"):
        counter.show(f"unit_price {total}", f"total {total}")
        counter.wait(10)
    counter.show("欢迎光临")
    counter.wait(2 * AFTER_S)

    assert [sums(order) for order in counter.orders()] == [(1600, None, None), (750, None, None), (1600, None, None)]
    assert all(is_provisional(order) and order["tenders"] == [] for order in counter.orders())


def test_totals_alone_one_after_the_other_are_sales_each(counter: Counter) -> None:
    counter.show("total 16.00", "total 7.50", "total 3.00", "received 5.00", "change 2.00")
    counter.wait(2 * AFTER_S)

    assert [sums(order) for order in counter.orders()] == [(1600, None, None), (750, None, None), (300, 500, 200)]


@pytest.mark.parametrize(
    "figures",
    [
        ("unit_price 16.00", "-"),
        ("total 0.00", "-"),
        ("received 20.00", "change 4.00", "-"),
        ("total -16.00", "-"),
        ("total 16.005", "-"),
        ("total 99999999999999.00", "-"),
        ("total 1e5000", "-"),
        ("goods 16.00", "欢迎光临"),
    ],
)
def test_what_is_no_sale(counter: Counter, figures: tuple[str, ...]) -> None:
    counter.show(*figures)
    counter.wait(2 * AFTER_S)

    assert counter.orders() == []


def test_a_total_that_stands_there_for_long_and_is_then_paid_is_one_sale(counter: Counter) -> None:
    counter.show("unit_price 16.00", "total 16.00")
    counter.wait(3 * AFTER_S)
    counter.show("received 20.00", "change 4.00")
    counter.book.restart()
    counter.print(slip("16.00"))
    counter.show("unit_price 3.00")
    counter.wait(2 * AFTER_S)

    assert [(is_provisional(order), sums(order)) for order in counter.orders()] == [
        (True, (1600, None, None)), (False, (1600, 2000, 400)),
    ]  # fmt: skip


def test_a_total_that_stands_there_for_long_and_is_then_paid_by_card(counter: Counter) -> None:
    counter.show("unit_price 16.00", "total 16.00")
    counter.wait(3 * AFTER_S)
    counter.pay(1600)
    counter.print(slip("16.00", "银行卡 16.00"))

    assert [[one["reference"] for one in order["tenders"]] for order in counter.orders()] == [[], ["123456"]]


def test_a_subtotal_with_more_goods_is_one_sale(counter: Counter) -> None:
    counter.show("unit_price 10.00", "total 10.00", "unit_price 3.00", "total 13.00", "received 13.00")
    counter.wait(2 * AFTER_S)

    assert sums(counter.order()) == (1300, 1300, None)


def test_subtotals_of_what_is_weighed_are_no_sales_once_the_receipt_comes(counter: Counter) -> None:
    counter.show("unit_price 9.98", "total 8.54", "unit_price 5.60", "total 10.22", "unit_price 4.00", "total 18.22")
    counter.print(slip("18.22", "现金 18.22"))
    counter.wait(2 * AFTER_S)

    assert sums(counter.order())[0] == 1822


def test_the_second_display_of_a_till_shows_no_second_sale(counter: Counter) -> None:
    for figure in SALE:
        counter.show(figure)
        counter.show(figure, display="display-2")
    counter.wait(2 * AFTER_S)

    assert sums(counter.order()) == (1600, 2000, 400)


def test_a_till_in_another_currency(counter: Counter) -> None:
    yen = Counter(replace(counters(), currency="JPY"))
    yen.show("total 1080", "received 2000", "change 920")
    yen.show("total 16.50")
    yen.wait(2 * AFTER_S)

    assert sums(yen.order()) == (1080, 2000, 920)


# --- late paper ------------------------------------------------------------------------------------------------------


def test_a_late_receipt_revises_the_provisional_order(counter: Counter) -> None:
    counter.show(*SALE)
    counter.wait(AFTER_S + 60)
    counter.print(slip("16.00", number="20261122000137"))
    counter.wait(2 * AFTER_S)

    first, second = counter.orders()
    assert (second["type"], second["revision"], second["order_id"]) == ("corrected", 2, first["order_id"])
    assert (is_provisional(first), is_provisional(second)) == (True, False)
    assert sums(second) == (1600, 2000, 400)
    assert (len(second["lines"]), second["order_no"]) == (1, "20261122000137")
    assert second["completed_at"] == first["completed_at"]
    counts = counter.book.shop.counts(counter.now)
    assert (counts.orders, counts.seen["sale"]) == (1, 1)

    counter.print(slip("16.00", number="20261122000137"))
    assert len(counter.orders()) == 2, "its paper is known"
    assert counter.book.shop.counts(counter.now).duplicates == 1


def test_two_late_receipts_revise_two_orders(counter: Counter) -> None:
    for received in ("20.00", "50.00"):
        counter.show("unit_price 16.00", "total 16.00", f"received {received}")
    counter.wait(AFTER_S + 10)
    counter.print(slip("16.00", "现金 50.00", "找零 34.00"))
    counter.print(slip("16.00", "现金 20.00", "找零 4.00"))

    assert [(sums(order)[1], is_provisional(order)) for order in counter.latest()] == [(2000, False), (5000, False)]


def test_a_provisional_order_is_revised_once(counter: Counter) -> None:
    counter.show(*SALE)
    counter.wait(AFTER_S + 10)
    counter.print(slip("16.00", number="20261122000137"))
    counter.print(slip("16.00", number="20261122000138"))

    assert [(order["type"], order["revision"]) for order in counter.orders()] == [
        ("completed", 1), ("corrected", 2), ("completed", 1),
    ]  # fmt: skip


def test_a_receipt_revises_nothing_of_another_amount_till_or_hour(counter: Counter) -> None:
    counter.show(*SALE)
    counter.wait(AFTER_S + 10)
    counter.print(slip("15.00"))
    counter.print(slip("16.00"), till="till-2")
    counter.wait(11 * 60)
    counter.print(slip("16.00", number="9"))

    assert [order["revision"] for order in counter.orders()] == [1, 1, 1, 1]


def test_the_next_sale_of_the_same_amount_is_another_one(counter: Counter) -> None:
    counter.show(*SALE)
    counter.wait(AFTER_S + 10)
    counter.show(*SALE)
    counter.print(slip("16.00"))

    assert [(order["type"], is_provisional(order)) for order in counter.orders()] == [
        ("completed", True), ("completed", False),
    ]  # fmt: skip


def test_what_is_shown_again_after_the_provisional_order_is_no_second_sale(counter: Counter) -> None:
    counter.show(*SALE)
    counter.wait(AFTER_S + 10)
    counter.show("change 4.00", "received 20.00")
    counter.wait(2 * AFTER_S)

    assert len(counter.orders()) == 1


# --- payments --------------------------------------------------------------------------------------------------------


def test_a_payment_gives_its_tender_a_reference(counter: Counter) -> None:
    counter.pay(1600, fields={"provider": "ICBC"})
    counter.wait(2)
    counter.print(slip("16.00", "银行卡 16.00"))

    (tender,) = counter.order()["tenders"]
    assert (tender["type"], tender["reference"], tender["entry"], tender["provider"]) == (
        "bank_card", "123456", "card", "ICBC",
    )  # fmt: skip


def test_a_means_of_payment_nobody_knows_is_what_was_paid_with(counter: Counter) -> None:
    counter.pay(1600, type="unionpay_qr")
    counter.print(slip("16.00"))

    (tender,) = counter.order()["tenders"]
    assert (tender["type"], tender["amount"], tender["reference"]) == ("unionpay_qr", 1600, "123456")


@pytest.mark.parametrize(
    "changes",
    [
        {"result": "declined"},
        {"result": "cancelled"},
        {"amount": 1500},
        {"kind": "void"},
        {"type": "wechat_pay"},
        {"till": "till-2"},
    ],
)
def test_a_payment_that_is_not_of_the_order(counter: Counter, changes: dict[str, Any]) -> None:
    counter.pay(**{"amount": 1600, **changes})
    counter.print(slip("16.00", "银行卡 16.00"))

    assert counter.order()["tenders"][0]["reference"] is None


def test_of_two_payments_each_order_has_the_nearer_and_none_has_one_twice(counter: Counter) -> None:
    counter.pay(1600, "first")
    counter.wait(30)
    counter.pay(1600, "second")
    for _ in range(3):
        counter.wait(1)
        counter.print(slip("16.00", "银行卡 16.00"))

    assert [order["tenders"][0]["reference"] for order in counter.orders()] == ["second", "first", None]


def test_one_payment_is_of_one_tender(counter: Counter) -> None:
    counter.pay(800)
    counter.print(slip("16.00", "银行卡 8.00", "银联云闪付 8.00"))

    assert sorted(str(one["reference"]) for one in counter.order()["tenders"]) == ["123456", "None"]
    counter.pay(800, "a", type=None)
    counter.print(slip("16.00", "其他 8.00", "储值卡 8.00"))
    assert [one["reference"] for one in counter.orders()[1]["tenders"]].count("a") == 1


def test_a_payment_is_forgotten_with_the_window(counter: Counter) -> None:
    counter.pay(1600)
    counter.wait(AFTER_S + 2)
    counter.print(slip("16.00", "银行卡 16.00"))

    assert counter.order()["tenders"][0]["reference"] is None


def test_a_voided_payment_pays_nothing(counter: Counter) -> None:
    counter.show("total 16.00")
    counter.pay(1600)
    counter.pay(1600, kind="void")
    counter.wait(2 * AFTER_S)

    assert counter.order()["tenders"] == []


def test_cash_stays_cash_whatever_was_paid_beside_it(counter: Counter) -> None:
    counter.pay(1000)
    counter.print(slip("16.00", "银行卡 10.00", "现金 6.00"))

    assert [(one["type"], one["reference"]) for one in counter.order()["tenders"]] == [
        ("bank_card", "123456"), ("cash", None),
    ]  # fmt: skip


def test_a_refund_is_of_the_return(counter: Counter) -> None:
    counter.pay(1600, "sale")
    counter.pay(1600, "refund", kind="return")
    counter.print("惠民便利店\n*** 退货单 ***\n农夫山泉  -2  8.00  -16.00\n合计  -16.00\n退款 银行卡  -16.00\n")

    assert counter.order()["tenders"][0]["reference"] == "refund"


def test_a_payment_just_after_the_receipt_corrects_it(counter: Counter) -> None:
    counter.print(slip("16.00", "银行卡 16.00", number="20261122000137"))
    counter.wait(3)
    counter.pay(1600)
    counter.wait(3)
    counter.print(slip("16.00", "银行卡 16.00", number="20261122000138"))

    first, second, third = counter.orders()
    assert (second["type"], second["revision"], second["order_id"]) == ("corrected", 2, first["order_id"])
    assert [one["tenders"][0]["reference"] for one in (first, second, third)] == [None, "123456", None]
    assert counter.book.shop.counts(counter.now).orders == 2


def test_a_payment_later_than_that_is_the_next_ones(counter: Counter) -> None:
    counter.print(slip("16.00", "银行卡 16.00", number="20261122000137"))
    counter.wait(20)
    counter.pay(1600)
    counter.print(slip("16.00", "银行卡 16.00", number="20261122000138"))

    assert [order["tenders"][0]["reference"] for order in counter.orders()] == [None, "123456"]


def test_a_payment_pays_the_sale_on_the_display_rather_than_the_one_before(counter: Counter) -> None:
    counter.print(slip("16.00", "银行卡 16.00", number="20261122000137"))
    counter.show("total 16.00", "unit_price 16.00", "total 16.00")
    counter.pay(1600)
    counter.wait(2 * AFTER_S)

    assert [(is_provisional(order), order["tenders"][0]["reference"]) for order in counter.orders()] == [
        (False, None), (True, "123456"),
    ]  # fmt: skip


# --- payment codes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "kind"), [(WECHAT, "wechat_pay"), (ALIPAY, "alipay"), (ECNY, "ecny")])
def test_a_payment_code_tells_how_it_was_paid_and_is_nowhere(counter: Counter, code: str, kind: str) -> None:
    label = {"wechat_pay": "微信支付", "alipay": "支付宝", "ecny": "数字人民币"}[kind]
    with capture_logs() as log:
        counter.scan(code)
        counter.print(slip("16.00", f"{label} 16.00"))
        counter.scan(f"{code}\r")
        counter.show("total 7.00")
        counter.wait(5)
        counter.show("unit_price 1.00")
        counter.wait(2 * AFTER_S)

    printed, unprinted = counter.orders()
    for order in (printed, unprinted):
        (tender,) = order["tenders"]
        assert (tender["type"], tender["entry"]) == (kind, "merchant_scan")
    assert code not in counter.everything()
    assert code not in str(log)
    assert code[4:14] not in counter.everything()


def test_a_code_is_of_the_order_that_follows_alone(counter: Counter) -> None:
    counter.scan(WECHAT)
    counter.print(slip("16.00", "微信支付 16.00"))
    counter.print(slip("9.00", "微信支付 9.00"))
    counter.scan("6901234567892")
    counter.print(slip("8.00", "微信支付 8.00"))

    assert [order["tenders"][0]["entry"] for order in counter.orders()] == ["merchant_scan", "unknown", "unknown"]


# --- lives and clocks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("restart_after", range(len(SALE) + 1))
@pytest.mark.parametrize("paper", [True, False])
def test_a_restart_in_the_middle_of_a_sale(counter: Counter, restart_after: int, *, paper: bool) -> None:
    counter.pay(700, till="till-2")
    counter.show(*SALE[:restart_after])
    counter.book.restart()
    counter.show(*SALE[restart_after:])
    counter.book.restart()
    if paper:
        counter.print(slip("16.00"))
    counter.wait(AFTER_S / 2)
    counter.book.restart()
    counter.wait(AFTER_S)
    counter.book.restart()
    counter.wait(AFTER_S)

    assert sums(counter.order()) == (1600, 2000, 400)
    assert is_provisional(counter.order()) is not paper


def test_a_commit_that_failed_takes_the_figures_back(counter: Counter) -> None:
    counter.show("total 16.00")
    shop = counter.book.shop
    lost = shop.observe("till-1-display", DisplayText(("20.00",), "received", "20.00"), counter.now)
    assert len(lost.state) == 1
    shop.restore(counter.book.state, counter.now)
    counter.print(slip("16.00"))

    assert sums(counter.order()) == (1600, None, None)


@pytest.mark.parametrize("days", [-400, -1, 1, 400])
def test_a_clock_that_is_set_in_the_middle_of_a_sale(counter: Counter, days: int) -> None:
    counter.show(*SALE)
    counter.wait(AFTER_S / 2)
    counter.now = replace(counter.now, wall_ms=counter.now.wall_ms + days * 86_400_000)
    counter.wait(AFTER_S / 4)
    assert counter.orders() == []
    counter.wait(AFTER_S / 2)

    assert sums(counter.order()) == (1600, 2000, 400)
    assert counter.book.events[0].at.wall_ms == counter.now.wall_ms - round(1.25 * AFTER_S) * 1000


def test_rows_are_kept_by_the_clock_that_was_set(counter: Counter) -> None:
    counter.show(*SALE)
    counter.wait(2)
    counter.now = replace(counter.now, wall_ms=counter.now.wall_ms + 400 * 86_400_000)
    outcome = counter.book.shop.tick(counter.now)

    expires = [change.expires_ms or 0 for change in outcome.state if change.part == companions.PART]
    assert len(expires) == 1
    assert expires[0] > counter.now.wall_ms


def test_a_night_without_power_ends_the_wait(counter: Counter) -> None:
    counter.show(*SALE)
    counter.now = Moment(counter.now.wall_ms + 12 * 3_600_000, 20_000, OTHER_BOOT, counter.now.quality)
    counter.book.restart()
    counter.wait(3)

    assert counter.order()["business_day"] == "2026-11-22"
    assert counter.order()["completed_at"] == "2026-11-22T10:31:07.000+08:00"


def test_goods_that_are_scanned_cost_no_commit(counter: Counter) -> None:
    for round_ in range(3):
        counter.rows_written = 0
        counter.show(*(["unit_price 1.00", "-"] * 100), "total 100.00", "received 100.00", "change 0.00")
        counter.print(slip("100.00"))
        counter.wait(5)
        assert counter.rows_written <= 6, round_


def test_a_till_with_a_printer_alone_keeps_nothing() -> None:
    counter = Counter(counters("printer"))
    counter.print(slip("16.00"))
    counter.wait(3)

    assert companions.PART not in counter.book.rows


def test_a_row_of_another_version_is_left_out(counter: Counter) -> None:
    counter.book.rows[companions.PART] = {"till-1": b"\xc1", "till-2": b"\x80"}
    counter.book.restart()
    counter.show(*SALE)
    counter.print(slip("16.00"))

    assert sums(counter.order()) == (1600, 2000, 400)
