"""What nfcpy's many errors amount to, in the few words that a device's status and the page know."""

import errno
import struct
import termios
from collections.abc import Iterator

import nfc.clf
import nfc.clf.pn53x
import serial
from nfc.clf.transport import libusb

from edge_agent.errors import DeviceError

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
