"""nfcpy as a driver: a reader opened, watched, lit up and closed.

nfcpy 1.0.4 is the last there will be. What is done round it here was seen to be needed: see docs/nfc.md.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import nfc
import nfc.clf
import nfc.clf.acr122
import nfc.clf.transport

from edge_agent.devices.nfc import uart
from edge_agent.devices.nfc.faults import DETAILS
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
# ACR122U, API manual 2.04, section 6.2: red, and twice 0.1 s of the buzzer. Accepted, 0.3 s of it, is nfcpy's own.
_REFUSED = bytes.fromhex("FF00400D0401010201")
_REFUSED_S = 0.6  # the reader answers when the 0.4 s of it are over


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
    port = uart.port_of(path)
    if port is not None:
        frontend.device = uart.open_port(port, beat)
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
        except Exception as error:  # noqa: BLE001 - it is raised below, unless another can be opened
            refused = refused or error
    raise refused or DeviceError("missing", f"{path}: {DETAILS['missing']}")
