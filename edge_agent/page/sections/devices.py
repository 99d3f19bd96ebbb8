"""The devices by the shop's own names."""

import msgspec

from edge_agent.clock import Moment
from edge_agent.page.sources import Reader, Sources


class Device(msgspec.Struct, frozen=True):
    """One device. ``state``: up, degraded, down; ``kind``, ``state_word``, ``since``, ``last_seen``: in words.

    ``sentence``: what is wrong, or empty. ``activity``: how much it said in each half hour of the last day, oldest
    first; ``activity_words``: the same in a sentence. ``test``: reader, line, or None where it cannot be tested.
    """

    id: str
    name: str
    kind: str
    state: str
    state_word: str
    since: str
    last_seen: str
    sentence: str
    activity: tuple[int, ...]
    activity_words: str
    test: str | None


def devices(sources: Sources, reader: Reader, now: Moment) -> tuple[Device, ...]:
    """Return every configured device, those that do not work first."""
    raise NotImplementedError
