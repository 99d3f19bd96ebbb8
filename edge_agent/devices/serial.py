"""A serial port: pyserial opens and sets it up, the event loop reads the descriptor."""

import asyncio
import errno
import fcntl
import os
import termios
from contextlib import suppress

import serial
import structlog

from edge_agent.config.devices import SerialSettings
from edge_agent.devices.line import ROOM, Emit, Line
from edge_agent.devices.line_status import LineStatus
from edge_agent.errors import DeviceError

log = structlog.get_logger()

_REASONS = {
    errno.ENOENT: ("missing", "is it plugged in, and is the name still right?"),
    errno.ENODEV: ("missing", "is it plugged in?"),
    errno.ENXIO: ("missing", "there is no hardware behind this name"),
    errno.EIO: ("missing", "there is no hardware behind this name"),
    errno.EBUSY: ("busy", "another program holds it exclusively"),
    errno.EAGAIN: ("busy", "another program has locked it"),
    errno.EACCES: ("permission", "add the agent's user to the group that owns it (Debian: dialout)"),
    errno.EPERM: ("permission", "add the agent's user to the group that owns it (Debian: dialout)"),
    errno.ENOTTY: ("refused", "this is not a serial port"),
}

# Majors of /dev/pts (the kernel's Documentation/admin-guide/devices.txt, UNIX98_PTY_SLAVE_MAJOR).
_PSEUDO_TERMINALS = range(136, 144)


class SerialDevice:
    """Reads one serial port; never writes to it."""

    def __init__(self, settings: SerialSettings, line: Line, status: LineStatus) -> None:
        self.name = settings.id
        self.status = status
        self._settings = settings
        self._line = line

    async def run(self, emit: Emit) -> None:
        """Read until the port goes, then raise DeviceError ``unplugged``.

        Raises DeviceError ``missing``, ``busy``, ``permission`` or ``refused`` if the port can't be opened.
        Cancelled, it reads the port empty first: closing would drop what the kernel still holds.
        """
        await self._line.catch_up(emit)
        port = _open(self._settings)
        reader = _Reader(port.fileno(), self._line)
        try:
            reader.read()
            if not reader.ended:
                self.status.up()
                reader.resume()
            await self._line.run(emit, reader)
        finally:
            reader.close()
            port.close()
        raise DeviceError("unplugged", f"{self._settings.port}: {reader.cause}")


class _Reader:
    """Moves bytes from a descriptor to a line for as long as there is room."""

    def __init__(self, descriptor: int, line: Line) -> None:
        self.ended = False
        self.cause = "the line was hung up"
        self._descriptor = descriptor
        self._line = line
        self._loop = asyncio.get_running_loop()

    def resume(self) -> None:
        if not self.ended:
            self._loop.add_reader(self._descriptor, self.read)

    def read(self) -> None:
        """Read once; stop listening on hang-up (the descriptor would stay readable for ever) and when it is full."""
        data = self._read()
        if data:
            if not self._line.receive(data):
                self._loop.remove_reader(self._descriptor)
        elif self.ended:
            self._loop.remove_reader(self._descriptor)
            self._line.wake()

    def close(self) -> None:
        """Stop listening and take what the kernel still holds, as much as two full lines of it."""
        self._loop.remove_reader(self._descriptor)
        taken = 0
        while taken < 2 * ROOM and (data := self._read()):
            self._line.receive(data)
            taken += len(data)

    def _read(self) -> bytes:
        if self.ended:
            return b""
        try:
            data = os.read(self._descriptor, ROOM)
        except BlockingIOError:
            return b""
        except OSError as error:  # EIO, ENODEV: what drivers say when their hardware has gone
            self.cause = error.strerror or str(error)
            data = b""
        self.ended = not data  # VMIN is 1: nothing to read is EAGAIN, an empty read is a hang-up
        return data


class _Port(serial.Serial):
    """A port that keeps what arrived before it was opened and takes what settings it can."""

    def _reset_input_buffer(self) -> None:
        """Keep the input: a register does not stop printing while the agent restarts."""

    def _reconfigure_port(self, force_update: bool = False) -> None:
        try:
            super()._reconfigure_port(force_update)  # type: ignore[misc]  # not in the stubs
        except termios.error as error:
            # tcsetattr(3): the port has no such parity or character size (a pty never does); the rest was applied.
            if error.args[0] != errno.EINVAL:
                raise
            log.warning("serial_setting_refused", port=self.port, bytesize=self.bytesize, parity=self.parity)

    def _update_dtr_state(self) -> None:
        with suppress(OSError):  # no modem lines: a pty, a three-wire adapter
            super()._update_dtr_state()  # type: ignore[misc]  # not in the stubs

    def _update_rts_state(self) -> None:
        with suppress(OSError):
            super()._update_rts_state()  # type: ignore[misc]  # not in the stubs


def _open(settings: SerialSettings) -> _Port:
    """Open and lock a port. Raises DeviceError."""
    try:
        port = _Port(
            settings.port,
            baudrate=settings.baudrate,
            bytesize=settings.bytesize,
            parity=settings.parity,
            stopbits=settings.stopbits,
            xonxoff=settings.xonxoff,
            rtscts=settings.rtscts,
            timeout=0,
            inter_byte_timeout=0,  # pyserial's way to say VMIN 1, VTIME 0
            exclusive=True,
        )
    except (OSError, termios.error, ValueError) as error:
        raise _device_error(settings.port, error) from error
    # pyserial's lock is advisory (flock); this one makes the kernel refuse other programs, save those of root.
    # A pseudo-terminal keeps it for as long as its master lives: a killed agent's next life would be refused as well.
    if os.major(os.fstat(port.fileno()).st_rdev) not in _PSEUDO_TERMINALS:
        with suppress(OSError):
            fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
    return port


def _device_error(port: str, error: Exception) -> DeviceError:
    number = getattr(error, "errno", None)
    for cause in (error, error.__context__):  # pyserial drops the number of a termios.error
        if isinstance(cause, termios.error):
            number = cause.args[0]
    reason, advice = _REASONS.get(number or 0, ("refused", str(error)))
    return DeviceError(reason, f"{port}: {advice}")
