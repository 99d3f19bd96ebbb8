from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.shop.records import RecordError, reading_of

RECORD = {
    "order_no": "A-17",
    "printed_at": "2026-11-22T10:31:05+08:00",
    "workstation": 3,
    "lines": [
        {"name": "农夫山泉550ml", "quantity": "2", "unit_price": "2.00", "amount": "4.00"},
        {"name": "会员折扣", "amount": "-1.04"},
    ],
    "tenders": [{"label": "微信支付", "amount": "3.00"}],
    "totals": {"payable": "2.96", "change": "0.04"},
}


def test_a_record_becomes_a_reading_with_proved_sums() -> None:
    reading = reading_of(RECORD, "CNY")
    assert (reading.kind, reading.number, reading.workstation) == ("sale", "A-17", "3")
    assert reading.printed_at == datetime(2026, 11, 22, 10, 31, 5)
    assert [(line.kind, line.amount, line.quantity, line.unit_price) for line in reading.lines] == [
        ("sale", 400, "2", 200),
        ("discount", -104, None, None),
    ]
    assert [(tender.type, tender.label, tender.amount) for tender in reading.tenders] == [
        ("wechat_pay", "微信支付", 300)
    ]
    assert (reading.totals.payable, reading.lines_check, reading.tenders_check) == (296, "pass", "pass")


def test_whole_numbers_are_minor_units_and_decimals_major_ones() -> None:
    for payable, currency, expected in [
        (1600, "CNY", 1600),
        ("16", "CNY", 1600),
        ("1,600.50", "CNY", 160050),
        (Decimal("16.5"), "CNY", 1650),
        ("1600", "JPY", 1600),
        (1600, "JPY", 1600),
    ]:
        assert reading_of({"totals": {"payable": payable}}, currency).totals.payable == expected


def test_an_order_as_the_contract_nests_it_is_read() -> None:
    nested = {
        **RECORD,
        "workstation": None,
        "channel": {"id": "meituan", "owner": "meituan"},
        "attribution": {"store": "sh-0001", "workstation": "03", "cashier": "王芳", "guide": None},
    }
    reading = reading_of(nested, "CNY")
    assert (reading.channel, reading.workstation, reading.cashier) == ("meituan", "03", "王芳")
    assert reading_of({**nested, "channel": "eleme"}, "CNY").channel == "eleme"
    with pytest.raises(RecordError, match="attribution"):
        reading_of({**nested, "attribution": "till 3"}, "CNY")


def test_sums_that_do_not_add_up_are_told() -> None:
    wrong = {**RECORD, "totals": {"payable": "3.96", "change": "0.04"}}
    reading = reading_of(wrong, "CNY")
    assert (reading.lines_check, reading.tenders_check) == ("fail", "fail")
    bare = reading_of({"totals": {"payable": 5}}, "CNY")
    assert (bare.lines_check, bare.tenders_check) == ("unknown", "unknown")


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({}, "totals"),
        ({"totals": {}}, "totals.payable"),
        ({"totals": {"payable": "free"}}, "totals.payable"),
        ({"totals": {"payable": "1.234"}}, "totals.payable"),
        ({"totals": {"payable": "9" * 30}}, "totals.payable"),
        ({"totals": {"payable": 10**15}}, "totals.payable"),
        ({"totals": {"payable": [2**63, 0, 0]}}, "totals.payable"),
        ({"totals": {"payable": True}}, "totals.payable"),
        ({"totals": {"payable": 1}, "kind": "gift"}, "kind"),
        ({"totals": {"payable": 1}, "lines": "many"}, "lines"),
        ({"totals": {"payable": 1}, "lines": [{"name": "x"}]}, "lines[1].amount"),
        ({"totals": {"payable": 1}, "tenders": [{"type": "cash"}]}, "tenders[1].amount"),
        ({"totals": {"payable": 1}, "printed_at": "yesterday"}, "printed_at"),
        ({"totals": {"payable": 1}, "order_no": {}}, "order_no"),
    ],
)
def test_what_cannot_be_used_is_named(record: dict[str, object], field: str) -> None:
    with pytest.raises(RecordError, match=field.replace("[", r"\[").replace("]", r"\]")):
        reading_of(record, "CNY")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {"totals": st.fixed_dictionaries({"payable": anything}, optional={"change": anything, "tip": anything})},
        optional={
            "kind": anything,
            "lines": st.lists(st.fixed_dictionaries({"amount": anything}, optional={"quantity": anything}), max_size=3),
            "tenders": st.lists(st.fixed_dictionaries({"amount": anything}, optional={"type": anything}), max_size=3),
            "printed_at": anything,
        },
    )
)
def test_no_record_raises_anything_else(record: dict[str, object]) -> None:
    try:
        reading = reading_of(record, "CNY")
    except RecordError:
        return
    assert isinstance(reading.totals.payable, int)
