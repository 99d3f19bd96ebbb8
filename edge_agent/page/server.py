"""The HTTP server: the same handlers on the page's address and on the control socket of the command line."""

import asyncio
import random
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import structlog
from aiohttp import web

from edge_agent.config.agent import PageSettings
from edge_agent.errors import AgentError
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
from edge_agent.supervisor import supervise

log = structlog.get_logger()

PART = "page"  # in health


class PageError(AgentError):
    """The page's address cannot be served. ``reason``: the code of a condition."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


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
    """Serve on the page's address and on the control socket while the context lasts.

    An address that cannot be had, or a certificate that cannot be used, is tried again for as long; it has been tried
    once when the context begins.
    """
    async with asyncio.TaskGroup() as group:
        parts = _parts(sources, group)
        watching = group.create_task(parts.feed.run())
        app = application(parts)
        app.on_shutdown.append(_end_streams)
        connections = Connections(limits)
        runner = connections.runner(app)
        await runner.setup()
        listening: asyncio.Task[None] | None = None
        try:
            await _listen_on_socket(runner, control_socket)
            tried = asyncio.Event()
            listen = partial(_listen_on_address, connections, runner, settings, sources.health, tried.set)
            listening = group.create_task(_keep_listening(listen, sources.health, tried.set))
            await tried.wait()
            yield
        finally:
            if listening is not None:
                listening.cancel()
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


async def _keep_listening(listen: Callable[[], Awaitable[None]], health: Health, tried: Callable[[], None]) -> None:
    """Listen on the page's address, for ever. What hinders it does not stop the tills: it is said, and tried again."""

    def down(reason: str, detail: str) -> None:
        if reason == "page_certificate":
            health.report(PART, Condition("page_certificate", Level.ATTENTION, detail))
        else:
            health.report(PART, Condition("page_not_listening", Level.ATTENTION, detail or reason))
        tried()

    await supervise("page/address", listen, on_down=down, rng=random.Random())  # noqa: S311 - jitter, no secret


async def _listen_on_address(
    connections: Connections, runner: web.AppRunner, settings: PageSettings, health: Health, tried: Callable[[], None]
) -> None:
    """Serve the page's address until cancelled. Raises PageError."""
    try:
        context = tls.context_of(settings)
    except OSError as error:
        raise PageError("page_certificate", f"{settings.certificate}: {tls.reason_of(error)}") from error
    try:
        async with asyncio.TaskGroup() as accepting:
            host, port = await connections.listen(accepting, runner, settings.host, settings.port, context)
            scheme = "https" if context else "http"
            log.info("page_listening", url=f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/")
            health.report(PART, None)
            tried()
    except* OSError as group:
        cause = group.exceptions[0]
        said = getattr(cause, "strerror", None) or str(cause)
        raise PageError("page_not_listening", f"{settings.listen}: {said}") from cause
