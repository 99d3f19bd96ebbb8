"""A contactless reader behind pcscd (PC/SC), through pyscard."""

from edge_agent.config.devices import PcscSettings
from edge_agent.devices.line import Emit
from edge_agent.devices.pcsc_thread import Noted, Opened, Reader, ReaderThread, Told
from edge_agent.devices.status import Status
from edge_agent.errors import DeviceError
from edge_agent.observations import TagGone, TagRead


class PcscDevice:
    """Reads one PC/SC reader; has a thread for as long as it runs."""

    def __init__(self, settings: PcscSettings, status: Status) -> None:
        self.name = settings.id
        self.status = status
        self._settings = settings
        self._reader: Reader | None = None

    def signal(self, *, accepted: bool) -> None:
        """Have the reader's light and buzzer tell it, if it has them and the tag still lies there."""
        if self._reader is not None:
            self._reader.signal(accepted=accepted)

    async def run(self, emit: Emit) -> None:
        """Hand over tags as they come and go until the reader or pcscd has gone.

        Raises DeviceError ``not_installed`` ``no_service`` ``missing`` ``ambiguous`` ``unplugged`` ``busy``
        ``failed``, and what ``emit`` raises.
        """
        self._reader = _reader(self._settings)
        thread = ReaderThread(self._reader, self.name)
        try:
            while True:
                await self._take(await thread.next(), emit)
        finally:
            self._reader = None
            await thread.end()

    async def _take(self, told: Told, emit: Emit) -> None:
        match told:
            case Opened():
                self.status.up()
            case Noted():
                self.status.counts[told.what] += 1
            case TagRead():
                self.status.counts["torn" if told.torn else "read"] += 1
                await emit([told], self.status.seen())
            case TagGone():
                await emit([told], self.status.seen())


def _reader(settings: PcscSettings) -> Reader:
    """Return the reader, not yet open. Raises DeviceError ``not_installed``."""
    try:
        from edge_agent.devices import pcsc_reader  # noqa: PLC0415 - pyscard is an extra
    except ImportError as error:
        advice = "pip install edge-agent[pcsc]; on Debian first: apt-get install pcscd libpcsclite-dev swig gcc"
        raise DeviceError("not_installed", f"pyscard is missing: {advice}") from error
    return pcsc_reader.Reader(settings.reader, settings.aids, settings.tag_types)
