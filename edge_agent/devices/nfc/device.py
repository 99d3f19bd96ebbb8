"""An NFC reader as a device: what its thread hears becomes observations, and a thread that hangs is given up."""

import asyncio
from collections import deque

import structlog

from edge_agent.clock import Moment
from edge_agent.config.devices import NfcSettings
from edge_agent.devices.line import Emit
from edge_agent.devices.nfc.thread import Lying, ReaderThread
from edge_agent.devices.status import Status
from edge_agent.errors import DeviceError
from edge_agent.observations import TagGone, TagRead

log = structlog.get_logger()

# The longest a sound thread can be silent is one exchange with a tag, or one look: three register commands of 0.35 s,
# 1.64 s of waiting for the tag (driver.WAIT_S as the chip rounds it) and 0.2 s of nfcpy's own; opening takes 3 s
# where nothing answers.
HUNG_S = 6.0
STOP_S = 2.0  # for one exchange to end and the reader to be closed; then the thread is given up
_HUNG = "the reader's driver hangs: pull its plug and put it back"


class NfcDevice:
    """Reads tags on one reader. Another attempt begins with a new frontend in a new thread.

    A tag that still lies there after the reader was away is not read again.
    """

    def __init__(self, settings: NfcSettings, status: Status) -> None:
        self.name = settings.id
        self.status = status
        self._settings = settings
        self._waiting: deque[tuple[TagRead | TagGone, Moment]] = deque()
        self._attempt: _Attempt | None = None
        self._lying: Lying | None = None
        self._was_open = False

    async def run(self, emit: Emit) -> None:
        """Hand over taps until the reader fails: DeviceError with one of docs/nfc.md's reasons.

        Raises what ``emit`` raises, and hands what it refused over again when it is run again.
        """
        await self._hand_over(emit)
        attempt = self._attempt = self._begin()
        try:
            while not attempt.over:
                await attempt.progress()
                await self._hand_over(emit)
        finally:
            self._lying = await attempt.stop(self.name)
        if attempt.error is not None:
            raise attempt.error

    def signal(self, *, accepted: bool) -> None:
        """Have the reader show that a tap was recorded, or refused. Returns at once; never raises."""
        if self._attempt is not None:
            self._attempt.thread.signal(accepted=accepted)

    def opened(self) -> None:
        """Take note that the reader works."""
        if self._was_open:
            self.status.counts["reopened"] += 1
        self._was_open = True
        self.status.up()

    def heard(self, observation: TagRead | TagGone) -> None:
        """Take what lies on the reader now, or no longer does."""
        self._waiting.append((observation, self.status.seen()))
        if isinstance(observation, TagRead):
            self.status.counts[observation.technology] += 1
            if observation.torn:
                self.status.counts["torn"] += 1

    def _begin(self) -> "_Attempt":
        if self._attempt is not None and self._attempt.thread.alive:
            raise DeviceError("hung", _HUNG)  # the reader is still in its hands
        return _Attempt(self, self._settings, self._lying)

    async def _hand_over(self, emit: Emit) -> None:
        while self._waiting:
            observation, at = self._waiting[0]
            await emit([observation], at)
            self._waiting.popleft()
            if self._attempt is not None:
                self._attempt.thread.taken()


class _Attempt:
    """One life of a reader's thread, as the event loop sees it.

    What it has heard counts also once it was stopped: the tag is not told of again.
    """

    def __init__(self, device: NfcDevice, settings: NfcSettings, lying: Lying | None) -> None:
        self.over = False
        self.error: Exception | None = None
        self._device = device
        self._stopped = False
        self._awake = asyncio.Event()
        self.thread = ReaderThread(
            settings.id,
            settings.path,
            aids=settings.aids,
            allowed=frozenset(settings.tag_types),
            lying=lying,
            post=asyncio.get_running_loop().call_soon_threadsafe,
            listener=self,
        )
        self.thread.start()

    def opened(self) -> None:
        if not self._stopped:
            self._device.opened()

    def heard(self, observation: TagRead | TagGone) -> None:
        self._device.heard(observation)
        self._awake.set()

    def counted(self, what: str) -> None:
        self._device.status.counts[what] += 1

    def ended(self, error: Exception | None) -> None:
        self.over, self.error = True, error
        self._awake.set()

    async def progress(self) -> None:
        """Wait until the thread has said something. Raises DeviceError ``hung``."""
        while not self._awake.is_set():
            before = self.thread.beats
            try:
                async with asyncio.timeout(HUNG_S):
                    await self._awake.wait()
            except TimeoutError:
                if self.thread.beats == before:
                    raise DeviceError("hung", _HUNG) from None
        self._awake.clear()

    async def stop(self, name: str) -> Lying | None:
        """Have the thread close the reader and end, or give it up. Returns what lies on the reader."""
        self._stopped = True
        self.thread.stop()
        try:
            async with asyncio.timeout(STOP_S):
                while not self.over:
                    self._awake.clear()
                    await self._awake.wait()
        except TimeoutError:
            log.warning("reader_thread_given_up", device=name)
        else:
            self.thread.join(STOP_S)
        return self.thread.lying
