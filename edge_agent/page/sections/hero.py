"""The headline: how things are, in one sentence, and what to do."""

import msgspec

from edge_agent.page.sources import Reader, Sources


class Hero(msgspec.Struct, frozen=True):
    """``level``: ok, attention, action; ``word``: the level in words; ``steps``: at most three.

    ``others``: how many more things are wrong, in words, or empty. ``support``: telephone number, store id in words.
    """

    level: str
    word: str
    sentence: str
    steps: tuple[str, ...]
    others: str
    support: str
    store_id: str
    store_name: str


def hero(sources: Sources, reader: Reader) -> Hero:
    """Return the headline of the moment."""
    raise NotImplementedError
