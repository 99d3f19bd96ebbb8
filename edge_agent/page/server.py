"""The HTTP server: the same handlers on the page's address and on the control socket of the command line."""

import ipaddress
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from edge_agent.config.agent import PageSettings
from edge_agent.health import Condition, Health, Level
from edge_agent.page import status
from edge_agent.sockets import short_path

log = structlog.get_logger()


def application(sources: status.Sources) -> web.Application:
    """Return the routes. Reading needs no code and shows no personal data and no amounts."""

    async def healthz(_request: web.Request) -> web.Response:
        stalled = sources.health.stalled()
        return web.json_response({"stalled": stalled}, status=503 if stalled else 200)

    async def api_status(_request: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(await status.document(sources)), content_type="application/json")

    async def metrics(request: web.Request) -> web.Response:
        if request.remote and not _address(request.remote, lambda address: address.is_loopback):
            raise web.HTTPForbidden(text="metrics are served to this machine only\n")
        from edge_agent.page import metrics as exposition  # noqa: PLC0415 - costs memory only where it is scraped

        return web.Response(body=exposition.text(sources), headers={"Content-Type": exposition.CONTENT_TYPE})

    async def page(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/api/status")  # until the manager's page exists, its address shows what it will be made of

    app = web.Application(client_max_size=64 * 1024, middlewares=[_named_right(sources.config.agent.page)])
    app.router.add_get("/", page)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/api/status", api_status)
    app.router.add_get("/metrics", metrics)
    return app


def _named_right(settings: PageSettings) -> Middleware:
    """Refuse requests for a host that is not this box: a web page elsewhere may have its own name point here."""
    allowed = {"localhost", *(name.lower() for name in settings.allowed_hosts)}

    @web.middleware
    async def check_host(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = _host(request.headers.get("Host", ""))
        if request.remote and host and host not in allowed and not _address(host, lambda a: a.is_private):
            raise web.HTTPMisdirectedRequest(text="this name is not in allowed_hosts of [page]\n")
        return await handler(request)

    return check_host


def _host(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return header


def _address(text: str, test: Callable[[ipaddress.IPv4Address | ipaddress.IPv6Address], bool]) -> bool:
    """Tell whether text is an IP address that passes the test; IPv4 inside IPv6 is taken as IPv4."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return test(getattr(address, "ipv4_mapped", None) or address)


@asynccontextmanager
async def serving(settings: PageSettings, sources: status.Sources, control_socket: Path) -> AsyncIterator[None]:
    """Serve on the page's address and on the control socket while the context lasts."""
    runner = web.AppRunner(application(sources), access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await _listen_on_socket(runner, control_socket)
        await _listen_on_address(runner, settings, sources.health)
        yield
    finally:
        await runner.cleanup()
        control_socket.unlink(missing_ok=True)


async def _listen_on_socket(runner: web.AppRunner, path: Path) -> None:
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        path.unlink()  # left by a killed daemon: the lock on the state directory says that no other one lives
    with short_path(path) as name:
        await web.UnixSite(runner, name).start()
    path.chmod(0o600)


async def _listen_on_address(runner: web.AppRunner, settings: PageSettings, health: Health) -> None:
    """Listen on the page's address. A taken port does not stop the tills: it is said, and the agent goes on."""
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as error:
        reason = error.strerror or str(error)
        log.warning("page_not_listening", address=settings.listen, reason=reason)
        health.report("page", Condition("page_not_listening", Level.ATTENTION, f"{settings.listen}: {reason}"))
        return
    host, port = runner.addresses[-1][:2]
    log.info("page_listening", url=f"http://{f'[{host}]' if ':' in host else host}:{port}/")
