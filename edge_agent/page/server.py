"""The HTTP server: the same handlers on the page's address and on the control socket of the command line."""

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from aiohttp import web

from edge_agent.config.agent import PageSettings
from edge_agent.health import Condition, Health, Level
from edge_agent.page import reading, tls
from edge_agent.page.actions import routes as actions
from edge_agent.page.actions.checks import Checks
from edge_agent.page.actions.diagnostics import ONE_AT_A_TIME
from edge_agent.page.connections import Connections, Limits
from edge_agent.page.feed import Feed
from edge_agent.page.guard import guards, set_headers
from edge_agent.page.manager import routes as manager
from edge_agent.page.manager.audit import Audit
from edge_agent.page.manager.door import Door
from edge_agent.page.parts import PARTS, Parts
from edge_agent.page.sources import Sources
from edge_agent.page.view import View
from edge_agent.sockets import short_path

log = structlog.get_logger()


def application(parts: Parts) -> web.Application:
    """Return the routes. Reading needs no code and shows no personal data and no amounts."""
    app = web.Application(client_max_size=Limits().body_bytes, middlewares=guards(parts.sources.config.agent.page))
    app[PARTS] = parts
    app[ONE_AT_A_TIME] = asyncio.Lock()
    app.on_response_prepare.append(set_headers)
    for routes in (reading.ROUTES, manager.ROUTES, actions.ROUTES):
        app.add_routes(routes)
    return app


@asynccontextmanager
async def serving(
    settings: PageSettings, sources: Sources, control_socket: Path, limits: Limits | None = None
) -> AsyncIterator[None]:
    """Serve on the page's address and on the control socket while the context lasts."""
    async with asyncio.TaskGroup() as group:
        parts = _parts(sources, group)
        watching = group.create_task(parts.feed.run())
        app = application(parts)
        app.on_shutdown.append(_end_streams)
        connections = Connections(limits)
        runner = connections.runner(app)
        await runner.setup()
        try:
            await _listen_on_socket(runner, control_socket)
            await _listen_on_address(connections, group, runner, settings, sources.health)
            yield
        finally:
            connections.close()
            await runner.cleanup()
            control_socket.unlink(missing_ok=True)
            parts.checks.stop()
            watching.cancel()


def _parts(sources: Sources, group: asyncio.TaskGroup) -> Parts:
    audit = Audit(sources, group)
    checks = Checks(sources, group)
    feed = Feed(sources, View(sources, checks, audit).sections)
    checks.on_changed.append(feed.changed)
    door = Door(sources.config.agent.agent.state_dir, sources.clock)
    return Parts(sources, feed, door, audit, checks)


async def _end_streams(app: web.Application) -> None:
    app[PARTS].feed.close()


async def _listen_on_socket(runner: web.AppRunner, path: Path) -> None:
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        path.unlink()  # left by a killed daemon: the lock on the state directory says that no other one lives
    with short_path(path) as name:
        await web.UnixSite(runner, name).start()
    path.chmod(0o600)


async def _listen_on_address(
    connections: Connections, group: asyncio.TaskGroup, runner: web.AppRunner, settings: PageSettings, health: Health
) -> None:
    """Listen on the page's address. What hinders it does not stop the tills: it is said, and the agent goes on."""
    try:
        context = tls.context_of(settings)
    except OSError as error:
        reason = tls.reason_of(error)
        log.warning("page_certificate", path=str(settings.certificate), reason=reason)
        health.report("page", Condition("page_certificate", Level.ATTENTION, reason))
        return
    try:
        host, port = await connections.listen(group, runner, settings.host, settings.port, context)
    except OSError as error:
        reason = error.strerror or str(error)
        log.warning("page_not_listening", address=settings.listen, reason=reason)
        health.report("page", Condition("page_not_listening", Level.ATTENTION, f"{settings.listen}: {reason}"))
        return
    scheme = "https" if context else "http"
    log.info("page_listening", url=f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/")
