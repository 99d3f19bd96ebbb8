"""An NFC reader as a device: what its thread hears becomes observations, and a thread that hangs is given up."""

import asyncio
from collections import deque

import structlog

from edge_agent.clock import Moment
from edge_agent.config.devices import NfcSettings
from edge_agent.devices.line import Emit
from edge_agent.devices.nfc_thread import Lying, ReaderThread
from edge_agent.devices.status import Status
from edge_agent.errors import DeviceError
from edge_agent.observations import TagGone, TagRead

log = structlog.get_logger()

# The longest a sound thread can be silent is one exchange with a tag, or one look: three register commands of 0.35 s,
# 1.64 s of waiting for the tag (nfc_driver.WAIT_S as the chip rounds it) and 0.2 s of nfcpy's own; opening takes 3 s
# where nothing answers.
HUNG_S = 6.0
STOP_S = 2.0  # for one exchange to end and the reader to be closed; then the thread is given up
_HUNG = "the reader's driver hangs: pull its plug and put it back"


class NfcDevice:
    """Reads tags on one reader. Another attempt begins with a new frontend in a new thread."""

    def __init__(self, settings: NfcSettings, status: Status) -> None:
        self.name = settings.id
        self.status = status
        self._settings = settings
        self._waiting: deque[tuple[TagRead | TagGone, Moment]] = deque()
        self._awake = asyncio.Event()
        self._thread: ReaderThread | None = None
        self._ended = False
        self._error: Exception | None = None
        self._lying: Lying | None = None
        self._was_open = False

    async def run(self, emit: Emit) -> None:
        """Hand over taps until the reader fails: DeviceError with one of docs/nfc.md's reasons.

        Raises what ``emit`` raises, and hands what it refused over again when it is run again.
        """
        await self._hand_over(emit)
        thread = self._thread = self._start()
        try:
            while not self._ended:
                await self._progress(thread)
                await self._hand_over(emit)
        finally:
            await self._stop(thread)
        if self._error is not None:
            raise self._error

    def signal(self, *, accepted: bool) -> None:
        """Have the reader show that a tap was recorded, or refused. Returns at once; never raises."""
        if self._thread is not None:
            self._thread.signal(accepted=accepted)

    def opened(self) -> None:
        """Hear from the thread that the reader works."""
        if self._was_open:
            self.status.counts["reopened"] += 1
        self._was_open = True
        self.status.up()

    def heard(self, observation: TagRead | TagGone) -> None:
        """Hear from the thread what lies on the reader now."""
        self._waiting.append((observation, self.status.seen()))
        if isinstance(observation, TagRead):
            self.counted(observation.technology)
            if observation.torn:
                self.counted("torn")
        self._awake.set()

    def counted(self, what: str) -> None:
        """Count something the thread noticed."""
        self.status.counts[what] += 1

    def ended(self, error: Exception | None) -> None:
        """Hear from the thread that it is over."""
        self._ended, self._error = True, error
        self._awake.set()

    def _start(self) -> ReaderThread:
        if self._thread is not None and self._thread.alive:
            raise DeviceError("hung", _HUNG)  # its port is still in its hands
        self._ended, self._error = False, None
        thread = ReaderThread(
            self.name,
            self._settings.path,
            aids=self._settings.aids,
            allowed=frozenset(self._settings.tag_types),
            lying=self._lying,
            post=asyncio.get_running_loop().call_soon_threadsafe,
            listener=self,
        )
        thread.start()
        return thread

    async def _progress(self, thread: ReaderThread) -> None:
        """Wait until the thread has said something. Raises DeviceError ``hung``."""
        while not self._awake.is_set():
            before = thread.beats
            try:
                async with asyncio.timeout(HUNG_S):
                    await self._awake.wait()
            except TimeoutError:
                if thread.beats == before:
                    raise DeviceError("hung", _HUNG) from None
        self._awake.clear()

    async def _hand_over(self, emit: Emit) -> None:
        while self._waiting:
            observation, at = self._waiting[0]
            await emit([observation], at)
            self._waiting.popleft()
            if self._thread is not None:
                self._thread.taken()

    async def _stop(self, thread: ReaderThread) -> None:
        thread.stop()
        try:
            async with asyncio.timeout(STOP_S):
                while not self._ended:
                    self._awake.clear()
                    await self._awake.wait()
        except TimeoutError:
            log.warning("thread_given_up", device=self.name)
        else:
            thread.join(STOP_S)
        self._lying = thread.lying
