"""A bar code behind its row's number survives redaction in every spacing; a telephone or card number does not."""

import pytest

from edge_agent.redact import Redactor

REDACTOR = Redactor(b"a store's own key")
INDEXES = ("1", "01", "001", "002", "007", "0001", "012", "[001]", "001.", "001)", "#001")
CODES = ("6900000011223", "6901028075862", "012345678905", "16901028075869", "6 901028 075862")


@pytest.mark.parametrize("blank", [" ", "  ", "-", ":", "   "])
@pytest.mark.parametrize("index", INDEXES)
def test_an_index_and_a_bar_code_survive(index: str, blank: str) -> None:
    for code in CODES:
        for after in ("", " 12 2.00 24.00", "  1", " 特级龙井 1 128.00"):
            row = f"{index}{blank}{code}{after}"
            assert REDACTOR.redact_text(row) == row


@pytest.mark.parametrize("row", ["001 69012341", "002 69012341", "001 69012341 12 3.00 36.00"])
def test_a_short_bar_code_survives_behind_three_digits(row: str) -> None:
    assert REDACTOR.redact_text(row) == row


@pytest.mark.parametrize(
    "secret",
    [
        "0086 13912345678", "001 2025550123", "007 9161234567", "0065 61234567", "001 202 555 0123",
        "0044 20 7946 0958", "0049 1512 3456789", "00852 2345 6789 12",
    ],
)  # fmt: skip
def test_what_may_be_a_telephone_does_not(secret: str) -> None:
    assert not any(letter.isdigit() for letter in REDACTOR.redact_text(secret))


def test_a_card_behind_an_index_does_not() -> None:
    for card in ("4111111111111111", "30569309025904", "6222021234567890128"):
        for blank in (" ", "  ", "-"):
            assert card not in REDACTOR.redact_text(f"001{blank}{card}")
