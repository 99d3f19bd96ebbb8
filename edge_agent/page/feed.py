"""The live page: one watcher makes each section once for all who look, and sends what has changed."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from edge_agent.page.sources import Reader, Sources

# Returns the JSON of every section for a reader, by the name of its event.
MakeView = Callable[[Reader], Awaitable[Mapping[str, bytes]]]


class Feed:
    """Server-sent events for every open page. ``run`` must be running."""

    def __init__(self, sources: Sources, make_view: MakeView) -> None: ...

    async def run(self) -> None:
        """Look for changes, while anybody looks at the page, until cancelled."""
        raise NotImplementedError

    def changed(self) -> None:
        """Say that the page says something else, where no other part tells of it (an action, a check)."""

    async def stream(self, request: web.Request, reader: Callable[[], Reader]) -> web.StreamResponse:
        """Send every section, then each again whenever it has changed, until the reader goes.

        ``reader`` is asked before each sending: a manager's session ends while the page is open.
        """
        raise NotImplementedError
