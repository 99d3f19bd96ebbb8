"""What a register says of itself at the end of a shift or day, and that nothing else is taken for it."""

# ruff: noqa: E501 - a slip or a list of words in one row is easier to compare than one cut to width

import pytest

from edge_agent import receipts
from edge_agent.receipts import Reading
from edge_agent.receipts.reading import Report

TEMPLATES = [receipts.compile(settings) for settings in receipts.shipped().values()]

REPORTS: dict[str, tuple[str, str, Report | None]] = {
    "交班 with tenders": (
        "CNY",
        """
        惠民超市浦东店
          交班报表
机号:03      收银员:王芳
开班时间:2026-11-22 08:00:00
交班时间:2026-11-22 16:02:11
--------------------------------
销售笔数:          128
销售金额:        12,845.60
退货笔数:            2
退货金额:          145.60
净销售额:        12,700.00
--------------------------------
支付方式    笔数      金额
现金          40   3,200.00
微信支付      60   6,500.00
支付宝        28   3,000.00
--------------------------------
备用金:            500.00
应有现金:        3,700.00
实点现金:        3,690.00
长短款:            -10.00
起始单号:000101  结束单号:000230
""",
        Report(1270000, 128, {"cash": 320000, "wechat_pay": 650000, "alipay": 300000}, "000101", "000230"),
    ),
    "日结 refunds in a section of their own": (
        "CNY",
        """
*** 日结单 ***
营业日:2026-11-22
【收款方式】
现金        1000.00
银行卡       500.00
合计        1500.00
【退款明细】
现金          50.00
合计          50.00
【汇总】
销售合计    1500.00
退款合计      50.00
实收净额    1450.00
小票张数  31
""",
        Report(145000, 31, {"cash": 95000, "bank_card": 50000}),
    ),
    "restaurant, discounts between gross and net": (
        "CNY",
        """
小南国 班结
收银员 李雷
账单数            45
营业额      8,800.00
优惠金额      800.00
抹零金额        3.50
实收金额    7,996.50
微信支付    5,000.00
支付宝      2,000.00
美团团购      996.50
""",
        Report(799650, 45, {"wechat_pay": 500000, "alipay": 200000, "group_voucher": 99650}),
    ),
    "counts with their units": (
        "CNY",
        """
收银员对账单
收银员: 0012
销售  86笔  ¥4,321.00
退货  0笔  ¥0.00
现金(30笔)   ¥1,321.00
移动支付(56笔)  ¥3,000.00
""",
        Report(432100, 86, {"cash": 132100, "other": 300000}),
    ),
    "traditional": (
        "TWD",
        """
交班結帳表
機號 01
交易筆數: 210
銷售總額: 35,670
現金: 20,670
信用卡: 15,000
零用金: 3,000
""",
        Report(3567000, 210, {"cash": 2067000, "bank_card": 1500000}),
    ),
    "Z report": (
        "USD",
        """
        QUICKSTOP #12
         Z REPORT
Z No 0412      REG 02
11/22/2026 21:03
GROSS SALES          1,250.00
DISCOUNTS              -50.00
RETURNS                -40.00
NET SALES            1,160.00
TAX                     92.80
TOTAL                1,252.80
TENDERS
CASH           22      452.80
VISA           31      800.00
TRANSACTIONS  53
OPENING FLOAT          200.00
EXPECTED CASH          652.80
COUNTED CASH           650.80
OVER/SHORT              -2.00
GRAND TOTAL (ACCUMULATED) 88,412.20
FIRST RECEIPT 4410   LAST RECEIPT 4464
""",
        Report(125280, None, {"cash": 45280, "bank_card": 80000}, "4410", "4464"),
    ),
    "end of day": (
        "GBP",
        """
END OF DAY
Till 2
No of sales: 61
Total sales: 980.50
Payments
Cash 300.50
Card 680.00
Paid out 20.00
""",
        Report(98050, 61, {"cash": 30050, "bank_card": 68000}),
    ),
    "no tenders, one net": (
        "CNY",
        "日报表\n总销售额 1,000.00\n退货额 50.00\n净销售额 950.00\n订单数 12",
        Report(95000, 12),
    ),
    "no tenders, the net contradicted": ("CNY", "日报表\n毛销售额 1,000.00\n退货额 50.00\n净销售额 900.00", None),
    "returns, and nothing says whether they are in the total": (
        "CNY",
        "日结\n销售合计 1000.00\n退货合计 50.00\n现金 600.00\n微信支付 400.00\n销售笔数 20",
        Report(None, 20, {"cash": 60000, "wechat_pay": 40000}),
    ),
    "tenders are net of returns": (
        "CNY",
        "日结\n销售合计 1000.00\n退货合计 50.00\n现金 550.00\n微信支付 400.00\n销售笔数 20",
        Report(95000, 20, {"cash": 55000, "wechat_pay": 40000}),
    ),
    "two totals that nothing decides between": (
        "CNY",
        "日结单\n销售合计 1000.00\n营业额 990.00\n交易笔数 20",
        Report(None, 20),
    ),
    "tenders that miss one": (
        "CNY",
        "日结单\n销售合计 1000.00\n现金 400.00\n微信支付 300.00\n销售笔数 9",
        Report(None, 9, {"cash": 40000, "wechat_pay": 30000}),
    ),
    "a tender nobody knows, in the list of them": (
        "CNY",
        "日结单\n销售合计 1000.00\n支付方式汇总\n现金 400.00\n微信支付 300.00\n神奇支付宝宝 300.00\n销售笔数 9",
        Report(100000, 9, {"cash": 40000, "wechat_pay": 30000, "other": 30000}),
    ),
    "cash with its change": (
        "CNY",
        "班结单\n营业额 800.00\n现金 600.00\n找零 100.00\n支付宝 300.00\n单数 8",
        Report(80000, 8, {"cash": 50000, "alipay": 30000}),
    ),
    "精算": (
        "JPY",
        """
精算レポート
レジ:01   2026/11/22 21:00
総売上         125件   123,400
返品             1件       400
純売上               123,000
現金             80件   83,000
クレジット       44件   40,000
釣銭準備金             50,000
現金在高              133,000
過不足                      0
""",
        Report(123000, 125, {"cash": 83000, "bank_card": 40000}),
    ),
    "마감": (
        "KRW",
        """
일마감 보고서
POS: 01  2026-11-22 22:10
총매출      130건   1,250,000
반품          1건      20,000
순매출            1,230,000
현금             230,000
신용카드       1,000,000
준비금           100,000
""",
        Report(1230000, 130, {"cash": 230000, "bank_card": 1000000}),
    ),
    "no title but what only a till says": (
        "CNY",
        "3号机\n王芳\n销售笔数 12\n备用金 300.00\n现金 200.00\n微信支付 100.00\n营业额 300.00\n应有现金 500.00\n长短款 0.00",
        Report(30000, 12, {"cash": 20000, "wechat_pay": 10000}),
    ),
    "goods by category": (
        "CNY",
        """
营业日报
商品分类汇总
饮料      120.00
食品      300.00
合计      420.00
支付方式汇总
现金      420.00
""",
        Report(42000, None, {"cash": 42000}),
    ),
}  # fmt: skip


def read(text: str, currency: str = "CNY") -> Reading | None:
    return receipts.read(tuple(text.strip("\n").split("\n")), TEMPLATES, currency)


@pytest.mark.parametrize("name", REPORTS)
def test_reports(name: str) -> None:
    currency, text, report = REPORTS[name]
    reading = read(text, currency)
    if report is None:
        assert reading is None or reading.report is None or reading.report.total is None
        return
    assert reading is not None
    assert (reading.kind, reading.report) == ("shift_report", report)
    assert (reading.lines, reading.tenders, reading.totals.payable) == ((), (), None)
