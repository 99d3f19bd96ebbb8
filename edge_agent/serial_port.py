"""Opening a serial port: pyserial sets it up; whoever opened it reads and writes the descriptor."""

import asyncio
import errno
import fcntl
import os
import termios
from contextlib import suppress
from typing import Protocol

import serial
import structlog

from edge_agent.errors import DeviceError
from edge_agent.own_thread import OwnThread

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


# Opening takes milliseconds. A driver whose hardware is dead gives up a message after 5 s (USB_CTRL_GET_TIMEOUT), and
# one whose firmware is may never: told before a generation takes the silence itself for news (STARTING_MS).
HUNG_S = 4.0
CLOSE_S = 1.0  # takes milliseconds; of the 10 s that a stop may take, it is the part that a dead driver may have
_LOOK_S = 0.005  # whether a port has been closed
# By port, for the whole process: what hangs in the kernel hangs for every device that wants it.
_threads: dict[str, OwnThread] = {}


class LineSettings(Protocol):
    """A port and how its line is set: the keys of a serial ``[[device]]``."""

    @property
    def port(self) -> str: ...  # noqa: D102 - as in the configuration
    @property
    def baudrate(self) -> int: ...  # noqa: D102
    @property
    def bytesize(self) -> int: ...  # noqa: D102
    @property
    def parity(self) -> str: ...  # noqa: D102
    @property
    def stopbits(self) -> int: ...  # noqa: D102
    @property
    def xonxoff(self) -> bool: ...  # noqa: D102
    @property
    def rtscts(self) -> bool: ...  # noqa: D102


class Port(serial.Serial):
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


def open_port(settings: LineSettings) -> Port:
    """Open and lock a port; its descriptor does not block.

    Raises DeviceError ``missing``, ``busy``, ``permission`` or ``refused``.
    """
    try:
        port = Port(
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


async def opened(settings: LineSettings) -> Port:
    """Return a port, opened as by ``open_port`` without holding the loop, whatever its driver does.

    Raises DeviceError as ``open_port`` does, and ``hung`` after ``HUNG_S``; a port that opens later is closed again.
    While one call to a port hangs, by whomever it was made, none is added to it.
    """
    thread = _thread(settings.port)
    try:
        async with asyncio.timeout(HUNG_S):
            while thread.busy:  # noqa: ASYNC110 - what ends is a thread, which may know no loop
                await asyncio.sleep(_LOOK_S)
            return await thread.run(lambda: open_port(settings), Port.close)
    except TimeoutError:
        raise DeviceError("hung", f"{settings.port}: its driver does not answer; unplug it and plug it in") from None


def close(port: Port) -> None:
    """Close a port from ``opened``, and wait for nothing: its driver may hang (see also termios, closing_wait)."""
    thread = _thread(str(port.port))
    # A generation that gives a line up may do so while the next one opens it otherwise.
    (OwnThread("serial-port") if thread.busy else thread).start(port.close)


async def closed(port: str) -> None:
    """Wait until a port is closed, so that others may have it; for ``CLOSE_S`` at most."""
    thread = _thread(port)
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            while thread.busy:  # noqa: ASYNC110 - what ends is a thread, which may know no loop
                await asyncio.sleep(_LOOK_S)


def _thread(port: str) -> OwnThread:
    return _threads.setdefault(port, OwnThread("serial-port"))


def _device_error(port: str, error: Exception) -> DeviceError:
    number = getattr(error, "errno", None)
    for cause in (error, error.__context__):  # pyserial drops the number of a termios.error
        if isinstance(cause, termios.error):
            number = cause.args[0]
    reason, advice = _REASONS.get(number or 0, ("refused", str(error)))
    return DeviceError(reason, f"{port}: {advice}")
