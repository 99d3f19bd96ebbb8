"""The normalised body of a slip: what stays the same when the same paper is printed again."""

import hashlib
import re
from collections.abc import Sequence
from functools import cache, lru_cache

from edge_agent.receipts.words import Lexicon, fold, table

_PRICE = re.compile(r"\d\.\d\d(?!\d)")  # a row with one is no reprint's mark
_MEMORY = 1024  # rows; a shop's heads, rules, labels and goods repeat from slip to slip


@cache
def _words() -> Lexicon:
    return Lexicon([table(language) for language in ("zh", "en", "ja", "ko")])


def body_key(lines: Sequence[str]) -> str:
    """Return the lower-case hex SHA-256 of a slip's text without blanks, decoration and what a reprint adds.

    A reprint adds its mark (补打, REPRINT …), how often and when it was printed again; those rows are left out.
    """
    kept = [text for line in lines if (text := _kept(line))]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()


@lru_cache(maxsize=_MEMORY)
def _kept(line: str) -> str:
    """Return what of a row stays the same; nothing of a rule or a reprint's mark."""
    text = "".join(fold(line).split()).strip("-=*_~.·─━—+")
    return "" if not text or (_PRICE.search(text) is None and _is_mark(line.strip())) else text


def _is_mark(row: str) -> bool:
    if "reprint" in _words().kinds(row):
        return True
    label = fold(row).partition(":")[0].strip()
    meaning = _words().meaning(label) if label else None
    if meaning is None:
        return False
    return meaning.role == "copies" or (meaning.role == "printed_at" and ("打印" in label or "print" in label))
