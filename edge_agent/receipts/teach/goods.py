"""How a layout prints its goods: which figure of a row is what, proved by quantity x price = amount."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby, permutations
from typing import get_args

from edge_agent.receipts.amounts import Number
from edge_agent.receipts.teach.fields import escaped
from edge_agent.receipts.teach.slip import Opened, money
from edge_agent.receipts.template import Column
from edge_agent.receipts.tokens import Token

_FIGURE = r"[-+]?[^\s\d+-]{0,3}\d[\d.,]*[^\s\d×*@xX=]{0,3}"
_COLUMNS: tuple[Column, ...] = get_args(Column)


def columns(rows: Sequence[Opened], digits: int, *, last: bool) -> tuple[Column, ...]:
    """Return the columns of goods rows that all hold as many figures; empty where no product shows which is which."""
    priced = [row for row in rows if row.amounts]
    roles = _roles([row.row.numbers for row in priced], digits, last=last)
    return ("name", *(column for column in roles for known in _COLUMNS if known == column)) if roles else ()


def item(rows: Sequence[Opened], digits: int, *, last: bool) -> str | None:
    """Return the pattern of a goods row in one piece, or None: the rows are not all alike."""
    priced = [_runs(row.row.tokens) for row in rows if row.amounts and row.amounts[0] > 0]
    shapes = {tuple(isinstance(part, Token) for part in parts) for parts in priced}
    if not priced or len(shapes) != 1:
        return None
    shape = shapes.pop()
    figures = [[part.number for part in parts if isinstance(part, Token) and part.number] for parts in priced]
    roles = _roles(figures, digits, last=last) or _amount_only(len(figures[0]), last=last)
    texts = [index for index, is_figure in enumerate(shape) if not is_figure]
    varying = [index for index in texts if len({_words(parts[index]) for parts in priced}) > 1]
    names = varying or texts[:1]
    if len(names) != 1:
        return None
    named = iter(roles)
    pieces = []
    for index, is_figure in enumerate(shape):
        if is_figure:
            role = next(named)
            pieces.append(_FIGURE if role == "skip" else f"(?P<{role}>{_FIGURE})")
        else:
            pieces.append(r"(?P<name>\S.*?)" if index == names[0] else escaped(_words(priced[0][index])))
    return r"^\s*" + r"\s*".join(pieces) + r"\s*$"


def adjust(rows: Sequence[Opened]) -> str | None:
    """Return the pattern of the discounts among the goods, if there are any printed with a minus."""
    less = [row for row in rows if row.amounts and row.amounts[-1] < 0]
    return r"^\s*(?P<name>\D*?)\s*(?P<amount>-" + _FIGURE[5:] + r")\s*$" if less else None


def _amount_only(count: int, *, last: bool) -> tuple[str, ...]:
    skipped = ("skip",) * (count - 1)
    return (*skipped, "amount") if last else ("amount", *skipped)


def _roles(rows: Sequence[Sequence[Number]], digits: int, *, last: bool) -> tuple[str, ...]:
    """Return the roles of the figures of rows, one each; empty where not one assignment fits all rows."""
    if not rows or len({len(numbers) for numbers in rows}) != 1 or len(rows[0]) < 3:
        return ()
    count = len(rows[0])
    amount = count - 1 if last else 0
    for quantity, price in permutations([index for index in range(count) if index != amount], 2):
        fits = all(_is_product(numbers[quantity], numbers[price], numbers[amount], digits) for numbers in rows)
        if fits and any(numbers[quantity].value != numbers[price].value for numbers in rows):
            turned = _looks_priced(rows, quantity, price, digits)
            counted, each = (price, quantity) if turned else (quantity, price)
            named = {amount: "amount", counted: "quantity", each: "unit_price"}
            return tuple(named.get(index, "skip") for index in range(count))
    return ()


def _is_product(quantity: Number, price: Number, amount: Number, digits: int) -> bool:
    minor = money(amount, digits, whole=True)
    return minor is not None and abs(abs((quantity.value * price.value).scaleb(digits)) - abs(Decimal(minor))) < 1


def _looks_priced(rows: Sequence[Sequence[Number]], quantity: int, price: int, digits: int) -> bool:
    """Tell whether quantity and price are the other way round: only one of them is printed as money everywhere."""
    first = all(numbers[quantity].places == digits for numbers in rows)
    second = all(numbers[price].places == digits for numbers in rows)
    return first and not second


def _runs(tokens: Sequence[Token]) -> list[Token | tuple[Token, ...]]:
    """Return a row as its figures and the runs of words between them."""
    parts: list[Token | tuple[Token, ...]] = []
    for is_figure, run in groupby(tokens, key=lambda token: token.number is not None):
        found = tuple(run)
        parts.extend(found if is_figure else [found])
    return parts


def _words(part: Token | tuple[Token, ...]) -> str:
    return part.text if isinstance(part, Token) else " ".join(token.text for token in part)
