"""The page's own parts, as its handlers are given them."""

from dataclasses import dataclass

from aiohttp import web

from edge_agent.page.actions.checks import Checks
from edge_agent.page.feed import Feed
from edge_agent.page.manager.audit import Audit
from edge_agent.page.manager.door import Door
from edge_agent.page.sources import Sources


@dataclass(frozen=True, slots=True)
class Parts:
    """What the handlers work with."""

    sources: Sources
    feed: Feed
    door: Door
    audit: Audit
    checks: Checks


PARTS = web.AppKey("parts", Parts)
