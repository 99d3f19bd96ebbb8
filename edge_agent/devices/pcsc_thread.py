"""The thread in which pcscd is waited for, and what it tells; knows nothing of pyscard, which may be missing."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from edge_agent.observations import TagGone, TagRead

# What the thread may be ahead of the records; then it waits: cards come at the pace of people.
AHEAD = 16
# An exchange with a card ends within seconds; a thread that a hanging pcscd holds longer is left to itself.
JOIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Opened:
    """The reader answers."""


@dataclass(frozen=True, slots=True)
class Noted:
    """Something to be counted. ``what``: ``mute`` ``unread`` ``unknown`` ``ignored``."""

    what: str


Told = Opened | Noted | TagRead | TagGone


class Reader(Protocol):
    """What works in the thread."""

    def signal(self, *, accepted: bool) -> None:
        """Have light and buzzer tell what became of a tap; from any thread, returns at once."""
        ...

    def watch(self, stopped: Callable[[], bool]) -> Iterator[Told]:
        """Say what happens at the reader until ``stopped``. Raises DeviceError."""
        ...


class ReaderThread:
    """Runs a reader's ``watch`` from its making to ``end``."""

    def __init__(self, reader: Reader, name: str) -> None:
        self._told: asyncio.Queue[Told | Exception] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._room = threading.Semaphore(AHEAD)
        self._thread = threading.Thread(target=self._work, args=(reader,), name=f"pcsc {name}", daemon=True)
        self._thread.start()

    async def next(self) -> Told:
        """Return what was told next, or raise what ended the thread."""
        told = await self._told.get()
        self._room.release()
        if isinstance(told, Exception):
            raise told
        return told

    async def end(self) -> None:
        """Stop the thread and wait for it."""
        self._stop.set()
        await asyncio.to_thread(self._thread.join, JOIN_S)

    def _work(self, reader: Reader) -> None:
        try:
            for told in reader.watch(self._stop.is_set):
                self._cross(told)
        except Exception as error:  # noqa: BLE001 - raised again where the device runs
            self._cross(error)

    def _cross(self, told: Told | Exception) -> None:
        """Hand over to the loop: the one way from the thread back."""
        while not self._room.acquire(timeout=0.1):
            if self._stop.is_set():
                return
        if not self._stop.is_set():
            self._loop.call_soon_threadsafe(self._told.put_nowait, told)
