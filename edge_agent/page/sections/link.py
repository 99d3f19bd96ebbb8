"""The link to head office: what waits, since when, and what head office has saved."""

import msgspec

from edge_agent.clock import Moment
from edge_agent.page.sources import Reader, Sources


class Link(msgspec.Struct, frozen=True):
    """``sentence``: all in one ("Saved by head office up to 13:05; 37 waiting"); the rest: each alone, in words.

    ``oldest``, ``backlog`` (how long it will take): empty where nothing waits or it cannot be told.
    """

    connected: bool
    sentence: str
    waiting: int
    oldest: str
    confirmed_until: str
    backlog: str


async def link(sources: Sources, reader: Reader, now: Moment) -> Link:
    """Return how the link stands."""
    raise NotImplementedError
