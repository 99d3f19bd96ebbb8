"""What may be read without a code: the page, its help, its files, the status, the live events, health and metrics."""

import msgspec
from aiohttp import web

from edge_agent.page import html, status
from edge_agent.page.guard import is_loopback
from edge_agent.page.language import language_of
from edge_agent.page.manager.session import session_of
from edge_agent.page.parts import PARTS
from edge_agent.page.sources import Reader

ROUTES = web.RouteTableDef()


def reader_of(request: web.Request) -> Reader:
    """Return who asks: their language, and whether with the manager's session."""
    return Reader(language_of(request, request.app[PARTS].sources), is_manager=session_of(request) is not None)


@ROUTES.get("/")
async def page(request: web.Request) -> web.Response:
    """Return the page."""
    return web.Response(text=html.page(request.app[PARTS].sources, reader_of(request)), content_type="text/html")


@ROUTES.get("/help")
async def help_sheet(request: web.Request) -> web.Response:
    """Return the help of one printed page."""
    text = html.help_sheet(request.app[PARTS].sources, reader_of(request), f"{request.url.origin()}/")
    return web.Response(text=text, content_type="text/html")


@ROUTES.get("/static/{version}/{name}")
async def static(request: web.Request) -> web.Response:
    """Return one of the page's files: only names that were found at the start exist, no path leads to the disk.

    The version is in the path, not behind it, so that modules import each other, and the styles their files, of the
    same one. Who asks for another version gets today's, not to be kept.
    """
    found = html.assets().get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    body, content_type = found
    is_current = request.match_info["version"] == html.assets_hash()
    caching = "public, max-age=31536000, immutable" if is_current else "no-store"
    return web.Response(body=body, headers={"Content-Type": content_type, "Cache-Control": caching})


@ROUTES.get("/healthz")
async def healthz(request: web.Request) -> web.Response:
    """Return 200 while every essential part makes progress, else 503."""
    stalled = request.app[PARTS].sources.health.stalled()
    return web.json_response({"stalled": stalled}, status=503 if stalled else 200)


@ROUTES.get("/api/status")
async def api_status(request: web.Request) -> web.Response:
    """Return the status document."""
    document = await status.document(request.app[PARTS].sources, reader_of(request))
    return web.Response(body=msgspec.json.encode(document), content_type="application/json")


@ROUTES.get("/api/events", allow_head=False)
async def events(request: web.Request) -> web.StreamResponse:
    """Return the live events."""
    return await request.app[PARTS].feed.stream(request, lambda: reader_of(request))


@ROUTES.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """Return the metrics, to this machine only."""
    if request.remote and not is_loopback(request.remote):
        raise web.HTTPForbidden(text="metrics are served to this machine only\n")
    from edge_agent.page import metrics as exposition  # noqa: PLC0415 - costs memory only where it is scraped

    body = exposition.text(request.app[PARTS].sources)
    return web.Response(body=body, headers={"Content-Type": exposition.CONTENT_TYPE})
