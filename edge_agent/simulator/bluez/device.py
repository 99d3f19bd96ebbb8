"""What BlueZ keeps of a device it hears, and which of it it reports (BlueZ's src/adapter.c and src/device.c). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from dbus_fast import Variant

DEVICE = "org.bluez.Device1"
Properties = dict[str, Variant]
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Advert:
    """One advertisement on the air. ``manufacturer``: by company number; ``services``: service data by UUID; dBm."""

    address: str
    rssi: int
    address_type: str = "random"
    name: str | None = None
    tx_power: int | None = None
    manufacturer: Mapping[int, bytes] = field(default_factory=dict)
    services: Mapping[str, bytes] = field(default_factory=dict)
    uuids: tuple[str, ...] = ()


class Device:
    """One Device1 object. Data of adverts is merged: what one advert carried stays beside what the next one brings."""

    def __init__(self, adapter: str, advert: Advert) -> None:
        """``adapter``: the adapter's object path."""
        self.path = f"{adapter}/dev_{advert.address.replace(':', '_')}"
        self.heard_at = 0.0
        self._adapter = adapter
        self._address = advert.address
        self._address_type = advert.address_type
        self._seen: Properties = {}  # what adverts said, as properties
        self._rssi: int | None = None
        self._manufacturer: dict[int, bytes] = {}
        self._services: dict[str, bytes] = {}
        self._uuids: tuple[str, ...] = ()

    def hear(self, advert: Advert, *, duplicates: bool, threshold: int) -> Properties:
        """Take an advert in; return the properties to report.

        ``duplicates``: report data also if it is what it was. ``threshold``: report the strength only when it differs
        from the last reported one by at least this many dB; 0 reports every one.
        """
        changed: Properties = {}
        if self._rssi is None or abs(advert.rssi - self._rssi) >= threshold:
            self._rssi = advert.rssi
            changed["RSSI"] = Variant("n", advert.rssi)
        if advert.manufacturer and (_merge(self._manufacturer, advert.manufacturer) or duplicates):
            values = {company: Variant("ay", data) for company, data in self._manufacturer.items()}
            changed["ManufacturerData"] = Variant("a{qv}", values)
        if advert.services and (_merge(self._services, advert.services) or duplicates):
            values_ = {uuid: Variant("ay", data) for uuid, data in self._services.items()}
            changed["ServiceData"] = Variant("a{sv}", values_)
        if new := [uuid for uuid in advert.uuids if uuid not in self._uuids]:
            self._uuids += tuple(new)
            changed["UUIDs"] = Variant("as", list(self._uuids))
        if advert.tx_power is not None and self._differs("TxPower", advert.tx_power):
            changed["TxPower"] = Variant("n", advert.tx_power)
        if advert.name is not None and self._differs("Name", advert.name):
            changed["Name"] = changed["Alias"] = Variant("s", advert.name)
        self._seen |= changed
        return changed

    def forget_strength(self) -> list[str]:
        """Forget what only holds while discovering; return the names of the properties that are gone."""
        self._rssi = None
        gone: list[str] = [name for name in ("RSSI", "TxPower") if name in self._seen]
        for name in gone:
            del self._seen[name]
        return gone

    def properties(self) -> Properties:
        """Return all properties."""
        return {
            "Address": Variant("s", self._address),
            "AddressType": Variant("s", self._address_type),
            "Alias": Variant("s", self._address.replace(":", "-")),
            "Adapter": Variant("o", self._adapter),
            "UUIDs": Variant("as", []),
            "Paired": Variant("b", False),
            "Bonded": Variant("b", False),
            "Trusted": Variant("b", False),
            "Blocked": Variant("b", False),
            "LegacyPairing": Variant("b", False),
            "Connected": Variant("b", False),
            "ServicesResolved": Variant("b", False),
            **self._seen,
        }

    def _differs(self, name: str, value: object) -> bool:
        known = self._seen.get(name)
        return known is None or known.value != value


def _merge(known: dict[_Key, bytes], news: Mapping[_Key, bytes]) -> bool:
    changed = any(known.get(key) != data for key, data in news.items())
    known.update(news)
    return changed
