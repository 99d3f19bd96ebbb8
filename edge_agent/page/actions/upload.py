"""Upload now: no waiting for the next attempt to connect, nor for what lingers."""

import msgspec

from edge_agent.contract.events import Stream
from edge_agent.page.actions.acting import Asked


class Upload(msgspec.Struct, frozen=True):
    """Nothing needs to be said."""


async def upload(asked: Asked, body: Upload) -> str:
    """Have the link made, or used, at once; return what that means."""
    del body
    sources = asked.parts.sources
    say = asked.words.say
    if sources.uplink.hurry() != "connected":
        return say("actions.connecting")
    sources.sync.hurry()
    count = sum(sources.storage.waiting_events(stream) for stream in Stream)
    return say("actions.sending", count=count) if count else say("actions.nothing_waits")
