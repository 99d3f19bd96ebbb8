"""The whole page as its sections: what the server-sent events carry."""

from collections.abc import Mapping

import msgspec

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


async def view(sources: Sources, checks: Checks, audit: Audit, reader: Reader) -> Mapping[str, bytes]:
    """Return the JSON of every section, by the name of its event."""
    now = sources.clock.now()
    made = {
        "hero": hero(sources, reader),
        "proof": proof(sources, reader, now),
        "link": await link(sources, reader, now),
        "devices": devices(sources, reader, now),
        "today": today(sources, reader, now),
        "recent": await recent(sources, reader, now),
        "unread": await unread(sources, reader, now),
        "box": box(sources, reader, now),
        "profile": profile(sources, reader, now),
        "checks": checks.section(reader),
        "manager": manager(sources, audit, reader),
    }
    return {name: msgspec.json.encode(section) for name, section in made.items()}
