"""What waits for the disk, and is there until it is recorded."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Backlog(Generic[T]):
    """Things to be recorded one after another. What is being recorded stays the first until that is certain."""

    def __init__(self, limit: int) -> None:
        """``limit``: of more, the oldest go."""
        self._waiting: deque[T] = deque(maxlen=limit)
        self._changed = asyncio.Event()

    def put(self, thing: T) -> None:
        """Add a thing."""
        self._waiting.append(thing)
        self._changed.set()

    async def first(self) -> T:
        """Return the oldest thing, as soon as there is one."""
        await self._until(is_empty=False)
        return self._waiting[0]

    def recorded(self, thing: T) -> None:
        """Forget a thing that ``first`` has given."""
        if self._waiting and self._waiting[0] is thing:
            self._waiting.popleft()
        self._changed.set()

    async def all_recorded(self) -> None:
        """Wait until nothing waits."""
        await self._until(is_empty=True)

    def left(self) -> list[T]:
        """Take out what was not recorded, oldest first."""
        left = list(self._waiting)
        self._waiting.clear()
        return left

    async def _until(self, *, is_empty: bool) -> None:
        while bool(self._waiting) is is_empty:
            self._changed.clear()
            await self._changed.wait()
