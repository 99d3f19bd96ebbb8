"""Where things are on a slip: the heading of the goods, the goods, and the labelled amounts after them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from edge_agent.receipts.grid import Row
from edge_agent.receipts.words import Lexicon, fold

_HEADING_MARKS = re.compile(r"[*/×|+()]")
_BLANKS = re.compile(r"\s+")
_TOTALS = frozenset(
    {
        "due",
        "total",
        "gross",
        "subtotal",
        "net",
        "received",
        "change",
        "refund",
        "voided",
        "top_up",
        "tax",
        "rounding",
        "tip",
    }
)
# A subtotal may stand between groups of goods, a tax or rounding row between the goods and the total.
_AMBIGUOUS = frozenset({"subtotal", "gross", "tax", "rounding", "tip"})
_MEMORY = 256  # rows; those of heads and feet repeat from slip to slip
_COUNT_OR_TOTAL = "count_or_total"
_CODE = 10**7  # a whole number as long as this, without a currency mark, is a code and no amount
_ZEROS = re.compile(r"0\d+")  # 03 is a till or a serial number, not an amount


@dataclass(frozen=True, slots=True)
class Region:
    """The goods rows ``rows[start:end]`` and the columns their heading names."""

    start: int
    end: int
    columns: tuple[str, ...] = ()


@lru_cache(maxsize=_MEMORY)
def heading(row: Row, lexicon: Lexicon) -> tuple[str, ...]:
    """Return the columns a heading row names, left to right; empty if the row is not a heading."""
    if any(t.number is not None for t in row.tokens) or any(t.colon for t in row.tokens):
        return ()
    words = [part for t in row.tokens for part in _heading_words(fold(t.text), lexicon)]
    found: list[str] = []
    index = unknown = 0
    while index < len(words):
        for end in range(min(len(words), index + 4), index, -1):
            role = lexicon.headings.get("".join(words[index:end]))
            if role is not None:
                found.append(role)
                index = end
                break
        else:
            unknown += 1
            index += 1
    figures = {"quantity", "unit_price", "amount", "discount"} & set(found)
    if len(set(found)) >= 2 and figures and unknown <= len(found) // 2:
        return tuple(found)
    return ()


def _heading_words(text: str, lexicon: Lexicon) -> list[str]:
    """Split ``数量*单价`` and ``品名/条码``, unless the whole is a heading of its own."""
    return [text] if text in lexicon.headings else [part for part in _HEADING_MARKS.split(text) if part]


def regions(rows: Sequence[Row], lexicon: Lexicon, columns: Sequence[str]) -> list[Region]:
    """Return where the goods may be, the likeliest first."""
    start, named = 0, tuple(columns)
    for index, row in enumerate(rows):
        roles = heading(row, lexicon)
        if roles:
            start = index + 1
            named = tuple(columns) or _columns(rows, index, roles, lexicon)
            if start < len(rows) and heading(rows[start], lexicon):
                start += 1
            break
    found = []
    for ambiguous, tenders in ((True, True), (False, True), (True, False)):
        end = next(
            (i for i in range(start, len(rows)) if _ends(rows, i, ambiguous=ambiguous, tenders=tenders)), len(rows)
        )
        region = Region(start, end, named)
        if region not in found and (tenders or end < len(rows)):
            found.append(region)
    return found


def below_total(rows: Sequence[Row], first: Region) -> Region | None:
    """Return where the goods are if a total stands above them, as electronic invoices of Taiwan print it, or None."""
    begin = first.end + 1
    if first.columns or begin >= len(rows):
        return None
    end = next((i for i in range(begin, len(rows)) if _ends(rows, i, ambiguous=True, tenders=True)), len(rows))
    return Region(begin, end) if begin < end < len(rows) else None


def _columns(rows: Sequence[Row], index: int, roles: tuple[str, ...], lexicon: Lexicon) -> tuple[str, ...]:
    """Return the columns of a heading of one row or two."""
    below = heading(rows[index + 1], lexicon) if index + 1 < len(rows) else ()
    return below or roles


def _ends(rows: Sequence[Row], index: int, *, ambiguous: bool, tenders: bool) -> bool:
    """Tell whether a row is the first after the goods: a total, or (``tenders``) a tender with its amount.

    GREETING CARDS are goods: where only totals end them, what sounds like a tender among them is one.
    """
    row = rows[index]
    if row.rule or _is_detail(row):
        return False
    for pair in row.pairs:
        role = pair.word.role
        alone = len(row.pairs) == 1 or role not in ("tax", "rounding", "tip")
        if role == _COUNT_OR_TOTAL and any(n.money or n.places == 2 for n in pair.numbers):
            return True
        if pair.word.group == "money" and role in _TOTALS and (ambiguous or role not in _AMBIGUOUS):
            if pair.numbers and not any(n.places or n.money or (alone and n.value < _CODE) for n in pair.numbers):
                continue
            if pair.numbers or (not pair.value and figures_only(rows, index + 1)):
                return True
        elif pair.word.group == "tenders" and len(pair.numbers) == 1 and pair.numbers[0].value > 0:
            if tenders:
                return _ZEROS.fullmatch(pair.value) is None
        elif role == "method":
            return True
        elif role == "count" and len(row.pairs) == 1 and len(pair.numbers) == 1 and index + 1 < len(rows):
            return _ends(rows, index + 1, ambiguous=ambiguous, tenders=tenders)
    return False


def figures_only(rows: Sequence[Row], index: int) -> bool:
    """Tell whether a row holds amounts alone: those of the labels above it, and no codes."""
    tokens = rows[index].tokens if index < len(rows) else ()
    codes = any(t.text.isdigit() and len(t.text) > 7 for t in tokens)
    return bool(tokens) and all(t.number is not None for t in tokens) and not codes


def _is_detail(row: Row) -> bool:
    """Tell whether a row is ``单价:2.00 数量:2 小计:4.00``: details of one item, not a subtotal."""
    labels = {fold(t.text) for t in row.tokens if t.colon}
    return bool(labels & {"单价", "零售价", "价格", "售价", "price", "unit price", "단가", "単価"})
