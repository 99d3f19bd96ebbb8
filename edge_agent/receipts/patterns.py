"""Goods rows by a template's own patterns, for layouts that the general reading does not fit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from edge_agent.receipts.amounts import parse
from edge_agent.receipts.goods import Goods
from edge_agent.receipts.grid import Row


def goods(rows: Sequence[Row], own: Mapping[str, Any], digits: int) -> list[Goods]:
    """Return the goods by the patterns ``item``, ``adjust`` and ``continuation``."""
    found: list[Goods] = []
    for row in rows:
        line = _matched(row, own, "adjust", "discount", digits) or _matched(row, own, "item", "sale", digits)
        if line is not None:
            found.append(line)
        elif found and "continuation" in own and own["continuation"].search(row.text):
            found[-1] = replace(found[-1], name=found[-1].name + row.text.strip())
    return found


def _matched(row: Row, own: Mapping[str, Any], name: str, kind: str, digits: int) -> Goods | None:
    match = own[name].search(row.text) if name in own else None
    if match is None:
        return None
    groups = {key: (match.group(key) or "").strip() for key in own[name].groupindex}
    amount = minor(groups.get("amount", ""), digits)
    if amount is None:
        return None
    quantity = parse(groups.get("quantity", ""))
    return Goods(
        row.index,
        kind,
        groups.get("name", ""),
        amount,
        None if quantity is None else quantity.value,
        groups.get("unit") or None,
        minor(groups.get("unit_price", ""), digits),
        groups.get("code") or None,
    )


def minor(text: str, digits: int) -> int | None:
    """Return a printed amount in minor units, or None if the text is none."""
    number = parse(text)
    return None if number is None else number.minor(digits)
