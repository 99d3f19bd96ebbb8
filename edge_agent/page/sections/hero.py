"""The headline: how things are, in one sentence, and what to do."""

import msgspec

from edge_agent.page import advice
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.words import words


class Hero(msgspec.Struct, frozen=True):
    """``level``: ok, attention, action; ``word``: the level in words; ``steps``: at most three.

    ``others``: how many more things are wrong, in words, or empty. ``support``: its telephone number.
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
    say = words(reader.language).say
    shop = advice.situation(sources)
    level = sources.health.level().value
    others = len(shop.conditions) - 1
    return Hero(
        level=level,
        word=say(f"hero.level.{level}"),
        sentence=advice.headline(shop, reader.language),
        steps=advice.steps(shop, reader.language),
        others=say("hero.others", count=others) if others > 0 else "",
        support=shop.phone,
        store_id=shop.store,
        store_name=sources.config.store.store.name,
    )
