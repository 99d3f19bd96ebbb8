"""Goods printed label by label, 品名 单价 数量 金额 below each other, as petrol stations do."""

from collections.abc import Sequence

from edge_agent.receipts.goods import Goods
from edge_agent.receipts.grid import Row
from edge_agent.receipts.prices import product_is
from edge_agent.receipts.tokens import Token
from edge_agent.receipts.words import Lexicon, fold

_STACKED = ("name", "unit_price", "quantity", "amount")


def goods(rows: Sequence[Row], lexicon: Lexicon, digits: int) -> list[Goods]:
    """Return the goods that are complete, each proved by its product."""
    found: list[Goods] = []
    parts: dict[str, Token] = {}
    for row in rows:
        role = lexicon.headings.get(fold(row.tokens[0].text)) if len(row.tokens) > 1 else None
        if role == "name":
            parts = {}
        if role in _STACKED:
            parts.setdefault(role, row.tokens[1])
        price, quantity, amount = (parts[r].number if r in parts else None for r in _STACKED[1:])
        if "name" not in parts or price is None or quantity is None or amount is None:
            continue
        minor = amount.minor(digits)
        if minor is not None and product_is(price, quantity, abs(minor), digits):
            unit = quantity.unit or None
            found.append(Goods(row.index, "sale", parts["name"].text, minor, quantity.value, unit, price.minor(digits)))
        parts = {}
    return found
