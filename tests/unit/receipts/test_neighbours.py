"""What one miss of a batch has for neighbours in other layouts: a few rows each, and what was at stake."""

import pytest

from edge_agent import receipts
from edge_agent.receipts import Reading

TEMPLATES = [receipts.compile(settings) for settings in receipts.shipped().values()]
_SALE = "可乐   1   3.00   3.00\n合计 3.00\n现金 3.00"


def read(text: str, currency: str = "CNY") -> Reading:
    reading = receipts.read(tuple(text.strip("\n").split("\n")), TEMPLATES, currency)
    assert reading is not None
    return reading


@pytest.mark.parametrize(
    "text",
    [
        "老胡烧烤\n日结单 2026-11-15\n账单数: 61\n营业额: 100.00\n优惠: 5.00\n实收: 95.00\n现金 45.00\n微信 50.00",
        "老胡烧烤\n账单数: 61\n营业额: 100.00\n优惠: 5.00\n实收: 95.00\n现金 45.00\n微信 50.00",
        "交班单 早班\n收银员 03\n现金 45.00\n微信 50.00\n合计 95.00",
        "营业日报 No.12\n总单数 9\n现金 45.00\n微信 50.00\n合计 95.00",
        "收银员缴款单\n收银员 03\n现金 45.00\n微信 50.00\n合计 95.00",
        "Daily Report 日报表\n2026/11/22\nSales 销售 95.00\n现金 Cash 45.00\n微信 WeChat 50.00",
    ],
)
def test_a_report_is_no_sale(text: str) -> None:
    reading = read(text)
    assert reading.kind == "shift_report"
    assert reading.report is not None
    assert (reading.report.total, reading.report.tenders) == (9500, {"cash": 4500, "wechat_pay": 5000})


@pytest.mark.parametrize("title", ["销售单", "收银单", "结账单 2026-11-15", "零售小票 第3张", "消费清单"])
def test_a_sale_is_no_report(title: str) -> None:
    assert read(f"{title}\n单号 12\n{_SALE}").kind == "sale"


@pytest.mark.parametrize(
    ("head", "channel", "number"),
    [
        ("饿了么 #56 预订单", "eleme", "56"),
        ("美团外卖 #8\n【预订单】", "meituan", "8"),
        ("#12 美团外卖 预订单", "meituan", "12"),
        ("饿了么 3号 预订单", "eleme", "3"),
    ],
)
def test_a_platforms_order_for_later_is_to_be_delivered(head: str, channel: str, number: str) -> None:
    reading = read(f"{head}\n订单号:8031119900112233\n酸梅汤   10.00 ×2   20.00\n总计 20.00")
    assert (reading.kind, reading.channel, reading.pickup_code) == ("delivery_slip", channel, number)


@pytest.mark.parametrize(
    "offer", ["余味券:下次满200可用50元", "优惠券 满100可用5元", "代金券:下次可抵3.00", "返券 3.00"]
)
def test_an_offer_at_the_foot_pays_nothing(offer: str) -> None:
    reading = read(
        f"牛肉 1 300.00 300.00\n消费合计 300.00\n会员折扣 -28.40\n抹零 -0.60\n应收 271.00\n微信支付 271.00\n{offer}"
    )
    assert (reading.totals.discount, reading.totals.rounding, reading.lines_check) == (2840, -60, "pass")
    assert [tender.type for tender in reading.tenders] == ["wechat_pay"]


def test_a_discount_below_the_only_total_read_is_not_passed_over() -> None:
    reading = read("牛肉 1 31.40 31.40\n小计 31.40\n优惠 1.40\n应#收 3$.00\n微\u0007 30.0")
    assert reading.lines_check != "pass"


def test_a_word_nobody_knows_proves_no_sum_alone() -> None:
    assert read("牛肉 1 30.00 30.00\n合计 30.00\n老王卡付 30.00").tenders_check != "pass"
    assert read("牛肉 1 30.00 30.00\n小计 30.00\n蓝莓 2.00\n总计 32.00").lines_check != "pass"


@pytest.mark.parametrize(
    ("head", "number"),
    [
        ("结账单  JZ20261118000291", "JZ20261118000291"),
        ("#3021-02-004417", "3021-02-004417"),
        ("SN:014-261121-0331  CASHIER 05", "014-261121-0331"),
        ("2026-11-14 21:10:36  单号LS261114210012", "LS261114210012"),
        ("凭单:0004412", "0004412"),
        ("收条号 0004412", "0004412"),
        ("消费清单 XF-2026110203", "XF-2026110203"),
    ],
)
def test_a_number_under_any_word(head: str, number: str) -> None:
    assert read(f"老店\n{head}\n{_SALE}").number == number


@pytest.mark.parametrize("row", ["开单:08:55 买单:2026-11-08 10:40", "开台:2026-11-08 08:55 埋单:2026-11-08 10:40"])
def test_the_time_of_paying_is_the_slips(row: str) -> None:
    assert str(read(f"老店\n{row}\n{_SALE}").printed_at) == "2026-11-08 10:40:00"


def test_no_year_is_invented() -> None:
    assert read(f"老店\n11-22 11:05\n{_SALE}").printed_at is None


@pytest.mark.parametrize(
    ("label", "type_"),
    [
        ("实退现金", "cash"),
        ("退微信", "wechat_pay"),
        ("应退支付宝", "alipay"),
        ("退回银行卡", "bank_card"),
        ("原路退回微信", "wechat_pay"),
    ],
)
def test_what_is_given_back_is_given_by_some_means(label: str, type_: str) -> None:
    reading = read(f"退款凭证\n单号 12\n可乐   1   3.00   3.00\n应退金额 3.00\n{label} 3.00")
    assert [(tender.type, tender.amount) for tender in reading.tenders] == [(type_, 300)]


def test_a_total_beside_a_count_is_no_good() -> None:
    reading = read("便利商店\n總計 85\n御飯糰   35 x 1   35TX\n拿鐵     50 x 1   50TX\n合計 2項  $85\n悠遊卡 85", "TWD")
    assert [line.name for line in reading.lines] == ["御飯糰", "拿鐵"]


def test_a_heading_names_no_payment() -> None:
    reading = read("美团外卖 #12\n牛肉面 *1 25.8\n-------其他-------\n餐盒费 1.5\n原价:27.3  实付:27.3")
    assert (reading.totals.payable, reading.tenders) == (2730, ())


def test_the_ends_of_a_card_are_no_amount() -> None:
    reading = read("CAFE\nLatte  $4.75\nTotal  $4.75\nVisa 4242 (Contactless)   $4.75", "USD")
    assert [(tender.type, tender.amount) for tender in reading.tenders] == [("bank_card", 475)]


def test_a_total_behind_the_time_is_payable() -> None:
    reading = read(
        "BAR\nNOV22'26 8:12PM\n2 MARGARITA   24.00\nSUBTOTAL  24.00\nTAX  2.04\n9:05PM TOTAL DUE 26.04\nCASH 26.04",
        "USD",
    )
    assert (reading.totals.payable, reading.totals.tax_added, str(reading.printed_at)) == (
        2604,
        204,
        "2026-11-22 20:12:00",
    )


def test_goods_that_begin_like_a_month_make_no_date() -> None:
    reading = read("BAR\n2 MARGARITA 24.00\nTOTAL 24.00\nCASH 24.00", "USD")
    assert reading.printed_at is None


def test_when_goods_are_fetched_is_not_when_it_was_printed() -> None:
    reading = read(
        "蛋糕店\n取货日期:2026-11-25 10:00\n下单:2026-11-22 15:00\n蛋糕 1 68.00 68.00\n合计 68.00\n现金 68.00"
    )
    assert str(reading.printed_at) == "2026-11-22 15:00:00"


def test_a_discount_below_the_payment_makes_the_amount_paid_payable() -> None:
    reading = read("干洗店\n西装  1件  45.00\n大衣  1件  90.00\n合计:135.00\n会员卡扣款:108.00\n优惠(8折):27.00")
    assert (reading.totals.payable, reading.totals.discount, reading.lines_check) == (10800, 2700, "pass")
    assert reading.tenders_check == "pass"


def test_a_card_sale_with_goods_is_the_sale() -> None:
    rows = "JOE'S DELI\nCREDIT CARD SALE\n{}TOTAL 10.00\nAPPROVAL 012345\nTERMINAL ID 778"
    assert read(rows.format("SANDWICH 8.50\nCHIPS 1.50\n"), "USD").kind == "sale"
    assert read(rows.format(""), "USD").kind == "merchant_copy"


def test_two_slips_on_one_prove_nothing() -> None:
    one = "单号 {}\n可乐 1 {} {}\n合计 {}\n现金 {}\n"
    reading = read(one.format(11, *["3.00"] * 4) + one.format(12, *["5.00"] * 4))
    assert "pass" not in (reading.lines_check, reading.tenders_check)
    twice = read(one.format(11, *["3.00"] * 4) * 2)
    assert twice.totals.payable == 300


def test_a_total_printed_rounded_is_payable() -> None:
    goods = "CRULLER 5.47\nSubtotal 5.47\nHST 13% 0.71"
    reading = read(f"CAFE\n{goods}\nTotal: 6.18\nRounded: 6.20\nCash 10.00\nChange 3.80", "CAD")
    assert (reading.totals.payable, reading.totals.rounding) == (620, 2)
    assert (reading.lines_check, reading.tenders_check) == ("pass", "pass")


def test_a_price_for_a_hundred_grams_is_no_count() -> None:
    reading = read("スーパー\n豚バラ 213g\n @168/100g   358\nお茶  2個  300\n(単価 150)\n合計 ¥658\n現金 ¥658", "JPY")
    assert [(line.name, line.quantity, line.unit_price) for line in reading.lines] == [
        ("豚バラ 213g", None, None),
        ("お茶", "2", 150),
    ]


def test_an_index_and_a_code_stand_before_the_name() -> None:
    heading = "序 条码          品名      数量 单价 金额"
    goods = "1  6901028075862 中华(软)   1  65.00 65.00\n2  6902083881405 矿泉水     3   2.00  6.00"
    reading = read(f"超市\n{heading}\n{goods}\n合计 71.00\n现金 71.00")
    assert [(line.name, line.gtin) for line in reading.lines] == [
        ("中华(软)", "6901028075862"),
        ("矿泉水", "6902083881405"),
    ]


def test_a_day_to_fetch_goods_is_no_number_to_call() -> None:
    assert read(f"蛋糕店\n取货 2026-11-25 16:00\n{_SALE}").pickup_code is None


def test_a_word_for_a_price_is_no_part_of_a_name() -> None:
    assert read("店\n衬衫 原价199.00 现价99.00 1 99.00\n合计 99.00\n微信 99.00").lines[0].name == "衬衫"


@pytest.mark.parametrize(
    "paid",
    [
        "积分抵扣 -1.00\n实收 2.00\n微信 2.00",
        "会员积分抵现 -1.00\n应收 2.00\n支付宝 2.00",
        "优惠券 -1.00\n实付 2.00\n现金 5.00\n找零 3.00",
        "团购券 -1.00\n实收 2.00\n花呗/支付宝 2.00",
    ],
)
def test_what_is_taken_off_before_the_rest_is_paid_is_no_tender(paid: str) -> None:
    reading = read(f"可乐   1   3.00   3.00\n合计 3.00\n{paid}")
    assert (reading.totals.payable, reading.totals.discount, len(reading.tenders)) == (200, 100, 1)


def test_points_that_pay_a_part_of_what_is_due_are_a_tender() -> None:
    reading = read("可乐   1   3.00   3.00\n应收 3.00\n积分抵扣 -1.00\n实付 2.00\n微信 2.00")
    assert reading.totals.payable == 300
    assert {(t.type, t.amount) for t in reading.tenders} == {("member_points", 100), ("wechat_pay", 200)}


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ("付款：扫码支付-微信 3.00", "wechat_pay"),
        ("付款：聚合支付/支付宝 3.00", "alipay"),
        ("支付方式:聚合码-微信", "wechat_pay"),
        ("收款：线上支付-数字人民币 3.00", "ecny"),
    ],
)
def test_the_wallet_behind_a_general_word_is_the_tender(how: str, kind: str) -> None:
    assert [t.type for t in read(f"可乐   1   3.00   3.00\n合计 3.00\n{how}").tenders] == [kind]


@pytest.mark.parametrize(
    "invitation", ["微信/支付宝扫码付款 ↓", "请使用微信或支付宝扫码付款", "微信支付宝扫码付款", "请扫码支付"]
)
def test_an_invitation_to_pay_is_no_payment(invitation: str) -> None:
    reading = read(f"老灶台\n消费清单(未结账)\n台号:7\n锅贴  1  24.00\n合计  24.00\n{invitation}")
    assert (reading.kind, reading.tenders) == ("prebill", ())


@pytest.mark.parametrize("head", ["水吧出品单", "后厨单", "凉菜间出品单", "传菜联", "KITCHEN ORDER"])
def test_the_count_below_a_kitchens_dishes_is_no_price(head: str) -> None:
    assert read(f"{head}\n台号: C07\n西瓜汁  2\n红枣茶  1\n合计: 3").kind == "kitchen"


@pytest.mark.parametrize(
    ("label", "number"),
    [
        ("凭证号: 00581204", "00581204"),
        ("凭证号 R000028", "R000028"),
        ("凭证编号：CV-0000913", "CV-0000913"),
        ("回执号  DL-2608-117", "DL-2608-117"),
        ("受理号 A-0012", "A-0012"),
    ],
)
def test_a_number_with_letters_before_it_is_the_slips(label: str, number: str) -> None:
    assert read(f"小店\n{label}\n2026-10-16 08:55\n{_SALE}").number == number


def test_what_a_payment_terminal_numbers_is_not_the_slips() -> None:
    assert read(f"小店\n{_SALE}\n终端号 8812\n批次号 000012\n凭证号 000991").number is None


@pytest.mark.parametrize(
    "row",
    [
        "艇仔粥     2 煲  @12.00     24.00",
        "艇仔粥     12.00   2 碗     24.00",
        "2  艇仔粥@12.00   24.00",
        "艇仔粥@12.00×2   24.00",
        "艇仔粥  2×@12.00   24.00",
        "艇仔粥  (@12.00×2)   24.00",
    ],
)
def test_a_count_and_a_price_are_told_apart(row: str) -> None:
    line = read(f"店\n{row}\n合计 24.00\n现金 24.00").lines[0]
    assert (line.name, line.quantity, line.unit_price, line.amount) == ("艇仔粥", "2", 1200, 2400)


@pytest.mark.parametrize("name", ["Socks Kids 8", "Batteries AA 4", "Screw 3.8x50", "Tee Size 10"])
def test_figures_in_a_name_above_its_own_figures_are_no_count(name: str) -> None:
    line = read(f"SHOP\n{name}\n  2   3.00   6.00\n2 Items\nTOTAL 6.00\nCASH 6.00", "GBP").lines[0]
    assert (line.name, line.quantity, line.unit_price, line.amount) == (name, "2", 300, 600)


def test_sums_of_parts_of_a_bill_are_no_goods() -> None:
    goods = "FOOD\n1 x Pie    9.00\n1 x Fish    15.95\nFood total    24.95\nDRINKS\n1 x Pint    4.85\n1 x Ale    5.00"
    reading = read(f"PUB\nBill 11\n{goods}\nDrinks    9.85\nTOTAL 34.80\nVISA 34.80", "GBP")
    assert [line.amount for line in reading.lines] == [900, 1595, 485, 500]
    whole = read("PUB\n3 x Pint    14.85\n1 x Fish    15.95\nFood & Drink   30.80\nTOTAL   30.80\nVisa  30.80", "GBP")
    assert [line.amount for line in whole.lines] == [1485, 1595]


@pytest.mark.parametrize("row", ["日期:26-03-28 18:55", "日期：26.03.28 18:55", "日期:26年03月28日 18:55"])
def test_a_year_of_two_figures_behind_its_label(row: str) -> None:
    assert str(read(f"店\n{row}\n{_SALE}").printed_at) == "2026-03-28 18:55:00"
