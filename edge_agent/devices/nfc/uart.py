"""A PN532 on a serial line: nfcpy's protocol over a port of our own."""

import errno
import os
import re
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import nfc.clf.pn53x
import nfc.clf.pn532
import nfc.clf.transport
import serial

from edge_agent.devices.nfc.faults import DETAILS
from edge_agent.errors import DeviceError

# The write of a command of 265 bytes at 115,200 baud takes 23 ms; without a limit, pyserial waits for ever.
WRITE_S: float | None = 1.0

_FAST, _SLOW = 921_600, 115_200  # the rate nfcpy takes a PN532 to, and that of one just powered
_PREAMBLE = bytes(10)  # wakes a PN532 (UM0701-02, section 7.2.11: HSU wake-up)
_SLOW_DOWN = bytes.fromhex("0000ff03fdd410041800")  # SetSerialBaudRate, 115.2 kbaud (UM0701-02, section 7.2.4)
_PLAIN = re.compile(r"[\w./:@%+,=-]+")  # nfcpy gives the path to a shell


class _Uart(nfc.clf.transport.TTY):  # type: ignore[misc]  # nfcpy has no types
    """nfcpy's serial port, held exclusively, with a limit to writing, and closed whatever happened to it."""

    tty: serial.Serial | None

    def __init__(self, port: str, beat: Callable[[], None]) -> None:
        self._beat = beat
        super().__init__(port)

    def write(self, frame: bytes) -> None:
        self._beat()
        super().write(frame)

    def open(self, port: str, baudrate: int = _SLOW) -> None:
        self.close()
        self.tty = serial.Serial(port, baudrate, timeout=0.05, write_timeout=WRITE_S, exclusive=True)

    def close(self) -> None:
        if self.tty is not None:
            with suppress(termios.error, OSError):
                self.tty.reset_output_buffer()
            self.tty.close()
            self.tty = None


def port_of(path: str) -> str | None:
    """Return the port of a PN532 on a UART; None for what nfcpy itself has to look for."""
    if path.startswith("/"):
        return path.removesuffix(":pn532")
    found = re.fullmatch(r"tty:([A-Za-z0-9-]+):pn532", path)
    if found is None or found[1] in {"S", "ACM", "AMA", "USB"}:
        return None
    return f"/dev/tty{found[1]}" if re.fullmatch(r"(S|ACM|AMA|USB)\d+", found[1]) else f"/dev/{found[1]}"


def open_port(port: str, beat: Callable[[], None]) -> Any:
    """Return nfcpy's device of the PN532 behind a port; ``beat`` is called before each command.

    Raises DeviceError, and what nfcpy raises.
    """
    real = os.path.realpath(port)
    if not _PLAIN.fullmatch(real):
        raise DeviceError("refused", f"{port}: {DETAILS['refused']}")
    uart = _Uart(real, beat)
    try:
        return _start(uart, port)
    except BaseException:
        uart.close()
        raise


def _start(uart: _Uart, port: str) -> Any:
    try:
        return nfc.clf.pn532.init(uart)
    except serial.SerialException:
        raise
    except (OSError, IndexError):  # silence, or noise: a chip that listens at another rate
        _slow_down(uart)
    try:
        return nfc.clf.pn532.init(uart)
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
        raise DeviceError("no_reply", f"{port}: {DETAILS['no_reply']}") from error


def _slow_down(uart: _Uart) -> None:
    """Bring a chip back to the rate it is first spoken to at: whoever left it without a word had made it fast."""
    uart.open(uart.port, _FAST)
    uart.write(_PREAMBLE + _SLOW_DOWN)
    with suppress(OSError, IndexError):
        uart.read(100)
        uart.read(100)
    uart.write(nfc.clf.pn53x.Chipset.ACK)
    time.sleep(0.01)
    uart.open(uart.port, _SLOW)
