"""A captured slip laid open for comparison with others: its rows, their labelled amounts, what is the same on all."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from edge_agent.receipts import grid
from edge_agent.receipts.amounts import Number
from edge_agent.receipts.grid import Row
from edge_agent.receipts.tokens import Token
from edge_agent.receipts.words import Lexicon, is_wide, variants

_WIDE_GAP = 2  # blanks inside a label; more of them separate columns
_LARGEST_WHOLE = 100_000  # a figure printed without decimals is a code from here on, not an amount
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Labelled:
    """An amount with what is printed before it. ``key``: the label as labels are compared; ``amount``: minor units."""

    key: str
    label: str
    amount: int


@dataclass(frozen=True, slots=True)
class Opened:
    """One row. ``key``: what it has in common with its like on other slips; ``amounts``: its figures that are money.

    ``products``: what any two of its figures come to, in minor units. ``printed``: the row in its NFKC form, frames and
    blanks as they are, which is what a template's ``match`` sees.
    """

    row: Row
    printed: str
    key: str
    labelled: tuple[Labelled, ...]
    amounts: tuple[int, ...]
    products: frozenset[int]


def words_of(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the languages a slip seems to be in, by its script."""
    text = "\n".join(lines)
    if _KANA.search(text):
        return ("ja", "en")
    if _HANGUL.search(text):
        return ("ko", "en")
    return ("zh", "en") if is_wide(text) else ("en",)


def opened(lines: Sequence[str], lexicon: Lexicon, digits: int, *, whole: bool) -> list[Opened]:
    """Return the rows of a slip. ``whole``: figures without decimals may be money too."""
    found = []
    rules = 0
    for row in grid.rows(lines, lexicon):
        rules += row.rule
        labelled = tuple(_labelled(row.tokens, digits, whole=whole))
        amounts = tuple(minor for t in row.tokens if (minor := money(t.number, digits, whole=whole)) is not None)
        printed = unicodedata.normalize("NFKC", lines[row.index])
        made = frozenset(_rounded(a.value * b.value, digits) for a, b in combinations(row.numbers, 2))
        found.append(Opened(row, printed, _key(row, labelled, rules), labelled, amounts, made))
    return found


def _rounded(value: Decimal, digits: int) -> int:
    return int(value.scaleb(digits).quantize(Decimal(1), "ROUND_HALF_UP"))


def money(number: Number | None, digits: int, *, whole: bool) -> int | None:
    """Return a printed number in minor units if it may be money."""
    if number is None or number.rate or number.unit:
        return None
    exact = number.money or number.places == digits
    if digits and not exact and not (whole and number.places <= 1 and abs(number.value) < _LARGEST_WHOLE):
        return None
    return number.minor(digits)


def common(slips: Sequence[Sequence[Opened]]) -> set[str]:
    """Return the keys of the rows that all slips have."""
    return set.intersection(*({opened.key for opened in slip} for slip in slips))


def _key(row: Row, labelled: Sequence[Labelled], rules: int) -> str:
    if row.rule:
        return f"rule {rules}"
    if labelled:
        return f"label {labelled[0].key}"
    first = row.tokens[0]
    if first.colon and first.number is None:
        return f"field {label_key(first.text)}"
    return "text " + " ".join(row.text.split())


def _labelled(tokens: Sequence[Token], digits: int, *, whole: bool) -> list[Labelled]:
    found: list[Labelled] = []
    words: list[Token] = []
    for token in tokens:
        if words and token.gap > _WIDE_GAP and token.number is None:
            words = []
        if token.number is None or (token.number.rate and words):
            words.append(token)
            continue
        amount = money(token.number, digits, whole=whole)
        if words and amount is not None:
            label = _text(words)
            found.append(Labelled(label_key(label), label, amount))
        words = []
    return [labelled for labelled in found if labelled.key]


def label_key(label: str) -> str:
    """Return a label as the word tables would spell it."""
    return variants(label)[0]


def _text(tokens: Sequence[Token]) -> str:
    parts = [(" " if token.gap and position else "") + token.text for position, token in enumerate(tokens)]
    return "".join(parts)
