"""Names that are wider than their column: printed over two rows, the figures in the first or in the second."""

import re
from collections.abc import Sequence

from edge_agent.receipts.words import is_wide

_WRAPPED = 14  # cells; a shorter name was not wrapped: what is below it is a heading
_FULL = 12  # cells; what reaches its figures may be wrapped from here on
_MODIFIER = re.compile(
    r"^[-+(*>·]|[/,，]|[冰糖热辣](?:\s|$)|\(\+|^(?:加|去|少|多|不|免|微|备注|add|no|extra|with)", re.IGNORECASE
)


def is_modifier(text: str) -> bool:
    """Tell whether a row says how a good is made, 少冰/五分糖 or + Oat milk, and does not go on with its name."""
    return _MODIFIER.search(text) is not None


def one_piece(parts: Sequence[str]) -> str:
    """Return a name printed over rows in one piece; Chinese, Japanese and Korean break anywhere."""
    return ("" if is_wide("".join(parts)) else " ").join(part for part in parts if part)


def fills(name: str) -> bool:
    """Tell whether a name is long enough to have filled its column."""
    return _cells(name) >= _FULL


def joined(names: Sequence[str], rows: Sequence[tuple[int, str]]) -> list[str]:
    """Return the names with the rows that belong to them.

    ``rows``: what stands alone in a row, with the index of the name above (-1: none). It goes on with the names above
    if all of those are as long as the longest text, else begins the name below if it is as long itself; anything else
    is a heading.
    """
    found = list(names)
    if not rows or not names:
        return found
    full = max(_WRAPPED, max(_cells(text) for text in (*names, *(text for _, text in rows))) - 2)
    above = [at >= 0 and _cells(names[at]) >= full for at, _ in rows]
    if all(above):
        for at, text in rows:
            found[at] = one_piece((found[at], text))
    elif not any(above):
        for at, text in rows:
            if _cells(text) >= full and at + 1 < len(found):
                found[at + 1] = one_piece((text, found[at + 1]))
    return found


def _cells(text: str) -> int:
    return sum(2 if is_wide(letter) else 1 for letter in text)
