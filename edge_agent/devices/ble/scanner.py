"""One bleak scanner on a D-Bus connection of its own, used once.

bleak shares one connection between all scanners of a process. BlueZ keeps the discovery of a start that was given up
waiting for, and of a stop that failed, with the connection that asked for it, and refuses that connection another;
bleak keeps the callbacks of a scanner that could not be stopped and calls them beside those of the next. Neither
outlives a connection that is closed, so each scanner has one.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from bleak import BleakScanner
from bleak.args.bluez import BlueZDiscoveryFilters
from bleak.backends.bluezdbus.manager import BlueZManager
from bleak.backends.bluezdbus.scanner import BleakScannerBlueZDBus
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableError, BleakDBusError, BleakError
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

from edge_agent.devices.ble.watch import disconnect
from edge_agent.errors import DeviceError

Heard = Callable[[BLEDevice, AdvertisementData], None]

# Both print raw addresses: bleak every signal at DEBUG, dbus-fast whatever a signal broke. Nobody may turn that on by
# setting the root logger or BLEAK_LOGGING.
for _name in ("bleak", "dbus_fast"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)  # noqa: TID251 - not ours: to be kept silent

# BlueZ reports every advert only with both: RSSI alone switches off its threshold of 8 dB, DuplicateData repeats data
# that did not change. -127 is the least that a radio can report (Core specification, HCI LE Advertising Report).
FILTERS: BlueZDiscoveryFilters = {"DuplicateData": True, "RSSI": -127}

# What bleak lets through when a connection ends under it: a missing answer is None to its assertions.
_FAILURES = (BleakError, DBusFastError, OSError, EOFError, AssertionError, AttributeError)


class _OwnConnection(BleakScannerBlueZDBus):
    """bleak's scanner, but for whose connection it uses."""

    manager: BlueZManager | None = None

    async def start(self) -> None:
        self.manager = BlueZManager()
        await self.manager.async_init()
        self._stop = await self.manager.active_scan(
            f"/org/bluez/{self._adapter}", self._filters, self._handle_advertising_data, self._handle_device_removed
        )


class Scanner:
    """Start it, close it; then make another."""

    def __init__(self, adapter: str, heard: Heard) -> None:
        """``heard`` is called for every advertisement and every other change of a device; it must not raise."""
        self._adapter = adapter
        self._bleak = BleakScanner(heard, bluez={"adapter": adapter, "filters": FILTERS}, backend=_OwnConnection)

    async def start(self, *, within: float) -> None:
        """Start to scan. DeviceError ``start_hung`` after ``within`` seconds, ``start_refused``, ``permission``."""
        try:
            async with asyncio.timeout(within):
                await self._bleak.start()
        except TimeoutError:
            raise DeviceError("start_hung", f"{self._adapter}: BlueZ does not answer the start of the scan") from None
        except BleakBluetoothNotAvailableError as error:
            raise DeviceError("permission", f"the system's D-Bus refuses this user: {error}") from error
        except BleakDBusError as error:
            if error.dbus_error.endswith(".AccessDenied"):
                raise DeviceError("permission", f"{self._adapter}: BlueZ may not be used: {error}") from error
            raise DeviceError("start_refused", f"{self._adapter}: {error}") from error
        except _FAILURES as error:
            raise DeviceError("start_refused", f"{self._adapter}: {type(error).__name__} {error}") from error

    @property
    def connected(self) -> bool:
        """Whether its connection, once made, still is."""
        bus = self._bus
        return bus is not None and bus.connected

    @property
    def _bus(self) -> MessageBus | None:
        backend: _OwnConnection = self._bleak._backend  # type: ignore[assignment]  # noqa: SLF001 - the one given above
        manager = backend.manager
        return manager._bus if manager is not None else None  # noqa: SLF001 - bleak has no way to let go of it

    async def close(self, *, within: float) -> None:
        """End the scan: politely if BlueZ answers ``within`` seconds, else by closing the connection alone."""
        bus = self._bus
        if bus is None:
            return
        try:
            if bus.connected:
                with suppress(TimeoutError, *_FAILURES):
                    async with asyncio.timeout(within):
                        await self._bleak.stop()
        finally:
            await disconnect(bus, within=within)
