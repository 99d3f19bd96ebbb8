"""An ACR122U without hardware: nfcpy's own driver for it, over CCID frames, on the simulated chip."""

import errno
import os
import struct
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from edge_agent.simulator.pn532.chip import Chip

VENDOR, PRODUCT = 0x072F, 0x2200
BUZZER = 0x40  # P2 of the pseudo-APDUs FF 00 40 …, that move the light and the buzzer
POWER_DOWN = 0x16

Told = list[tuple[str, bytes]]


class Usb:
    """One reader: what nfcpy's USB transport is to its driver.

    ``told``: each pseudo-APDU for lights and each command to the chip, with the name of the thread that sent it.
    ``gone``: it was pulled out. ``spoil``: makes of a frame to the host what arrives there.
    """

    TYPE = "USB"
    manufacturer_name = "ACS"
    product_name = "ACR122U PICC Interface"

    def __init__(self, address: int, *, refuses: int = 0) -> None:
        self.address = address
        self.refuses = refuses
        self.chip = Chip(lambda _: None)
        self.told: Told = []
        self.gone = False
        self.powered_down = False
        self.opened = 0
        self.spoil: Callable[[bytes], bytes] = lambda frame: frame
        self._answer = b""

    @property
    def lights(self) -> list[str]:
        """Return the pseudo-APDUs for lights and buzzer, in hexadecimal."""
        return [command.hex().upper() for _, command in self.told if command[:3] == b"\xff\x00\x40"]

    def open(self) -> "Usb":
        """Claim it, as nfcpy does. Raises OSError."""
        if self.refuses or self.opened or self.gone:
            number = self.refuses or (errno.ENODEV if self.gone else errno.EBUSY)
            raise OSError(number, os.strerror(number))
        self.opened += 1
        return self

    def write(self, frame: bytes) -> None:
        if self.gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        data = bytes(frame[10:])
        self.told.append((threading.current_thread().name, data))
        if frame[0] == 0x62:
            answer = b""
        elif data[:5] == bytes.fromhex("FF00480000"):
            answer = b"ACR122U215"
        elif data[:3] == b"\xff\x00\x00" and data[5:6] == b"\xd4":
            answer = self._chip(data[6:])
        else:
            answer = b"\x90\x00"
        self._answer = struct.pack("<BI5B", 0x80, len(answer), 0, 0, 0, 0, 0) + answer

    def read(self, timeout: int = 0) -> bytearray:
        if self.gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        return bytearray(self.spoil(self._answer))

    def close(self) -> None:
        self.opened -= 1

    def _chip(self, command: bytes) -> bytes:
        if self.powered_down:
            return b"\x63\x00"  # nothing but pulling the plug wakes the chip behind this reader
        self.powered_down = command[0] == POWER_DOWN
        reply = self.chip.execute(command)
        return b"\x63\x00" if reply.data is None else b"\xd5" + reply.data + b"\x90\x00"


def plug_in(monkeypatch: pytest.MonkeyPatch, readers: Iterable[Usb]) -> None:
    """Have nfcpy find these readers on the bus, instead of those that are there."""
    by_address = {reader.address: reader for reader in readers}

    class Bus:
        TYPE = "USB"

        def __new__(cls, _bus: int, address: int) -> Any:
            return by_address[address].open()

        @classmethod
        def find(cls, path: str) -> list[tuple[int, int, int, int]] | None:
            if not path.startswith("usb"):
                return None
            wanted = int(path.split(":")[2]) if path.startswith("usb:001:") else None
            return [(VENDOR, PRODUCT, 1, address) for address in by_address if wanted in {None, address}]

    monkeypatch.setattr("nfc.clf.transport.USB", Bus)
    monkeypatch.setattr("nfc.clf.device.os.access", lambda *_: True)
