"""The last events in plain words, from storage: delivered or not."""

import msgspec

from edge_agent.clock import Moment
from edge_agent.page.sources import Reader, Sources

LIMIT = 20


class Happened(msgspec.Struct, frozen=True):
    """One event. ``kind``: order, checkin, device, agent: for its icon; ``time``: in words; ``text``: one sentence."""

    kind: str
    time: str
    text: str


async def recent(sources: Sources, reader: Reader, now: Moment) -> tuple[Happened, ...]:
    """Return the newest events, the newest first, at most ``LIMIT``."""
    raise NotImplementedError
