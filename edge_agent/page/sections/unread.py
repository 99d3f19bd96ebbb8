"""The receipts that were not understood."""

import msgspec

from edge_agent.clock import Moment
from edge_agent.page.sources import Reader, Sources

LIMIT = 10


class Slip(msgspec.Struct, frozen=True):
    """One of them. ``text``: what is on it, redacted; None without the manager's code."""

    time: str
    device: str
    text: tuple[str, ...] | None


class Unread(msgspec.Struct, frozen=True):
    """``sentence``: how many, and what becomes of them; ``slips``: the newest first, at most ``LIMIT``."""

    count: int
    sentence: str
    slips: tuple[Slip, ...]


async def unread(sources: Sources, reader: Reader, now: Moment) -> Unread:
    """Return the slips nobody has understood yet."""
    raise NotImplementedError
