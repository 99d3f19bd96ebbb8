"""nfcpy as a driver: a reader opened, watched, lit up and closed, and its many errors told apart in a few words.

nfcpy 1.0.4 is the last there will be. What is done round it here was seen to be needed: see docs/nfc.md.
"""

import errno
import logging
import os
import re
import struct
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import nfc
import nfc.clf
import nfc.clf.acr122
import nfc.clf.pn53x
import nfc.clf.pn532
import nfc.clf.transport
import serial
from nfc.clf.transport import libusb

from edge_agent.errors import DeviceError

# Its loggers write tags' UIDs and contents; what matters of its errors comes as exceptions.
for _name in ("nfc", "ndef"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)  # noqa: TID251 - another's logger, to be silenced
logging.captureWarnings(False)  # which nfcpy turns on for the whole process when it is imported

# A phone that starts an app takes 0.3 to 0.5 s; a tag may ask for 4.9 s (ISO/IEC 14443-4, FWI 14), and for 59 times
# that again and again, in which nobody else can tap.
WAIT_S = 1.0
# Eight KiB of a Type 2 tag take 4 s; a tag may also ask for more time without end.
TAG_S = 6.0
# The write of a command of 265 bytes at 115,200 baud takes 23 ms; without a limit, pyserial waits for ever.
WRITE_S: float | None = 1.0

_FAST, _SLOW = 921_600, 115_200  # the rate nfcpy takes a PN532 to, and that of one just powered
_PREAMBLE = bytes(10)  # wakes a PN532 (UM0701-02, section 7.2.11: HSU wake-up)
_SLOW_DOWN = bytes.fromhex("0000ff03fdd410041800")  # SetSerialBaudRate, 115.2 kbaud (UM0701-02, section 7.2.4)
_PLAIN = re.compile(r"[\w./:@%+,=-]+")  # nfcpy gives the path to a shell

# ACR122U, API manual 2.04, section 6.2: red, and twice 0.1 s of the buzzer. Accepted, 0.3 s of it, is nfcpy's own.
_REFUSED = bytes.fromhex("FF00400D0401010201")
_REFUSED_S = 0.6  # the reader answers when the 0.4 s of it are over

DETAILS = {
    "missing": "there is no reader: is it plugged in, and is the path still right?",
    "busy": "another program holds the reader: pcscd, the kernel's pn533 module, another agent",
    "permission": "the agent's user may not open it: a udev rule, or the group dialout, lets it",
    "unplugged": "the reader has gone from its port",
    "no_reply": "the reader does not answer",
    "protocol": "the reader answers with broken or wrong frames",
    "refused": "this cannot be a reader's port",
}
_NUMBERS = {
    errno.EACCES: "permission",
    errno.EPERM: "permission",
    errno.EBUSY: "busy",
    errno.EAGAIN: "busy",  # pyserial's lock
    errno.ENOTTY: "refused",
    errno.ETIMEDOUT: "no_reply",
}
_STUMBLES = (LookupError, TypeError, ValueError, AttributeError, AssertionError, RuntimeError, struct.error)
_USB = ((libusb.USBErrorAccess, "permission"), (libusb.USBErrorBusy, "busy"), (libusb.USBErrorNoDevice, "unplugged"))


class Frontend(nfc.ContactlessFrontend):  # type: ignore[misc]  # nfcpy has no types
    """One opened reader. ``beat`` is called before each exchange; what it raises ends whatever is under way."""

    def __init__(self, beat: Callable[[], None]) -> None:
        super().__init__()
        self._beat = beat
        self._until = 0.0

    def begin(self) -> None:
        """Allow TAG_S for the exchanges that follow."""
        self._until = time.monotonic() + TAG_S

    def sense(self, *targets: Any, **_options: Any) -> Any:
        """Look for a tag, once for each of ``targets``."""
        self._beat()
        return super().sense(*targets, iterations=1)

    def exchange(self, send_data: bytes, timeout: float) -> Any:
        """Send a command to the tag and return its answer."""
        self._beat()
        if time.monotonic() > self._until:
            raise nfc.clf.TimeoutError("this tag takes too long")
        return super().exchange(send_data, min(timeout, WAIT_S))


def open_reader(path: str, beat: Callable[[], None]) -> Frontend:
    """Open a reader by a path of the configuration. Raises DeviceError, or what ``fault`` makes one of."""
    frontend = Frontend(beat)
    port = _uart(path)
    if port is not None:
        frontend.device = _open_uart(port, beat)
    elif path.startswith("usb"):
        _open_usb(frontend, path)
    elif not frontend.open(path):
        raise DeviceError("missing", f"{path}: {DETAILS['missing']}")
    return frontend


def close_reader(frontend: Frontend) -> None:
    """Close a reader for good, whatever state it is in. Never raises; the frontend is not to be used again."""
    device: Any = frontend.device
    frontend.device = None
    chipset: Any = getattr(device, "chipset", None)  # nfcpy's UDP device has none
    with suppress(Exception):
        if isinstance(device, nfc.clf.acr122.Device):
            # nfcpy's own close powers the chip down, and nothing but pulling the plug wakes it (nfcpy #154 and others)
            device.mute()
            chipset.close()
        else:
            device.close()
    if chipset is not None:
        with suppress(Exception):
            chipset.transport.close()  # None where the device was closed in order


def show(frontend: Frontend, *, accepted: bool) -> None:
    """Light the reader up, or buzz, where it can. Takes up to 0.6 s. Raises what nfcpy raises."""
    device = frontend.device
    if accepted:
        device.turn_on_led_and_buzzer()
    elif isinstance(device, nfc.clf.acr122.Device):
        device.chipset.ccid_xfr_block(_REFUSED, timeout=_REFUSED_S)
    device.turn_off_led_and_buzzer()


def fault(error: Exception, path: str, *, opening: bool = False) -> Exception:
    """Return the DeviceError that an error out of nfcpy amounts to; an error of the agent's own as it is."""
    if isinstance(error, DeviceError):
        return error
    reason = _reason(error)
    if reason == "unplugged" and opening:
        reason = "missing"
    return error if reason is None else DeviceError(reason, f"{path}: {DETAILS[reason]}")


def may_be_spurious(error: Exception) -> bool:
    """Tell whether a fault may be a single slip of a reader that is still there."""
    return isinstance(error, DeviceError) and error.reason in {"no_reply", "protocol"}


def _reason(error: Exception) -> str | None:
    causes = list(_chain(error))
    numbers = [
        cause.args[0] if isinstance(cause, termios.error) else cause.errno
        for cause in causes
        if isinstance(cause, (OSError, termios.error))
    ]
    for cause in causes:
        for kind, reason in _USB:
            if isinstance(cause, kind):
                return reason
    for number in numbers:
        if number in _NUMBERS:
            return _NUMBERS[number]
    for cause in causes:
        if isinstance(cause, serial.SerialTimeoutException):
            return "no_reply"
        if isinstance(cause, (serial.SerialException, termios.error)):
            return "unplugged"
    if errno.ENODEV in numbers or errno.ENOENT in numbers:
        return "unplugged"
    if isinstance(error, (OSError, nfc.clf.pn53x.Chipset.Error, nfc.clf.Error, libusb.USBError)):
        return "protocol"
    return "protocol" if stumbled(error, "nfc.") else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def stumbled(error: Exception, where: str) -> bool:
    """Tell whether nfcpy stumbled over what it was sent, in its modules ``where``: IndexError and others were seen."""
    if not isinstance(error, _STUMBLES):
        return False
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and str(place.tb_frame.f_globals.get("__name__")).startswith(where)


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


def _uart(path: str) -> str | None:
    """Return the port of a PN532 on a UART; None for what nfcpy itself has to look for."""
    if path.startswith("/"):
        return path.removesuffix(":pn532")
    found = re.fullmatch(r"tty:([A-Za-z0-9-]+):pn532", path)
    if found is None or found[1] in {"S", "ACM", "AMA", "USB"}:
        return None
    return f"/dev/tty{found[1]}" if re.fullmatch(r"(S|ACM|AMA|USB)\d+", found[1]) else f"/dev/{found[1]}"


def _open_uart(port: str, beat: Callable[[], None]) -> Any:
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
    with suppress(OSError):
        uart.read(100)
        uart.read(100)
    uart.write(nfc.clf.pn53x.Chipset.ACK)
    time.sleep(0.01)
    uart.open(uart.port, _SLOW)


def _open_usb(frontend: Frontend, path: str) -> None:
    """Open the first reader that can be opened: of two alike, nfcpy itself looks at one only."""
    refused: Exception | None = None
    try:
        found = nfc.clf.transport.USB.find(path)
    except OSError as error:
        raise DeviceError("missing", f"{path}: libusb-1.0 is not installed (Debian: libusb-1.0-0)") from error
    for vendor, product, bus, address in found or ():
        if (vendor, product) not in nfc.clf.device.usb_device_map:
            continue
        try:
            if frontend.open(f"usb:{bus:03}:{address:03}"):
                return
        except (OSError, libusb.USBError) as error:
            refused = refused or error
    raise refused or DeviceError("missing", f"{path}: {DETAILS['missing']}")
