"""The normalised body of a slip: what stays the same when the same paper is printed again."""

import hashlib
from collections.abc import Sequence
from functools import cache

from edge_agent.receipts.words import Lexicon, fold, table


@cache
def _words() -> Lexicon:
    return Lexicon([table(language) for language in ("zh", "en", "ja", "ko")])


def body_key(lines: Sequence[str]) -> str:
    """Return the lower-case hex SHA-256 of a slip's text without blanks, decoration and what a reprint adds.

    A reprint adds its mark (补打, REPRINT …), how often and when it was printed again; those rows are left out.
    """
    kept = []
    for line in lines:
        text = "".join(fold(line).split()).strip("-=*_~.·─━—+")
        if text and not _is_mark(line.strip()):
            kept.append(text)
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()


def _is_mark(row: str) -> bool:
    if "reprint" in _words().kinds(row):
        return True
    label = fold(row).partition(":")[0].strip()
    meaning = _words().meaning(label) if label else None
    if meaning is None:
        return False
    return meaning.role == "copies" or (meaning.role == "printed_at" and ("打印" in label or "print" in label))
