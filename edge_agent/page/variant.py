"""What one kind of reader sees, made and encoded once for all of them."""

import asyncio
import math
from collections.abc import Mapping


class Variant:
    """The newest of each section, as the bytes of its event, and in which making it last changed.

    ``making``: number of the last making; ``news``: set, and replaced by another, when a making changed something.
    """

    def __init__(self) -> None:
        self.making = 0
        self.made_at = -math.inf  # seconds of the loop's clock
        self.changes = -1  # how much had changed in the shop when it was made
        self.news = asyncio.Event()
        self._events: dict[str, tuple[int, bytes]] = {}

    def take(self, sections: Mapping[str, bytes]) -> None:
        """Take all sections as they are now: JSON by the name of their event."""
        self.making += 1
        for name, body in sections.items():
            event = b"event: %s\ndata: %s\n\n" % (name.encode(), body)
            if self._events.get(name, (0, b""))[1] != event:
                self._events[name] = (self.making, event)
        if any(making == self.making for making, _ in self._events.values()):
            self.news.set()
            self.news = asyncio.Event()

    def since(self, making: int) -> bytes:
        """Return the events of the sections that have changed since a making; since 0: all."""
        return b"".join(event for changed, event in self._events.values() if changed > making)
