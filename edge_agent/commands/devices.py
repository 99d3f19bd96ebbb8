"""`edge-agent devices`: what is plugged into this box, by names that stay, each with the table that configures it.

Everything is read from what the kernel and udev already know (/sys, /dev/serial) and from pcscd; no line is opened,
written to or probed: a scale's probe has corrupted a display (OCA/pos #184).
"""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from serial.tools.list_ports import comports
from serial.tools.list_ports_common import ListPortInfo

from edge_agent.commands.doctor import PCSCD_SOCKET
from edge_agent.errors import DeviceError

LINKS = (Path("/dev/serial/by-id"), Path("/dev/serial/by-path"))
TTYS = Path("/sys/class/tty")
USB_DEVICES = Path("/sys/bus/usb/devices")
ADAPTERS = Path("/sys/class/bluetooth")
NO_UART = "0"  # linux/serial_core.h, PORT_UNKNOWN: the driver has a number for it, the board no chip


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that is plugged in. ``table``: the TOML that configures it; ``remarks``: what to know of its name."""

    what: str
    table: str
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join((f"# {self.what}", *(f"# {remark}" for remark in self.remarks), self.table))


def found() -> Iterator[Found]:
    """Yield serial ports, NFC and PC/SC readers and Bluetooth adapters, in that order."""
    ports = sorted(port for port in comports() if _is_real(port))
    for number, port in enumerate(ports, 1):
        yield _serial(port, number)
    yield from _nfc_readers()
    yield from _pcsc_readers()
    yield from _adapters()


def _is_real(port: ListPortInfo) -> bool:
    try:
        return (TTYS / port.name / "type").read_text("ascii").strip() != NO_UART
    except OSError:  # only UARTs have a type; an adapter on USB is there or not
        return True


def _serial(port: ListPortInfo, number: int) -> Found:
    by_id, by_path = (_link(folder, Path(port.device)) for folder in LINKS)
    # An adapter without a number of its own shares its by-id name with its twin.
    stable = (by_id if port.serial_number else by_path) or by_path or by_id
    remarks = []
    if stable is None and port.vid is None:
        remarks.append("a port on the board: its name stays")
    elif stable is None:
        remarks.append("udev gives it no stable name: it may be another one after the next start")
    elif not port.serial_number:
        remarks.append("it has no serial number: this name is that of the socket, so keep the plug where it is")
    remarks.append("nothing was asked of it; decoder is one of escpos linedisplay scanner lines scale ecr")
    table = _table(
        f"serial-{number}", "serial", f'port = "{stable or port.device}"', "baudrate = 9600", 'decoder = "escpos"'
    )
    maker = " ".join(filter(None, (port.manufacturer, port.product))) or port.description
    return Found(f"serial port {port.device}: {_one_line(maker)}", table, tuple(remarks))


def _link(folder: Path, device: Path) -> Path | None:
    """Return udev's name of a device in a folder, or None."""
    try:
        return next((link for link in sorted(folder.iterdir()) if link.resolve() == device), None)
    except OSError:
        return None


def _nfc_readers() -> Iterator[Found]:
    """Yield readers that nfcpy drives on USB. One on a serial adapter can't be told from a register."""
    from nfc.clf.device import usb_device_map  # noqa: PLC0415 - nfcpy takes a while to load

    seen: dict[str, int] = {}
    for device in sorted(USB_DEVICES.glob("*")):
        vendor, product = _attribute(device, "idVendor"), _attribute(device, "idProduct")
        try:
            driver = usb_device_map.get((int(vendor, 16), int(product, 16)))
        except ValueError:
            continue
        if driver is None:
            continue
        path = f"usb:{vendor}:{product}"
        seen[path] = seen.get(path, 0) + 1
        several = "there are several of these: name each by usb:BUS:DEVICE, and keep the plugs"
        remarks = (several,) if seen[path] > 1 else ()
        name = f"nfc-{sum(seen.values())}"
        maker = _one_line(f"{_attribute(device, 'manufacturer')} {_attribute(device, 'product')}")
        yield Found(f"NFC reader: {maker} ({driver})", _table(name, "nfc", f'path = "{path}"'), remarks)


def _pcsc_readers() -> Iterator[Found]:
    """Yield the readers pcscd has, which it lists without touching them."""
    if not PCSCD_SOCKET.exists() or importlib.util.find_spec("smartcard") is None:
        return
    from smartcard.pcsc.PCSCExceptions import BaseSCardException  # noqa: PLC0415 - an extra
    from smartcard.System import readers  # noqa: PLC0415 - an extra

    try:
        listed = readers()
    except BaseSCardException as error:  # polkit lets root and whoever sits at the box ask
        raise DeviceError("permission", f"pcscd does not tell its readers: {_one_line(str(error))}; use sudo") from None
    for number, reader in enumerate(listed, 1):
        name = _one_line(str(reader)).replace("\\", "\\\\").replace('"', '\\"')
        yield Found(f"PC/SC reader: {name}", _table(f"pcsc-{number}", "pcsc", f'reader = "{name}"'))


def _adapters() -> Iterator[Found]:
    for adapter in sorted(path.name for path in ADAPTERS.glob("hci*") if ":" not in path.name):  # hci0:64 is a link
        yield Found(f"Bluetooth adapter {adapter}", _table(f"ble-{adapter}", "ble", f'adapter = "{adapter}"'))


def _table(name: str, kind: str, *keys: str) -> str:
    return "\n".join(("[[device]]", f'id = "{name}"', f'kind = "{kind}"', 'touchpoint = "till-1"', *keys, ""))


def _attribute(device: Path, name: str) -> str:
    try:
        return (device / name).read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _one_line(text: str) -> str:
    """Return what a device says of itself as one printable line: it is put behind a # of TOML."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip() or "no name"
