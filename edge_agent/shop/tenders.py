"""Means of payment of exported records, normalised with the words that receipts are read by."""

from functools import cache
from typing import get_args

from edge_agent.receipts.template import Language, TenderType
from edge_agent.receipts.words import Lexicon, table

_TYPES = frozenset(get_args(TenderType))


def tender_type(said: str | None, label: str | None) -> str:
    """Return the contract's type: what the record says if that is one, else what its label means, else ``other``."""
    if said is not None and said in _TYPES:
        return said
    meanings = (_words().meaning(text) for text in (label, said) if text)
    return next((word.role for word in meanings if word is not None and word.group == "tenders"), "other")


@cache
def _words() -> Lexicon:
    return Lexicon(table(language) for language in get_args(Language))
