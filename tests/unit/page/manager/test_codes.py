"""Which codes may be chosen, and what somebody meant who typed one."""

import pytest

from edge_agent.page.manager import codes
from edge_agent.page.manager.codes import UnusableCodeError, check_choice, one_time, typed

PAIRING = "80347115"

REFUSED = [
    ("", "not_six_digits"),
    ("12345", "not_six_digits"),
    ("1234567", "not_six_digits"),
    ("12345a", "not_six_digits"),
    ("²²²²²²", "not_six_digits"),
    ("٣٤٧١١٥", "not_six_digits"),
    ("000000", "one_digit"),
    ("888888", "one_digit"),
    ("123456", "in_a_row"),
    ("654321", "in_a_row"),
    ("890123", "in_a_row"),
    ("210987", "in_a_row"),
    ("121212", "repeats"),
    ("520520", "repeats"),
    ("803471", "one_time"),
    ("347115", "one_time"),
]


@pytest.mark.parametrize(("code", "reason"), REFUSED)
def test_codes_that_anybody_tries_first_are_refused_with_the_reason(code: str, reason: str) -> None:
    with pytest.raises(UnusableCodeError) as refused:
        check_choice(code, PAIRING)
    assert refused.value.reason == reason


@pytest.mark.parametrize("code", ["271828", "100000", "112233", "123457", "001002", "135791"])
def test_others_may_be_chosen(code: str) -> None:
    check_choice(code, PAIRING)


@pytest.mark.parametrize("text", ["８０３４ ７１１５", "8034-7115", " 80347115 ", "8034\u30007115"])
def test_a_chinese_keyboard_and_a_space_are_understood(text: str) -> None:
    assert typed(text) == PAIRING


def test_one_time_codes_are_eight_digits_and_never_the_same() -> None:
    found = {one_time() for _ in range(200)}
    assert {(len(code), code.isascii() and code.isdecimal()) for code in found} == {(codes.ONE_TIME_DIGITS, True)}
    assert len(found) > 197  # two alike among 200 of 10^8: once in 5,000 runs; three pairs: never
