"""Text of strangers on a terminal: a product's name or a box's report must not colour it, clear it or retitle it."""

import re

# What a terminal obeys rather than shows: C0 and C1 (ECMA-48) but for tab and line feed, and what turns the reading
# direction round (Unicode TR 9), with which one word can be made to look like another.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Return a text as it may be shown; each character that a terminal would obey becomes its escape, as in Python."""
    return _OBEYED.sub(lambda found: ascii(found[0])[1:-1], text) if _OBEYED.search(text) else text
