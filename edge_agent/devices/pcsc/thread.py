"""The thread in which pcscd is waited for, and what it says; knows nothing of pyscard, which may be missing."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import structlog

from edge_agent.errors import DeviceError
from edge_agent.observations import TagGone, TagRead

log = structlog.get_logger()

# A sound thread looks round every 0.1 s; the longest silence is one exchange with a telephone, which may ask for as
# much as 4.9 s to answer (ISO/IEC 14443-4, 7.2: the greatest frame waiting time).
HUNG_S = 6.0
STOP_S = 2.0  # for one look, or one common exchange, to end; then the thread is given up
ROOM = 16  # words not yet recorded: more than hands can make in the 5 s a commit may take; beyond it nobody looks
WAITING_S = 0.1  # between two signs of life while waiting for room


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
        """Have light and buzzer say what became of a tap; from any thread, returns at once."""
        ...

    def watch(self, beat: Callable[[], None]) -> Iterator[Told]:
        """Say what happens at the reader, for ever. ``beat`` is called all the time, and raises to end it."""
        ...


class _StoppedError(Exception):
    """The thread was asked to end."""


class ReaderThread:
    """Runs a reader's ``watch``, from its making to ``end`` or to the reader's fault."""

    def __init__(self, reader: Reader, name: str, heard: Callable[[Told], None]) -> None:
        """``heard`` is called on the event loop; ``recorded`` after each of these calls, once it is done with."""
        self._name = name
        self._heard = heard
        self._beats = 0
        self._over = False
        self._error: Exception | None = None
        self._awake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._room = threading.Semaphore(ROOM)
        # A daemon: one that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, args=(reader,), name=f"pcsc-{name}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it has yet to end."""
        return self._thread.is_alive()

    def recorded(self) -> None:
        """Make room for another word."""
        self._room.release()

    async def progress(self) -> None:
        """Return once something was heard. Raises what ended the thread, and DeviceError ``hung``."""
        while not self._awake.is_set():
            before = self._beats
            try:
                async with asyncio.timeout(HUNG_S):
                    await self._awake.wait()
            except TimeoutError:
                if self._beats == before:
                    raise DeviceError("hung", "pcscd does not answer: systemctl restart pcscd") from None
        self._awake.clear()
        if self._error is not None:
            raise self._error

    async def end(self) -> None:
        """Have it end, or give it up."""
        self._stop.set()
        try:
            async with asyncio.timeout(STOP_S):
                while not self._over:
                    self._awake.clear()
                    await self._awake.wait()
        except TimeoutError:
            log.warning("reader_thread_given_up", device=self._name)
        else:
            self._thread.join(STOP_S)

    def _work(self, reader: Reader) -> None:
        error: Exception | None = None
        try:
            for told in reader.watch(self._beat):
                while not self._room.acquire(timeout=WAITING_S):
                    self._beat()
                self._cross(self._hear, told)
        except _StoppedError:
            pass
        except Exception as failed:  # noqa: BLE001 - whatever it is, it is raised again on the loop
            error = failed
        self._cross(self._ended, error)

    def _beat(self) -> None:
        self._beats += 1
        if self._stop.is_set():
            raise _StoppedError

    def _cross(self, word: Callable[..., None], value: object) -> None:
        """Cross to the loop: the only way out of the thread. A thread given up may outlive the loop."""
        try:
            self._loop.call_soon_threadsafe(word, value)
        except RuntimeError:
            self._stop.set()

    def _hear(self, told: Told) -> None:
        self._heard(told)
        self._awake.set()

    def _ended(self, error: Exception | None) -> None:
        self._over, self._error = True, error
        self._awake.set()
