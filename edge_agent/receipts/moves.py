"""A slip about money put into the drawer or taken out of it: which way, how much, why."""

from collections.abc import Sequence

from edge_agent.receipts import grid
from edge_agent.receipts.compiled import Template
from edge_agent.receipts.grid import Pair, Row
from edge_agent.receipts.labelled import amount_of
from edge_agent.receipts.reading import CashMove
from edge_agent.receipts.words import MOVE_GROUPS, Lexicon

_WAYS = ("in", "out")


def read(lines: Sequence[str], template: Template, digits: int) -> tuple[CashMove | None, tuple[str, ...]]:
    """Return what was moved, and the rows with figures if way or amount stay open: NO SALE has neither."""
    lexicon = template.lexicon_of(MOVE_GROUPS)
    rows = [row for row in grid.rows(lines, lexicon) if not row.rule]
    amounts, signed = _amounts(rows, digits)
    ways = _ways(rows, lexicon)
    if not amounts:
        return None, ()
    way = ways[0] if len(ways) == 1 else "out" if signed and not ways else None
    if len(amounts) != 1 or way is None:
        return None, tuple(row.text.strip() for row in rows if _moneyed(row, digits))
    return CashMove(way, amounts[0], _reason(rows, lexicon)), ()


def _ways(rows: Sequence[Row], lexicon: Lexicon) -> list[str]:
    """Return the ways that type fields name, else those of titles and labels."""
    values = [p.value for row in rows for p in row.pairs if p.word.role == "type" and p.value]
    found = [lexicon.role(value, "moves") for value in values]
    rows = [row for row in rows if _why(row, lexicon) is None]
    if not any(way in _WAYS for way in found):
        found = [lexicon.role(part, "moves") for row in rows for part in (row.text, *row.text.split("  ")) if part]
        found += [p.word.role for row in rows for p in row.pairs if p.word.group == "moves" and p.numbers]
    return [way for way in _WAYS if way in found]


def _amounts(rows: Sequence[Row], digits: int) -> tuple[list[int], bool]:
    """Return the different amounts that were moved: the labelled ones, else the only ones; and whether one is minus."""
    labelled = [a for row in rows for p in row.pairs if _is_amount(p) and (a := amount_of(p.numbers, digits))]
    if not labelled:
        bare = [row for row in rows if not row.pairs and _moneyed(row, digits)]
        labelled = [a for row in bare if (a := amount_of(row.numbers, digits))]
    return list(dict.fromkeys(abs(a) for a in labelled)), any(a < 0 for a in labelled)


def _is_amount(pair: Pair) -> bool:
    return pair.word.group == "moves" and pair.word.role in ("amount", *_WAYS)


def _moneyed(row: Row, digits: int) -> bool:
    """Tell whether a row holds money: with its mark, or with the currency's decimals."""
    return any(n.money or (digits and n.places == digits) for n in row.numbers)


def _why(row: Row, lexicon: Lexicon) -> str | None:
    """Return what a row names as the reason, empty if it names none, or None if it is about something else."""
    for pair in row.pairs:
        if pair.word.role == "reason" and pair.word.group == "moves":
            return row.text.partition(pair.label)[2].strip(" :")
    words = row.text.split(maxsplit=1)  # 原因 上缴营业款 sounds like money handed over as a whole
    return words[1].strip() if len(words) > 1 and lexicon.role(words[0], "moves") == "reason" else None


def _reason(rows: Sequence[Row], lexicon: Lexicon) -> str | None:
    """Return the reason as printed, else the title that says which way."""
    for row in rows:
        if said := _why(row, lexicon):
            return said
    titles = (
        row.text.strip(" *=-#【】[]") for row in rows if not row.numbers and lexicon.role(row.text, "moves") in _WAYS
    )
    return next(titles, None)
