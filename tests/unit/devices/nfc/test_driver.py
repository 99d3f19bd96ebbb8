"""What nfcpy's errors amount to, and which port a path is."""

import errno
import termios

import pytest
import serial
from nfc.clf import TimeoutError as NoAnswer
from nfc.clf.pn53x import Chipset
from nfc.clf.transport import libusb

from edge_agent.devices.nfc import uart
from edge_agent.devices.nfc.faults import DETAILS, fault, may_be_spurious
from edge_agent.errors import DeviceError
from edge_agent.page.advice import known_codes


def because(error: Exception, cause: Exception) -> Exception:
    """Return an error raised while another was handled, as nfcpy does it."""
    error.__context__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EIO, ""), "protocol"),
        (because(OSError(errno.EIO, ""), OSError(errno.ETIMEDOUT, "")), "no_reply"),
        (because(OSError(errno.EIO, ""), serial.SerialException("write failed")), "unplugged"),
        (OSError(errno.ETIMEDOUT, ""), "no_reply"),
        (OSError(errno.ENODEV, ""), "unplugged"),
        (OSError(errno.EBUSY, ""), "busy"),
        (serial.SerialException(errno.EACCES, ""), "permission"),
        (serial.SerialException(errno.EAGAIN, ""), "busy"),
        (serial.SerialException("device reports readiness to read but returned no data"), "unplugged"),
        (serial.SerialTimeoutException("Write timeout"), "no_reply"),
        (because(serial.SerialException("could not configure"), termios.error(errno.ENOTTY, "")), "refused"),
        (termios.error(errno.EIO, "Input/output error"), "unplugged"),
        (Chipset.Error(0x7F, "error frame"), "protocol"),
        (Chipset.Error(errno.EBUSY, "a chip's number is no errno"), "protocol"),
        (NoAnswer(), "protocol"),
        (libusb.USBErrorAccess(), "permission"),
        (libusb.USBErrorBusy(), "busy"),
        (libusb.USBErrorNoDevice(), "unplugged"),
        (libusb.USBErrorPipe(), "protocol"),
    ],
)
def test_each_error_amounts_to_a_reason(error: Exception, reason: str) -> None:
    found = fault(error, "usb")
    assert isinstance(found, DeviceError)
    assert (found.reason, found.detail) == (reason, f"usb: {DETAILS[reason]}")
    assert may_be_spurious(found) == (reason in {"no_reply", "protocol"})


def test_nothing_is_unplugged_that_was_never_there() -> None:
    found = fault(serial.SerialException(errno.ENOENT, "could not open port"), "x", opening=True)
    assert isinstance(found, DeviceError)
    assert found.reason == "missing"


def test_a_defect_of_ours_stays_one() -> None:
    with pytest.raises(IndexError) as caught:
        [].pop()
    assert fault(caught.value, "usb") is caught.value


def test_each_reason_has_its_advice() -> None:
    assert {f"device_{reason}" for reason in (*DETAILS, "hung")} <= known_codes()


@pytest.mark.parametrize(
    ("path", "port"),
    [
        ("/dev/serial/by-id/usb-1a86:pn532", "/dev/serial/by-id/usb-1a86"),
        ("tty:nfc-counter:pn532", "/dev/nfc-counter"),
        ("tty:USB0:pn532", "/dev/ttyUSB0"),
        ("tty:USB:pn532", None),
        ("tty:USB0:arygon", None),
        ("usb:072f:2200", None),
        ("udp:localhost:54321", None),
    ],
)
def test_ports_of_paths(path: str, port: str | None) -> None:
    assert uart.port_of(path) == port
