"""The box itself: its clock, its configuration, its software."""

import msgspec

from edge_agent.clock import Moment
from edge_agent.page.sources import Reader, Sources


class Box(msgspec.Struct, frozen=True):
    """Each in words. ``clock_note``: empty while the clock is right. ``presence_pause``: empty while none is on.

    ``language``: what the box says to whoever names no language of their own.
    """

    clock: str
    clock_note: str
    configuration: str
    version: str
    running_since: str
    presence_pause: str
    language: str


def box(sources: Sources, reader: Reader, now: Moment) -> Box:
    """Return how the box itself is."""
    raise NotImplementedError
