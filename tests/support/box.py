"""A box with hardware of our choosing: /sys and /dev as the kernel would show them, in a mount namespace of its own."""

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

# devtmpfs and sysfs can't be written; what a command reads of them is bound over them, for that command alone.
MOUNT = 'mount --rbind "$0/sys" /sys && mount --rbind "$0/dev" /dev && exec "$@"'


@dataclass
class Box:
    """Hardware on paper. ``folder``: where its /sys and /dev are built."""

    folder: Path
    usb: int = field(default=0)

    def __post_init__(self) -> None:
        for name in (
            "sys/class/tty",
            "sys/class/bluetooth",
            "sys/bus/usb/devices",
            "sys/bus/usb-serial",
            "sys/bus/pnp",
        ):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "dev/serial/by-id").mkdir(parents=True)
        (self.folder / "dev/serial/by-path").mkdir()
        for name in ("null", "urandom"):
            (self.folder / "dev" / name).touch()

    def adapter(self, tty: str, product: str, serial: str = "") -> None:
        """Plug in a serial adapter; udev names it by its socket, and by its number where it has one."""
        device = self._usb_device("1a86", "7523", product, serial)
        interface = device / f"{device.name}:1.0"
        port = interface / tty
        port.mkdir(parents=True)
        (port / "subsystem").symlink_to("/sys/bus/usb-serial")
        self._tty(tty, port)
        for folder, name in (("by-id", f"usb-1a86_{product.replace(' ', '_')}{serial and '_' + serial}-if00-port0"),
                             ("by-path", f"pci-0000:00:14.0-usb-0:{self.usb}:1.0-port0")):  # fmt: skip
            link = self.folder / "dev/serial" / folder / name
            link.unlink(missing_ok=True)
            link.symlink_to(f"../../{tty}")

    def board_port(self, tty: str, *, chip: bool) -> None:
        """Add a UART of the board; without a chip, the driver only reserves its number."""
        port = self.folder / "sys/devices/pnp" / tty
        port.mkdir(parents=True)
        (port / "subsystem").symlink_to("/sys/bus/pnp")
        self._tty(tty, port)
        (self.folder / "sys/class/tty" / tty / "type").write_text("4\n" if chip else "0\n", "ascii")

    def nfc_reader(self) -> None:
        """Plug in an ACR122U."""
        self._usb_device("072f", "2200", "ACR122U PICC Interface", "")

    def bluetooth(self, name: str) -> None:
        """Add a Bluetooth adapter."""
        (self.folder / "sys/class/bluetooth" / name).mkdir()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of edge-agent in this box; skip visibly where there are no namespaces of our own."""
        if shutil.which("unshare") is None:
            pytest.skip("unshare is not installed: sudo apt-get install util-linux")
        alone = ["unshare", "-r", "-m", "sh", "-c", MOUNT, str(self.folder)]
        if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
            pytest.skip("no mount namespaces of our own here")
        command = [*alone, sys.executable, "-m", "edge_agent", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def _usb_device(self, vendor: str, product: str, name: str, serial: str) -> Path:
        self.usb += 1
        device = self.folder / "sys/bus/usb/devices" / f"1-{self.usb}"
        device.mkdir()
        attributes = {"idVendor": vendor, "idProduct": product, "product": name, "manufacturer": "ACME",
                      "bNumInterfaces": " 1", "serial": serial}  # fmt: skip
        for key, value in attributes.items():
            if value:
                (device / key).write_text(value + "\n", "utf-8")
        return device

    def _tty(self, tty: str, port: Path) -> None:
        entry = self.folder / "sys/class/tty" / tty
        entry.mkdir()
        (entry / "device").symlink_to("/sys" / port.relative_to(self.folder / "sys"))
        (self.folder / "dev" / tty).touch()
