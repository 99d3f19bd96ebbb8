"""The I/O: one module a kind of device; each device owns one outside thing.

Only the modules of the kinds a configuration uses are imported.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from edge_agent.clock import Clock
from edge_agent.config.devices import (
    BleSettings,
    DeviceSettings,
    LineSettings,
    NfcSettings,
    PcscSettings,
    SerialSettings,
    TcpListenSettings,
    TcpSettings,
)
from edge_agent.decoders import Decoder
from edge_agent.devices.handover import Handover
from edge_agent.devices.line import Emit, Keep, Line
from edge_agent.devices.line_status import LineStatus
from edge_agent.devices.relay_start import Relays
from edge_agent.devices.status import Report, Status
from edge_agent.errors import ConfigError

# More tills than a shop has; each connection costs at most its line's 64 KiB and what its decoder keeps.
CONNECTIONS = 16

# TCP says nothing of the line behind it; the fastest serial one that printers have is 115,200 baud.
_TCP_RATE = 115_200 // 10  # a byte is ten bits: start, eight, stop


class Device(Protocol):
    """One configured source. ``name``: its id."""

    name: str

    @property
    def status(self) -> Status:
        """Whether it works."""
        ...

    async def run(self, emit: Emit) -> None:
        """Hand over what the device says until it fails: DeviceError. Run again, it goes on where it was."""
        ...


@runtime_checkable
class Signalling(Device, Protocol):
    """A device with a light or a buzzer."""

    def signal(self, *, accepted: bool) -> None:
        """Show whoever used it that what it said is recorded, or refused. Returns at once; never raises."""
        ...


@runtime_checkable
class Holding(Device, Protocol):
    """A line whose reading can be held between two receipts."""

    def hold(self) -> bool:
        """Begin nothing new, if nothing is half read; return whether that is so. Whoever holds it ends it soon."""
        ...


@runtime_checkable
class Showing(Device, Protocol):
    """A line display that may be driven."""

    def show(self, rows: Sequence[str], seconds: float) -> None:
        """Show text for a while, or until the register has something to say. Returns at once; never raises."""
        ...


def create(
    settings: DeviceSettings,
    new_decoder: Callable[[LineSettings], Decoder],
    *,
    clock: Clock,
    report: Report,
    keep: Keep,
    relays: Relays | None = None,
    handover: Handover | None = None,
) -> Device:
    """Return the device that ``settings`` describes, not yet open.

    ``report`` hears of every change of its state; ``keep`` gives each of its lines a journal and where it goes on.
    ``relays``: of this box, for a device that passes through one. ``handover``: from the devices of the generation
    before, and to those of the next.
    """
    if isinstance(settings, LineSettings):
        if isinstance(settings, SerialSettings) and settings.passthrough is not None:
            return _relayed_device(settings, new_decoder(settings), clock, report, keep, relays)
        return _line_device(settings, new_decoder, clock, report, keep, handover or Handover())
    match settings:
        case NfcSettings():
            from edge_agent.devices.nfc.device import NfcDevice  # noqa: PLC0415 - loaded where configured

            return NfcDevice(settings, Status(report, clock))
        case PcscSettings():
            from edge_agent.devices.pcsc.device import PcscDevice  # noqa: PLC0415 - loaded where configured

            return PcscDevice(settings, Status(report, clock))
        case BleSettings():
            from edge_agent.devices.ble.device import BleDevice  # noqa: PLC0415 - loaded where configured

            return BleDevice(settings, Status(report, clock), clock)
        case _:
            raise ConfigError(f"{settings.id}: there is no such kind of device")


def unfinished(
    settings: LineSettings, new_decoder: Callable[[LineSettings], Decoder], clock: Clock, keep: Keep
) -> list[Line]:
    """Return a device's lines with what they have left unfinished, and nobody who reads on."""
    status = LineStatus(lambda _: None, clock, rate=_TCP_RATE)
    return [_line(name, settings, new_decoder, status, keep) for name in line_names(settings)]


def line_names(settings: LineSettings) -> list[str]:
    """Return the names of a device's lines, by which their positions and journals are kept."""
    if isinstance(settings, TcpListenSettings):
        return [f"{settings.id}.{number}" for number in range(CONNECTIONS)]
    return [settings.id]


def _relayed_device(
    settings: SerialSettings, decoder: Decoder, clock: Clock, report: Report, keep: Keep, relays: Relays | None
) -> Device:
    from edge_agent.devices.relayed import RelayedDevice, RelayedStatus  # noqa: PLC0415 - loaded where configured

    if relays is None:
        raise ConfigError(f"{settings.id}: a passthrough needs a place for its relay")
    status = RelayedStatus(report, clock, rate=settings.baudrate // 10)
    journal, start = keep(settings.id)
    idle_end = settings.idle_end.total_seconds()
    line = Line(settings.id, decoder, status, idle_end=idle_end, journal=journal, start=start)
    return RelayedDevice(settings, line, status, relays, position=start.consumed + len(start.replay))


def _line(
    name: str, settings: LineSettings, new_decoder: Callable[[LineSettings], Decoder], status: LineStatus, keep: Keep
) -> Line:
    journal, start = keep(name)
    idle_end = settings.idle_end.total_seconds()
    return Line(name, new_decoder(settings), status, idle_end=idle_end, journal=journal, start=start)


def _line_device(
    settings: LineSettings,
    new_decoder: Callable[[LineSettings], Decoder],
    clock: Clock,
    report: Report,
    keep: Keep,
    handover: Handover,
) -> Device:
    rate = settings.baudrate // 10 if isinstance(settings, SerialSettings) else _TCP_RATE
    status = LineStatus(report, clock, rate=rate)

    def line(name: str) -> Line:
        return _line(name, settings, new_decoder, status, keep)

    match settings:
        case SerialSettings():
            from edge_agent.devices.serial import SerialDevice  # noqa: PLC0415 - loaded where configured

            return SerialDevice(settings, line(settings.id), status, handover)
        case TcpSettings():
            from edge_agent.devices.tcp import TcpDevice  # noqa: PLC0415 - loaded where configured

            return TcpDevice(settings, line(settings.id), status, handover)
        case TcpListenSettings():
            from edge_agent.devices.tcp_listen import TcpListenDevice  # noqa: PLC0415 - loaded where configured

            lines = [line(name) for name in line_names(settings)]
            return TcpListenDevice(settings, lines, status, handover)
        case _:
            raise ConfigError(f"{settings.id}: there is no such kind of device")
