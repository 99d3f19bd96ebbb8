"""Stored value sold is no goods; a balance is never what was sold or paid."""

# ruff: noqa: E501 - a slip or a list of words in one row is easier to compare than one cut to width

import pytest

from edge_agent import receipts

TEMPLATES = [receipts.compile(settings) for settings in receipts.shipped().values()]

TOP_UPS = [
    ("CNY", "会员充值凭证\n单号:CZ1\n充值金额:500.00\n赠送金额:50.00\n到账金额:550.00\n充值前余额:20.00\n充值后余额:570.00\n支付方式:微信支付\n实付金额:500.00", 50000, "wechat_pay"),
    ("CNY", "*** 储值卡充值 ***\n流水 0098812\n储值 300.00\n赠送 30.00\n现金 300.00\n余额 412.50", 30000, "cash"),
    ("CNY", "一点点奶茶\n会员储值\n单号 26\n项目         数量   金额\n储值500送80    1   500.00\n合计              500.00\n支付宝            500.00\n当前余额:         631.00", 50000, "alipay"),
    ("CNY", "充值小票\n卡号:88**12\n本次充值:200.00\n实收:200.00\n卡余额:260.00\n付款方式:现金", 20000, "cash"),
    ("CNY", "会员卡续费\n单号 9\n续费金额 100.00\n微信 100.00\n余额 130.00", 10000, "wechat_pay"),
    ("USD", "GIFT CARD RELOAD\nReceipt 88123\nCard ****1234\nAmount Loaded     50.00\nBonus              5.00\nNew balance       67.40\nCASH              60.00\nCHANGE            10.00", 5000, "cash"),
    ("GBP", "TOP UP\nRef 12\nTop up amount  20.00\nVISA  20.00\nBalance 31.15", 2000, "bank_card"),
]  # fmt: skip


@pytest.mark.parametrize(("currency", "text", "payable", "tender"), TOP_UPS)
def test_top_ups(currency: str, text: str, payable: int, tender: str) -> None:
    reading = receipts.read(tuple(text.split("\n")), TEMPLATES, currency)
    assert reading is not None
    assert (reading.kind, reading.totals.payable) == ("top_up", payable)
    assert [(line.kind, line.amount) for line in reading.lines] == [("top_up", payable)]
    assert [t.type for t in reading.tenders] == [tender]
    assert "fail" not in (reading.lines_check, reading.tenders_check)


def test_a_balance_alone_does_not_say_how_a_top_up_was_paid() -> None:
    reading = receipts.read(("会员充值", "单号 7", "充值金额 100.00", "卡余额 180.00"), TEMPLATES)
    assert reading is not None
    assert (reading.kind, reading.totals.payable, reading.tenders) == ("top_up", 10000, ())


@pytest.mark.parametrize(
    "balance", ["卡余额 189.00", "卡余额:189.00 本次充值:0.00", "储值余额 189.00\n积分 20", "会员余额:¥189.00"]
)
def test_a_sale_paid_by_stored_value_prints_a_balance_and_stays_a_sale(balance: str) -> None:
    text = f"永和大王\n单号 88123\n豆浆      1   5.00\n油条      2   6.00\n合计 11.00\n会员卡支付 11.00\n{balance}"
    reading = receipts.read(tuple(text.split("\n")), TEMPLATES)
    assert reading is not None
    assert (reading.kind, reading.totals.payable) == ("sale", 1100)
    assert [(t.type, t.amount) for t in reading.tenders] == [("stored_value", 1100)]
    assert [line.kind for line in reading.lines] == ["sale", "sale"]
