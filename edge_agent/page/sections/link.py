"""The link to head office: what waits, since when, and what head office has saved."""

from collections.abc import Callable

import msgspec

from edge_agent.clock import Moment
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.times import lasting, when
from edge_agent.page.words import words

# An order is on its way for a second or two: the line would change twice with each.
FRESH_MS = 10_000


class Link(msgspec.Struct, frozen=True):
    """``sentence``: all in one ("Saved by head office up to 13:05; 37 waiting"); the rest: each alone, in words.

    While connected, what is younger than ``FRESH_MS`` does not wait. ``oldest``, ``backlog`` (how long it will take):
    empty where nothing waits or it cannot be told.
    """

    connected: bool
    sentence: str
    waiting: int
    oldest: str
    confirmed_until: str
    backlog: str


async def link(sources: Sources, reader: Reader, now: Moment) -> Link:
    """Return how the link stands."""
    language, zone, sync = reader.language, sources.config.store.zone, sources.sync
    streams = (await sources.storage.waiting()).values()
    waiting = sum(stream.events for stream in streams)
    oldest_ms = min((stream.oldest_ms for stream in streams if stream.oldest_ms is not None), default=None)
    if sync.connected and oldest_ms is not None and abs(now.wall_ms - oldest_ms) < FRESH_MS:
        waiting, oldest_ms = 0, None
    confirmed_ms = await sync.confirmed_ms()
    takes_s = sync.backlog_seconds() if waiting else None
    confirmed_until = when(confirmed_ms, now, zone, language) if confirmed_ms else ""
    backlog = lasting(round(takes_s * 1000), language) if takes_s is not None else ""
    say = words(language).say
    saved = say("link.saved", time=confirmed_until) if confirmed_until else say("link.nothing_saved")
    left = _left(say, waiting, backlog, connected=sync.connected)
    return Link(
        connected=sync.connected,
        sentence=say("link.sentence", saved=saved, left=left),
        waiting=waiting,
        oldest=say("link.oldest", time=when(oldest_ms, now, zone, language)) if oldest_ms is not None else "",
        confirmed_until=confirmed_until,
        backlog=say("link.backlog", lasting=backlog) if backlog else "",
    )


def _left(say: Callable[..., str], waiting: int, backlog: str, *, connected: bool) -> str:
    """Return what is still to be sent, and when that will be."""
    if not connected:
        return say("link.offline_waiting", count=waiting) if waiting else say("link.offline")
    if not waiting:
        return say("link.all_saved")
    return say("link.waiting_takes", count=waiting, lasting=backlog) if backlog else say("link.waiting", count=waiting)
