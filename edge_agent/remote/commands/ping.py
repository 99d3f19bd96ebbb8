"""`ping`: this box is there."""

import msgspec

from edge_agent import __version__
from edge_agent.remote.commands.acting import Action, Asked, Result


class Ping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing needs to be said."""


async def ping(asked: Asked, arguments: Ping) -> Result:
    """Say which version runs, in which boot, and how its clock is."""
    del arguments
    now = asked.box.clock.now()
    return {
        "version": __version__,
        "boot_id": now.boot_id,
        "uptime_seconds": now.uptime_ms // 1000,
        "timequality": str(now.quality),
    }


PING = Action(Ping, ping, repeatable=True)
