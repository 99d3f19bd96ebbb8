"""The agent's own words on a line display, between those of the register."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol


class Arbiter(Protocol):
    """Who may write when, without I/O or clock: the register always wins. Times are milliseconds that never step."""

    def register(self, data: bytes) -> bytes:
        """Take what the register writes; return what goes to the display, at once."""
        ...

    def show(self, rows: Sequence[str], seconds: float) -> None:
        """Take text of the agent."""
        ...

    def due(self, now_ms: int) -> bytes:
        """Return what of the agent's text may be written now."""
        ...

    def next_deadline(self) -> int | None:
        """Return when ``due`` has something to say, or None."""
        ...


class Driving:
    """Has an arbiter's words written when they are due."""

    def __init__(self, arbiter: Arbiter, write: Callable[[bytes], None]) -> None:
        self._arbiter = arbiter
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def register(self, data: bytes) -> bytes:
        """Let the register's bytes through."""
        passed = self._arbiter.register(data)
        self._schedule()
        return passed

    def show(self, rows: Sequence[str], seconds: float) -> None:
        """Take text to be shown."""
        self._arbiter.show(rows, seconds)
        self._schedule()

    def _due(self) -> None:
        self._timer = None
        self._write(self._arbiter.due(now_ms()))
        self._schedule()

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._arbiter.next_deadline()
        if deadline is not None:
            self._timer = self._loop.call_at(deadline / 1000, self._due)


def now_ms() -> int:
    """Return the loop's time."""
    return int(asyncio.get_running_loop().time() * 1000)
