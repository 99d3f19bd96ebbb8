"""One simulated Bluetooth adapter: who discovers, what is heard, what is reported, and its faults.

The rules are those of BlueZ 5.66 (src/adapter.c): one discovery session a sender, adverts reach everybody on the bus
while anybody discovers, and the end of the last session takes RSSI and TxPower away from every device, which bleak
passes on as an advert of strength -127.
"""

import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Literal, Protocol

from dbus_fast import DBusError, Variant

from edge_agent.simulator.bluez.device import DEVICE, Advert, Device, Properties

ADAPTER = "org.bluez.Adapter1"
RSSI_THRESHOLD_DB = 8  # RSSI_THRESHOLD of BlueZ's src/device.c

MuteUntil = Literal["unmute", "start", "power"]  # what lets a muted radio hear again


class Signals(Protocol):
    """Where an adapter reports to."""

    def changed(self, path: str, interface: str, changed: Properties, gone: list[str]) -> None:
        """Report PropertiesChanged."""

    def added(self, path: str, interfaces: Mapping[str, Properties]) -> None:
        """Report InterfacesAdded."""

    def removed(self, path: str, interfaces: list[str]) -> None:
        """Report InterfacesRemoved."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a sender gave to SetDiscoveryFilter, as far as it matters for adverts."""

    given: Properties = field(default_factory=dict)

    @property
    def duplicates(self) -> bool:
        """Whether data is to be reported also when it did not change."""
        return bool(self._value("DuplicateData", default=False))

    @property
    def rssi(self) -> int | None:
        """The weakest strength to report, if one was set."""
        value = self._value("RSSI", default=None)
        return None if value is None else int(value)

    def passes(self, advert: Advert) -> bool:
        """Tell whether this sender wants to hear of the advert."""
        uuids = self._value("UUIDs", default=[])
        return (self.rssi is None or advert.rssi >= self.rssi) and (
            not uuids or not set(uuids).isdisjoint(advert.uuids)
        )

    def _value(self, name: str, *, default: Any) -> Any:
        return self.given[name].value if name in self.given else default


@dataclass(slots=True)
class Faults:
    """What is wrong with the adapter now. ``refusals``: D-Bus error names, one for each coming StartDiscovery."""

    muted: MuteUntil | None = None
    paused: bool = False  # scanning ended although sessions are left
    hang_start: bool = False
    refusals: deque[str] = field(default_factory=deque)


class Adapter:
    """One Adapter1 object and its devices."""

    def __init__(self, name: str, signals: Signals) -> None:
        """``name``: hci0 and so on."""
        self.name = name
        self.path = f"/org/bluez/{name}"
        self.powered = True
        self.faults = Faults()
        self.sessions: dict[str, Filter] = {}  # by sender
        self.devices: dict[str, Device] = {}  # by address, the longest unheard first
        self._filters: dict[str, Filter] = {}  # by sender, discovering or not
        self._signals = signals
        self._shown_discovering = False
        rng = random.Random(name)  # noqa: S311 - an address, not a secret
        self.address = "02:" + ":".join(f"{rng.randrange(256):02X}" for _ in range(5))

    @property
    def discovering(self) -> bool:
        """Whether the adapter says it scans; a muted one does."""
        return self.powered and bool(self.sessions) and not self.faults.paused

    def properties(self) -> Properties:
        """Return all properties."""
        return {
            "Address": Variant("s", self.address),
            "AddressType": Variant("s", "public"),
            "Name": Variant("s", "shop"),
            "Alias": Variant("s", "shop"),
            "Class": Variant("u", 0),
            "Powered": Variant("b", self.powered),
            "Discoverable": Variant("b", False),
            "Pairable": Variant("b", False),
            "Discovering": Variant("b", self.discovering),
            "UUIDs": Variant("as", []),
        }

    def hear(self, advert: Advert, now: float) -> bool:
        """Take an advert from the air; False if it is not reported because nobody listens. ``now``: loop time."""
        if not self.discovering or self.faults.muted or not any(f.passes(advert) for f in self.sessions.values()):
            return False
        filters = self.sessions.values()
        every = any(f.duplicates and f.rssi is not None for f in filters)
        device = self.devices.pop(advert.address, None)
        known = device is not None
        device = device or Device(self.path, advert)
        device.heard_at = now
        self.devices[advert.address] = device
        changed = device.hear(
            advert,
            duplicates=any(f.duplicates for f in filters),
            threshold=0 if every else RSSI_THRESHOLD_DB,
        )
        if not known:
            self._signals.added(device.path, {DEVICE: device.properties()})
        elif changed:
            self._signals.changed(device.path, DEVICE, changed, [])
        return True

    def set_filter(self, sender: str, given: Properties) -> None:
        """SetDiscoveryFilter: an empty one takes the filter away."""
        self._filters[sender] = Filter(given)
        if sender in self.sessions:
            self.sessions[sender] = self._filters[sender]

    def start(self, sender: str) -> bool:
        """StartDiscovery; False if it is never to be answered. Raises DBusError as BlueZ does."""
        if self.faults.hang_start:
            return False
        if self.faults.refusals:
            raise DBusError(self.faults.refusals.popleft(), "Operation already in progress")
        if not self.powered:
            raise DBusError("org.bluez.Error.NotReady", "Resource Not Ready")
        if sender in self.sessions:
            raise DBusError("org.bluez.Error.InProgress", "Operation already in progress")
        if self.faults.muted == "start":
            self.faults.muted = None
        self.faults.paused = False
        self.sessions[sender] = self._filters.get(sender, Filter())
        self.show()
        return True

    def stop(self, sender: str) -> None:
        """StopDiscovery. Raises DBusError as BlueZ does."""
        if not self.powered:
            raise DBusError("org.bluez.Error.NotReady", "Resource Not Ready")
        if sender not in self.sessions:
            raise DBusError("org.bluez.Error.Failed", "No discovery started")
        self.leave(sender)

    def leave(self, sender: str) -> None:
        """End the sender's session, if it has one, and forget its filter."""
        self._filters.pop(sender, None)
        if self.sessions.pop(sender, None) is not None and not self.sessions:
            self._end_discovery()

    def power(self, *, on: bool) -> None:
        """Switch the radio; off ends every session."""
        if on == self.powered:
            return
        self.powered = on
        if on and self.faults.muted == "power":
            self.faults.muted = None
        self._signals.changed(self.path, ADAPTER, {"Powered": Variant("b", on)}, [])
        if not on:
            self._filters.clear()
            self.sessions.clear()
            self._end_discovery()

    def show(self) -> None:
        """Report Discovering if it is not what it was."""
        if self.discovering != self._shown_discovering:
            self._shown_discovering = self.discovering
            self._signals.changed(self.path, ADAPTER, {"Discovering": Variant("b", self.discovering)}, [])

    def remove(self, address: str) -> bool:
        """Forget a device; False if it is not known."""
        device = self.devices.pop(address, None)
        if device is not None:
            self._signals.removed(device.path, [DEVICE])
        return device is not None

    def expire(self, heard_before: float) -> None:
        """Forget the devices not heard since then (loop time)."""
        for address in [a for a, _ in takewhile(lambda known: known[1].heard_at < heard_before, self.devices.items())]:
            self.remove(address)

    def _end_discovery(self) -> None:
        self.show()
        for device in self.devices.values():
            if gone := device.forget_strength():
                self._signals.changed(device.path, DEVICE, {}, gone)
