"""The live page: one watcher makes each section once for all who look, and sends what has changed."""

from aiohttp import web

from edge_agent.page.sources import Reader, Sources


class Feed:
    """Server-sent events for every open page. ``run`` must be running."""

    def __init__(self, sources: Sources) -> None: ...

    async def run(self) -> None:
        """Look for changes, while anybody looks at the page, until cancelled."""

    def changed(self) -> None:
        """Say that something on the page has changed that no other part tells of (an action, a test)."""

    async def stream(self, request: web.Request, reader: Reader) -> web.StreamResponse:
        """Send every section, then each again whenever it has changed, until the reader goes."""
        raise NotImplementedError
