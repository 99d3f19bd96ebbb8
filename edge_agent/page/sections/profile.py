"""The store conformance profile: the ten sections of the O2O standard, and how this store meets each."""

import msgspec

from edge_agent.clock import Moment
from edge_agent.page.sources import Reader, Sources


class Section(msgspec.Struct, frozen=True):
    """One section. ``state``: working, not_configured, failing; ``why``: one sentence."""

    number: str
    title: str
    state: str
    state_word: str
    why: str


def profile(sources: Sources, reader: Reader, now: Moment) -> tuple[Section, ...]:
    """Return the sections in order."""
    raise NotImplementedError
