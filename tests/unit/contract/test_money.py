import pytest

from edge_agent.contract.money import decimal, minor_digits


@pytest.mark.parametrize(("currency", "digits"), [("CNY", 2), ("EUR", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3)])
def test_minor_digits_are_those_of_iso_4217(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


@pytest.mark.parametrize(
    ("minor", "currency", "told"),
    [
        (842000, "CNY", "8420.00"),
        (5, "CNY", "0.05"),
        (-105, "EUR", "-1.05"),
        (0, "CNY", "0.00"),
        (-500, "JPY", "-500"),
        (1250, "KWD", "1.250"),
    ],
)
def test_an_amount_is_told_in_whole_units_and_all_its_decimals(minor: int, currency: str, told: str) -> None:
    assert decimal(minor, currency) == told
