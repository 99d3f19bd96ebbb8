"""A contactless reader behind pcscd (PC/SC), through pyscard."""

from collections import deque

from edge_agent.clock import Moment
from edge_agent.config.devices import PcscSettings
from edge_agent.devices.line import Emit
from edge_agent.devices.pcsc.thread import Noted, Opened, Reader, ReaderThread, Told
from edge_agent.devices.status import Status
from edge_agent.errors import DeviceError
from edge_agent.observations import TagGone, TagRead


class PcscDevice:
    """Reads tags on one PC/SC reader; each attempt has a thread of its own.

    A tag that still lies there after the reader or pcscd was away is not read again.
    """

    def __init__(self, settings: PcscSettings, status: Status) -> None:
        self.name = settings.id
        self.status = status
        self._settings = settings
        self._waiting: deque[tuple[TagRead | TagGone, Moment]] = deque()
        self._reader: Reader | None = None
        self._thread: ReaderThread | None = None
        self._was_open = False

    async def run(self, emit: Emit) -> None:
        """Hand over taps until the reader fails: DeviceError with one of docs/pcsc.md's reasons.

        Raises what ``emit`` raises, and hands what it refused over again when it is run again.
        """
        await self._hand_over(emit)
        thread = self._begin()
        try:
            while True:
                await thread.progress()
                await self._hand_over(emit)
        finally:
            await thread.end()

    def signal(self, *, accepted: bool) -> None:
        """Have the reader show that a tap was recorded, or refused. Returns at once; never raises."""
        if self._reader is not None:
            self._reader.signal(accepted=accepted)

    def _begin(self) -> ReaderThread:
        if self._thread is not None and self._thread.alive:
            raise DeviceError("hung", "pcscd does not answer: systemctl restart pcscd")
        if self._reader is None:
            self._reader = _reader(self._settings)
        self._thread = ReaderThread(self._reader, self.name, self._heard)
        return self._thread

    def _heard(self, told: Told) -> None:
        counts = self.status.counts
        match told:
            case TagRead() | TagGone():
                self._waiting.append((told, self.status.seen()))
                if isinstance(told, TagRead):
                    counts.update([told.technology] + ["torn"] * told.torn)
                return  # recorded later
            case Noted():
                counts[told.what] += 1
            case Opened():
                counts["reopened"] += self._was_open
                self._was_open = True
                self.status.up()
        if self._thread is not None:
            self._thread.recorded()

    async def _hand_over(self, emit: Emit) -> None:
        while self._waiting:
            observation, at = self._waiting[0]
            await emit([observation], at)
            self._waiting.popleft()
            if self._thread is not None:
                self._thread.recorded()


def _reader(settings: PcscSettings) -> Reader:
    """Return the reader, not yet open. Raises DeviceError ``not_installed``."""
    try:
        from edge_agent.devices.pcsc import reader  # noqa: PLC0415 - pyscard is an extra
    except ImportError as error:
        advice = "apt-get install pcscd libpcsclite-dev swig gcc python3-dev, then make setup in the agent's checkout"
        raise DeviceError("not_installed", f"pyscard is missing: {advice}") from error
    return reader.Reader(settings.reader, settings.aids, settings.tag_types)
