from decimal import Decimal

import pytest

from edge_agent.contract.money import minor_digits
from edge_agent.receipts.amounts import parse


@pytest.mark.parametrize(
    ("word", "minor"),
    [
        ("16.00", 1600),
        ("-1.04", -104),
        ("1.04-", -104),
        ("(1.50)", -150),
        ("¥1,234.50", 123450),
        ("16.00元", 1600),
        ("RMB16", 1600),
        ("3,50", 350),
        ("1.234,56", 123456),
        ("1,300", 130000),
        ("€7.05", 705),
        ("HK$12.5", 1250),
        ("-¥3.00", -300),
        ("4.00A", 400),
        ("￥8".replace("￥", "¥"), 800),
    ],
)
def test_money_in_the_forms_tills_print(word: str, minor: int) -> None:
    number = parse(word)
    assert number is not None
    assert number.minor(2) == minor


@pytest.mark.parametrize("word", ["550ml*12x", "A12.00", "2026-11-22", "10:31", "abc", "1.2.3", "", "-", "¥", "1" * 30])
def test_what_is_no_number(word: str) -> None:
    assert parse(word) is None


def test_quantities_and_rates() -> None:
    weighed = parse("0.856kg")
    assert weighed is not None
    assert (weighed.value, weighed.unit, weighed.places) == (Decimal("0.856"), "kg", 3)
    rate = parse("9.5折")
    assert rate is not None
    assert rate.rate


def test_a_closed_japanese_figure_is_not_negative() -> None:
    number = parse("¥12,080-")
    assert number is not None
    assert number.minor(minor_digits("JPY")) == 12080


def test_a_fraction_of_a_cent_is_not_money() -> None:
    number = parse("9.985")
    assert number is not None
    assert number.minor(2) is None
