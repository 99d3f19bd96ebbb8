"""Which language somebody is spoken to in: their own choice, their browser's, the box's."""

from aiohttp import web

from edge_agent.page.sources import Sources
from edge_agent.page.words import LANGUAGES, preferred

COOKIE = "language"
PART = "page"  # durable state: what a manager set on this page,
KEY = "language"  # and what of it is the box's language


def box_language(sources: Sources) -> str:
    """Return the box's language: as set on the page by the manager, else as configured."""
    chosen = sources.storage.state(PART).get(KEY, b"").decode("ascii", "replace")
    return chosen if chosen in LANGUAGES else sources.config.agent.page.language


def language_of(request: web.Request, sources: Sources) -> str:
    """Return the language of whoever asks."""
    for chosen in (request.query.get("lang"), request.cookies.get(COOKIE)):
        if chosen in LANGUAGES:
            return chosen
    return preferred(request.headers.get("Accept-Language", ""), box_language(sources))
