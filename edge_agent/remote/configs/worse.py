"""Whether a config makes things worse: the devices that worked before, compared with how they are now. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from edge_agent.config.devices import (
    BleSettings,
    DeviceSettings,
    NfcSettings,
    PcscSettings,
    SerialSettings,
    TcpListenSettings,
    TcpSettings,
)
from edge_agent.generation import STARTING, Generation

# A port that a process has just let go of is free within the second, a reader opens in 3 s, a device server that has
# one connection at a time takes some seconds to notice that the last one has gone.
GRACE_S = 10
# It came up with this config, then its plug was pulled: no config does that.
PULLED_OUT = frozenset({"unplugged", "missing"})
# Receipts of which none could be read, of a till that used to have nine in ten read of ten or more: three odd ones in
# a row come by chance once in a thousand.
UNREAD, ENOUGH, USUAL_SHARE = 3, 10, 0.9


@dataclass(frozen=True, slots=True)
class Seen:
    """A device at one moment. ``read_by``: what its bytes are read with; ``receipts``: of a till, that had text."""

    settings: DeviceSettings
    read_by: str
    state: str
    reason: str
    detail: str
    receipts: int
    orders: int
    layout_changed: bool


def seen(generation: Generation) -> dict[str, Seen]:
    """Return how each device of a generation is now."""
    read_by = generation.shop.read_by
    return {
        id_: Seen(
            running.settings,
            read_by.get(id_, ""),
            running.state,
            running.reason,
            running.detail,
            running.heard["Receipt"] + running.heard["Record"] - running.heard["textless"],
            running.heard["order"],
            generation.shop.layouts.has_changed(id_),
        )
        for id_, running in generation.devices.items()
    }


@dataclass(slots=True)
class Comparison:
    """Devices that worked ``before``, followed through a trial."""

    before: Mapping[str, Seen]
    _up: set[str] = field(default_factory=set)
    _failing_since_ms: dict[str, int] = field(default_factory=dict)

    def fault(self, now: Mapping[str, Seen], at_ms: int, grace_ms: int) -> str | None:
        """Return what the config has broken, in one line; None: nothing so far.

        ``at_ms``: uptime. ``grace_ms``: for how long a device may fail before that counts; 0: it is the end.
        """
        for id_, was, device in self._changed(now):
            if device.state == "up":
                self._up.add(id_)
            has_said = device.reason != STARTING or not grace_ms
            if not (has_said and self._fails(id_, was, device)):
                self._failing_since_ms.pop(id_, None)
            elif at_ms - self._failing_since_ms.setdefault(id_, at_ms) >= grace_ms:
                return f"{id_}: {device.reason}: {device.detail}" if device.detail else f"{id_}: {device.reason}"
            if device.layout_changed and not was.layout_changed:
                return f"{id_}: its receipts are no longer read: layout_changed"
            if _unread(was, device):
                return f"{id_}: {device.receipts} receipts came and none was read"
        return None

    def _changed(self, now: Mapping[str, Seen]) -> Iterator[tuple[str, Seen, Seen]]:
        """Yield the devices that worked before and that the config changes: what they were, and what they are."""
        places = {place(was.settings): was for was in self.before.values()}
        for id_, device in now.items():
            was = self.before.get(id_) or places.get(place(device.settings))
            if was is not None and was.state != "down" and _differs(was, device):
                yield id_, was, device

    def _fails(self, id_: str, was: Seen, device: Seen) -> bool:
        if device.state == "down":
            return not (id_ in self._up and device.reason in PULLED_OUT)
        return device.state == "degraded" and was.state != "degraded"


def starting(devices: Mapping[str, Seen]) -> bool:
    """Tell whether a device has not yet said whether it works."""
    return any(device.reason == STARTING for device in devices.values())


def place(settings: DeviceSettings) -> tuple[object, ...]:
    """Return what a device is at the far end of, whatever it is called."""
    match settings:
        case SerialSettings():
            return "serial", settings.port
        case TcpSettings():
            return "tcp", settings.host, settings.port
        case TcpListenSettings():
            return "listen", settings.listen
        case NfcSettings():
            return "nfc", settings.path
        case PcscSettings():
            return "pcsc", settings.reader
        case BleSettings():
            return "ble", settings.adapter
        case _:
            return "id", settings.id


def _differs(was: Seen, device: Seen) -> bool:
    """Tell whether a device is opened or read differently; what people call it and where it stands is neither."""
    people_say = {"name", "touchpoint"}
    return was.read_by != device.read_by or (
        was.settings.model_dump(exclude=people_say) != device.settings.model_dump(exclude=people_say)
    )


def _unread(was: Seen, device: Seen) -> bool:
    usual = was.receipts >= ENOUGH and was.orders >= USUAL_SHARE * was.receipts
    return usual and device.receipts >= UNREAD and device.orders == 0
