"""The whole page as its sections: what the server-sent events carry."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from functools import partial

import msgspec
import structlog

from edge_agent.clock import Moment
from edge_agent.log import places
from edge_agent.page.actions.checks import Checks
from edge_agent.page.manager.audit import Audit
from edge_agent.page.sections.box import box
from edge_agent.page.sections.devices import devices
from edge_agent.page.sections.hero import hero
from edge_agent.page.sections.link import link
from edge_agent.page.sections.manager import manager
from edge_agent.page.sections.profile import profile
from edge_agent.page.sections.proof import proof
from edge_agent.page.sections.recent import recent
from edge_agent.page.sections.today import today
from edge_agent.page.sections.unread import unread
from edge_agent.page.sources import Reader, Sources

log = structlog.get_logger()

FAILED = b'{"failed":true}'
# What all sections together may wait for the disk, which gives a page in some 10 ms: one that hangs must not hold up
# the headline, which needs none.
DISK_S = 3.0


class View:
    """Makes the sections.

    One that cannot be made, for a defect or a disk that hangs, says so in its place; the others are not concerned.
    """

    def __init__(self, sources: Sources, checks: Checks, audit: Audit) -> None:
        self._sources = sources
        self._failing: set[str] = set()
        self._makers: dict[str, Callable[[Reader, Moment], object]] = {
            "hero": lambda reader, _: hero(sources, reader),
            "proof": lambda reader, now: proof(sources, reader, now),
            "link": lambda reader, now: link(sources, reader, now),
            "devices": lambda reader, now: devices(sources, reader, now),
            "today": lambda reader, now: today(sources, reader, now),
            "recent": lambda reader, now: recent(sources, reader, now),
            "unread": lambda reader, now: unread(sources, reader, now),
            "box": lambda reader, now: box(sources, reader, now),
            "profile": lambda reader, now: profile(sources, reader, now),
            "checks": lambda reader, _: checks.section(reader),
            "manager": lambda reader, now: manager(sources, audit, reader, now),
        }

    async def sections(self, reader: Reader) -> Mapping[str, bytes]:
        """Return the JSON of every section, by the name of its event."""
        now = self._sources.clock.now()
        deadline = asyncio.get_running_loop().time() + DISK_S
        made = {}
        for name, make in self._makers.items():
            made[name] = await self._section(name, partial(make, reader, now), deadline)
            await asyncio.sleep(0)  # the tills come first: all sections in one go would take a few milliseconds
        return made

    async def _section(self, name: str, make: Callable[[], object], deadline: float) -> bytes:
        try:
            section = make()
            if inspect.isawaitable(section):
                async with asyncio.timeout_at(deadline):
                    section = await section
            body = msgspec.json.encode(section)
        except Exception as error:  # noqa: BLE001 - a defect in one section must not take the others
            if name not in self._failing:
                self._failing.add(name)
                _log_defect(name, error)
            return FAILED
        if name in self._failing:
            self._failing.discard(name)
            log.info("section_works", section=name)
        return body


def _log_defect(section: str, error: Exception) -> None:
    """Log where a section failed, without the message: that may quote what a slip says."""
    log.error("section_failed", section=section, error=type(error).__name__, traceback=places(error))
