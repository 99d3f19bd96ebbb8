"""What the rules say becomes durable, and only then is it seen; where it does not, the rules forget it as well."""

import asyncio
from collections.abc import Callable

from edge_agent.clock import Clock
from edge_agent.shop.outcome import Outcome, Show, Signal
from edge_agent.shop.shop import Shop
from edge_agent.storage import Storage


class Commits:
    """Commits outcomes of one shop's rules; several may be on their way at a time."""

    def __init__(
        self, shop: Shop, storage: Storage, clock: Clock, let_be_seen: Callable[[Signal | Show], None]
    ) -> None:
        """``let_be_seen`` is given each effect of an outcome once that is durable."""
        self._shop = shop
        self._storage = storage
        self._clock = clock
        self._let_be_seen = let_be_seen
        self._on_the_way: dict[int, Outcome] = {}  # by identity: being committed, oldest first
        self._landed = asyncio.Event()

    async def commit(self, outcome: Outcome) -> None:
        """Make an outcome durable, then let its effects be seen. Raises StorageError."""
        if outcome.events or outcome.state or outcome.captures:
            self._on_the_way[id(outcome)] = outcome
            try:
                await self._storage.commit(outcome)
            except BaseException:
                self._has_landed(outcome)
                self.restore()
                raise
            self._has_landed(outcome)
        for effect in outcome.effects:
            self._let_be_seen(effect)

    async def landed(self) -> None:
        """Wait until nothing is on its way to the disk."""
        while self._on_the_way:
            self._landed.clear()
            await self._landed.wait()

    def _has_landed(self, outcome: Outcome) -> None:
        del self._on_the_way[id(outcome)]
        self._landed.set()

    def restore(self) -> None:
        """Take the rules back to what is on disk, and on its way there: other devices' commits go on."""
        self._shop.restore(self._state, self._clock.now())

    def _state(self, part: str) -> dict[str, bytes]:
        rows = self._storage.state(part)
        for change in (change for outcome in self._on_the_way.values() for change in outcome.state):
            if change.part != part:
                continue
            if change.value is None:
                rows.pop(change.key, None)
            else:
                rows[change.key] = change.value
        return rows
