"""`restart`: this process ends cleanly, and systemd starts it again."""

import msgspec

from edge_agent.remote.commands.acting import Action, Asked, Result
from edge_agent.remote.commands.box import Box


class Restart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing needs to be said."""


async def restart(asked: Asked, arguments: Restart) -> Result:
    """Say that it will: whoever restarts first can answer no more."""
    del asked, arguments
    return {}


async def _end(box: Box) -> None:
    box.restart()


RESTART = Action(Restart, restart, afterwards=_end)
