"""Orders of platforms, printed in the store: whose they are, and which of the day."""

# ruff: noqa: E501 - a slip or a list of words in one row is easier to compare than one cut to width

import pytest

from edge_agent import receipts

TEMPLATES = [receipts.compile(settings) for settings in receipts.shipped().values()]
BODY = "下单时间:2026-11-20 12:01:44\n订单号:1982736450192837465\n蒸饺   x1   10.00\n配送费  3.00\n满减优惠  -2.00\n实付:11.00"

TITLES = [
    ("#23 美团外卖", "meituan", "23"),
    ("美团#23", "meituan", "23"),
    ("美团外卖 今日第7单", "meituan", "7"),
    ("【美团闪购】#105", "meituan", "105"),
    ("美团外卖 第12号", "meituan", "12"),
    ("饿了么 5号", "eleme", "5"),
    ("# 8 饿了么订单", "eleme", "8"),
    ("饿了么星选#31", "eleme", "31"),
    ("京东到家 今日第15单", "jddj", "15"),
    ("京东秒送#4", "jddj", "4"),
    ("抖音外卖 #A12", "douyin", "A12"),
    ("抖音小时达 66号", "douyin", "66"),
    ("淘宝闪购 今日第 31 单", "taobao_shangou", "31"),
    ("淘鲜达 #9", "taoxianda", "9"),
    ("有赞商城订单 #3", "youzan", "3"),
    ("微盟外卖 #3", "weimob", "3"),
    ("渠道:美团外卖  #18", "meituan", None),
    ("订单来源:饿了么", "eleme", None),
]
ENGLISH = [
    ("UBER EATS #A1B2", "ubereats", "A1B2"),
    ("Deliveroo #4821", "deliveroo", "4821"),
    ("DoorDash Order #77", "doordash", "77"),
    ("GRUBHUB #12", "grubhub", "12"),
    ("foodpanda #512", "foodpanda", "512"),
    ("GrabFood #A-104", "grab", None),
]


@pytest.mark.parametrize(("title", "channel", "day_number"), TITLES)
@pytest.mark.parametrize("copy", ["", "商家联", "*** 顾客联 ***", "骑手联", "【商户存根】"])
def test_platforms(title: str, channel: str, day_number: str | None, copy: str) -> None:
    reading = receipts.read(
        tuple(f"{title}\n{copy}\n蒸饺王(望京店)\n{BODY}\n隐私号:18412345678,0021".split("\n")), TEMPLATES
    )
    assert reading is not None
    assert (reading.kind, reading.channel) == ("delivery_slip", channel)
    assert (reading.number, reading.totals.payable) == ("1982736450192837465", 1100)
    if day_number is not None:
        assert reading.pickup_code == day_number


@pytest.mark.parametrize(("title", "channel", "day_number"), ENGLISH)
def test_english_platforms(title: str, channel: str, day_number: str | None) -> None:
    text = f"{title}\n11/20/2026 18:12\nReceipt 4471\n1x Burger   12.99\nTotal   12.99\nPAID"
    reading = receipts.read(tuple(text.split("\n")), TEMPLATES, "USD")
    assert reading is not None
    assert (reading.kind, reading.channel, reading.totals.payable) == ("delivery_slip", channel, 1299)
    if day_number is not None:
        assert reading.pickup_code == day_number


@pytest.mark.parametrize(
    "text", ["美团团购券 -10.00", "美团券 11.00", "关注抖音号领券", "支持美团外卖 饿了么 京东到家"]
)
def test_a_voucher_or_an_advertisement_makes_no_platforms_order(text: str) -> None:
    reading = receipts.read(("蒸饺王", "单号:7", "蒸饺   1   11.00", "合计 11.00", "现金 11.00", text), TEMPLATES)
    assert reading is not None
    assert (reading.kind, reading.channel) == ("sale", None)


def test_a_voided_or_unpriced_platform_slip_is_what_it_says() -> None:
    void = receipts.read(tuple(f"#23 美团外卖\n订单已取消\n{BODY}".split("\n")), TEMPLATES)
    kitchen = receipts.read(("厨房联", "美团 #8", "红烧肉 x1"), TEMPLATES)
    assert void is not None
    assert kitchen is not None
    assert (void.kind, kitchen.kind) == ("void", "kitchen")
