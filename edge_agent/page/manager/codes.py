"""The codes people type: the manager's six digits, and the one-time code that lets a manager set them."""

import secrets
import unicodedata
from itertools import pairwise

CODE_DIGITS = 6
# Digits alone: typed on a telephone, read out over one. Within its 15 minutes the waits after wrong ones leave ten
# tries to each side of the door: 2 in 10 million.
ONE_TIME_DIGITS = 8


class UnusableCodeError(ValueError):
    """Not a code one may choose.

    ``reason``: ``not_six_digits``, ``one_digit``, ``in_a_row``, ``repeats``, ``one_time`` (part of the one-time code).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def typed(text: str) -> str:
    """Return what was meant: without spaces and hyphens, full-width digits of a Chinese keyboard as plain ones."""
    return "".join(c for c in unicodedata.normalize("NFKC", text[:64]) if c not in " -")


def one_time() -> str:
    """Return a fresh one-time code."""
    return f"{secrets.randbelow(10**ONE_TIME_DIGITS):0{ONE_TIME_DIGITS}}"


def is_code(text: str) -> bool:
    """Tell whether a text has the shape of a manager's code."""
    return len(text) == CODE_DIGITS and text.isascii() and text.isdecimal()


def check_choice(code: str, pairing: str) -> None:
    """Raise UnusableCodeError for a code that is none, or that anybody would try first."""
    if not is_code(code):
        raise UnusableCodeError("not_six_digits")
    if len(set(code)) == 1:
        raise UnusableCodeError("one_digit")
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(code)}
    if steps in ({1}, {9}):  # 123456, 890123, 654321
        raise UnusableCodeError("in_a_row")
    if code[2:] == code[:-2] or code[3:] == code[:-3]:  # 121212, 520520
        raise UnusableCodeError("repeats")
    if code in pairing:
        raise UnusableCodeError("one_time")
