"""What kind of slip it is, by the usual variants of the words, and what only sounds like them."""

import pytest

from edge_agent import receipts

TEMPLATES = [receipts.compile(settings) for settings in receipts.shipped().values()]

BODY = ("单号:10086", "2026-11-22 10:31:05", "可乐    2   3.00   6.00", "合计          6.00")
PAID = (*BODY, "现金          6.00")
ENGLISH = ("Receipt No: 10086", "22/11/2026 10:31", "COKE        6.00", "TOTAL       6.00")
ENGLISH_PAID = (*ENGLISH, "CASH        6.00")

TITLES = {
    "return": ["退货", "【退货单】", "*** 退款 ***", "退货小票", "交易类型:退货", "销售退货单", "销售（退货）"],
    "void": ["作废", "** 交易作废 **", "【冲正】", "整单取消", "已作废", "交易撤销"],
    "reprint": ["补打", "*** 补打 ***", "【重打】", "重印小票", "补打小票", "副本", "打印次数:2", "第2次打印"],
    "top_up": ["会员充值", "充值小票", "储值卡充值"],
}
UNPAID = {
    "prebill": [
        "预结单",
        "***预结单***",
        "预打单",
        "预结账单",
        "客户预结单",
        "对账单",
        "未结账",
        "埋单",
        "对账单(未结账)",
    ],
}
NO_PRICES = {
    "kitchen": ["厨打单", "后厨制作单", "【厨房联】", "传菜单", "热菜厨房单"],
    "shift_report": ["交班报表", "日结单", "收银员交班单", "营业日报"],
    "merchant_copy": ["商户存根", "商户存根联", "POS签购单", "商户存根 MERCHANT COPY"],
    "cash_in_out": ["备用金存入", "开钱箱", "现金存取单"],
}
ENGLISH_TITLES = {
    "return": ["*** REFUND ***", "RETURN", "Refund Receipt", "Credit Note", "SALES RETURN"],
    "void": ["*** VOID ***", "Voided Transaction", "TRANSACTION VOID", "CANCELLED"],
    "reprint": ["*** REPRINT ***", "DUPLICATE", "Copy Receipt", "** DUPLICATE RECEIPT **"],
    "merchant_copy": ["MERCHANT COPY", "** Merchant Copy **"],
    "top_up": ["TOP UP", "Gift Card Reload"],
}
ENGLISH_UNPAID = {"prebill": ["GUEST CHECK", "*** PRE-BILL ***", "Pro-forma", "NOT A RECEIPT", "Provisional Bill"]}


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(kind, title) for kind, titles in table.items() for title in titles]


@pytest.mark.parametrize(("kind", "title"), cases(TITLES))
def test_chinese_titles(kind: str, title: str) -> None:
    reading = receipts.read(("惠民超市", title, *PAID), TEMPLATES)
    assert reading is not None
    assert reading.kind == kind
    assert reading.totals.payable == 600


@pytest.mark.parametrize(("kind", "title"), cases(UNPAID))
def test_chinese_bills_before_payment(kind: str, title: str) -> None:
    reading = receipts.read(("小南国", title, "桌号:3", *BODY), TEMPLATES)
    assert reading is not None
    assert (reading.kind, reading.totals.payable, reading.tenders) == (kind, 600, ())


@pytest.mark.parametrize(("kind", "title"), cases(NO_PRICES))
def test_chinese_slips_that_are_no_order(kind: str, title: str) -> None:
    reading = receipts.read(("惠民超市", title, "单号:10086", "鱼香肉丝   1份"), TEMPLATES)
    assert reading is not None
    assert reading.kind == kind


@pytest.mark.parametrize(("kind", "title"), cases(ENGLISH_TITLES))
def test_english_titles(kind: str, title: str) -> None:
    reading = receipts.read(("QUICKSTOP", title, *ENGLISH_PAID), TEMPLATES, "GBP")
    assert reading is not None
    assert reading.kind == kind


@pytest.mark.parametrize(("kind", "title"), cases(ENGLISH_UNPAID))
def test_english_bills_before_payment(kind: str, title: str) -> None:
    reading = receipts.read(("QUICKSTOP", title, *ENGLISH), TEMPLATES, "GBP")
    assert reading is not None
    assert (reading.kind, reading.totals.payable) == (kind, 600)


@pytest.mark.parametrize(
    "footer",
    [
        "凭小票7日内退货",
        "如需退换货请保留小票",
        "退货须知：请于7日内凭小票办理",
        "充值有礼 会员充100送10",
        "本店概不退款",
        "打印次数:1",
        "商户热线 400-820-1234",
        "厨房重地 闲人免进 欢迎品尝",
        "作废小票无效",
    ],
)
def test_chinese_footers_do_not_change_the_kind(footer: str) -> None:
    reading = receipts.read(("惠民超市", *PAID, footer), TEMPLATES)
    assert reading is not None
    assert reading.kind == "sale"


@pytest.mark.parametrize(
    "footer",
    [
        "Returns within 14 days with receipt",
        "REFUNDS ONLY WITH RECEIPT",
        "No refund on sale items",
        "CUSTOMER COPY",
        "Void where prohibited",
        "Please keep this copy",
        "Top up your card today!",
        "THE KITCHEN GARDEN",
    ],
)
def test_english_footers_do_not_change_the_kind(footer: str) -> None:
    reading = receipts.read(("QUICKSTOP", *ENGLISH_PAID, footer), TEMPLATES, "GBP")
    assert reading is not None
    assert reading.kind == "sale"


def test_a_reprinted_return_is_a_reprint() -> None:
    reading = receipts.read(("惠民超市", "退货", "补打", *PAID), TEMPLATES)
    assert reading is not None
    assert reading.kind == "reprint"


def test_a_platform_order_names_its_channel() -> None:
    lines = ("#12 美团外卖", "下单时间:2026-11-22 12:01", "订单号:881234", "蒸饺   x1   10.00", "实付:10.00")
    reading = receipts.read(lines, TEMPLATES)
    assert reading is not None
    assert (reading.kind, reading.channel, reading.number) == ("delivery_slip", "meituan", "881234")


@pytest.mark.parametrize(
    ("title", "day_number"),
    [
        ("#12 美团外卖", "12"),
        ("美团外卖 #7", "7"),
        ("饿了么订单#105号", "105"),
        ("1号店    #9 美团外卖", "9"),
        ("美团外卖", None),
    ],
)
def test_the_platforms_day_number_is_what_the_rider_asks_for(title: str, day_number: str | None) -> None:
    lines = (title, "下单时间:2026-11-22 12:01", "订单号:881234", "蒸饺   x1   10.00", "实付:10.00")
    reading = receipts.read(lines, TEMPLATES)
    assert reading is not None
    assert (reading.kind, reading.pickup_code) == ("delivery_slip", day_number)
    named = receipts.read((*lines, "取餐号: A03"), TEMPLATES)
    assert named is not None
    assert named.pickup_code == "A03"


@pytest.mark.parametrize(
    ("label", "tender", "entry"),
    [
        ("云闪付", "unionpay_qr", "unknown"),
        ("云闪付扫码", "unionpay_qr", "merchant_scan"),
        ("闪付", "bank_card", "nfc"),
    ],
)
def test_quickpass_is_a_tap_and_its_app_is_a_code(label: str, tender: str, entry: str) -> None:
    reading = receipts.read(
        ("惠民超市", "单号:881234", "蒸饺   1   10.00   10.00", "合计:10.00", f"{label}:10.00"), TEMPLATES
    )
    assert reading is not None
    assert [(paid.type, paid.entry) for paid in reading.tenders] == [(tender, entry)]
