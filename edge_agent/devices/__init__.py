"""The I/O: one module a kind of device; each device owns one outside thing.

Only the modules of the kinds a configuration uses are imported.
"""

from collections.abc import Callable
from typing import Protocol

from edge_agent.clock import Clock
from edge_agent.config.devices import LineSettings, SerialSettings, TcpListenSettings, TcpSettings
from edge_agent.decoders import Decoder
from edge_agent.devices.line import Emit, Journal, Line, NoJournal, Start
from edge_agent.devices.status import Report, Status
from edge_agent.errors import ConfigError

# TCP says nothing of the line behind it; the fastest serial one that printers have is 115,200 baud.
_TCP_RATE = 115_200 // 10  # a byte is ten bits: start, eight, stop


class Device(Protocol):
    """One configured source. ``name``: its id."""

    name: str
    status: Status

    async def run(self, emit: Emit) -> None:
        """Hand over what the device says until it fails: DeviceError. Run again, it goes on where it was."""
        ...


def create(
    settings: LineSettings,
    new_decoder: Callable[[], Decoder],
    *,
    clock: Clock,
    report: Report,
    journal: Journal,
    start: Start,
) -> Device:
    """Return the device that ``settings`` describes, not yet open.

    ``report`` hears of every change of its state; ``journal`` and ``start`` are those of this device's line
    (``tcp-listen`` uses neither: its connections break with the agent).
    """
    status = Status(report, clock, rate=settings.baudrate // 10 if isinstance(settings, SerialSettings) else _TCP_RATE)

    def line(kept: Journal, at: Start) -> Line:
        return Line(new_decoder(), status, idle_end=settings.idle_end.total_seconds(), journal=kept, start=at)

    match settings:
        case SerialSettings():
            from edge_agent.devices.serial import SerialDevice  # noqa: PLC0415 - loaded where configured

            return SerialDevice(settings, line(journal, start), status)
        case TcpSettings():
            from edge_agent.devices.tcp import TcpDevice  # noqa: PLC0415 - loaded where configured

            return TcpDevice(settings, line(journal, start), status)
        case TcpListenSettings():
            from edge_agent.devices.tcp_listen import TcpListenDevice  # noqa: PLC0415 - loaded where configured

            return TcpListenDevice(settings, lambda: line(NoJournal(), Start()), status)
        case _:
            raise ConfigError(f"{settings.id}: there is no such kind of device")
