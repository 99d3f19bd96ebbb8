"""Devices heard: bounded in number, and never a member's visit lost to a flood of strangers."""

from collections import OrderedDict
from collections.abc import Iterator
from itertools import chain

from edge_agent.shop.presence.signal import STALE_MS, Signal
from edge_agent.shop.presence.visits import Visit

TRACKED_MAX = 5_000
# Nothing is known any more of who has no visit and was silent for four times as long as smoothing reaches.
FORGET_AFTER_MS = 4 * STALE_MS

Key = bytes | tuple[str, str]  # a stranger's keyed hash, or an identity's bearer


class Device:
    """One device: its signals by scanner, its visit if there is one, and the zone that may take it over.

    ``name``: what its address is called today, where it is not a stranger.
    """

    __slots__ = ("key", "name", "rival", "rival_since_ms", "seen_ms", "signals", "visit")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.signals: dict[str, Signal] = {}
        self.visit: Visit | None = None
        self.rival: str | None = None
        self.rival_since_ms = 0
        self.seen_ms = 0
        self.name: bytes | None = None

    def is_gone(self, leave_after_ms: int, uptime_ms: int) -> bool:
        """Whether no scanner that has heard it keeps it here, each by its own clock."""
        kept = False
        for signal in tuple(self.signals.values()):
            scanner = signal.scanner
            if scanner.is_settled(uptime_ms) and signal.silence_ms(uptime_ms) >= leave_after_ms:
                del self.signals[scanner.name]  # it has said its last word, even if it freezes now
            elif not (scanner.running and signal.is_weak):
                kept = True
        return not kept


class Devices:
    """At most ``TRACKED_MAX`` devices, each kind in order of last sight: strangers go first, visitors last."""

    def __init__(self) -> None:
        self._strangers: OrderedDict[Key, Device] = OrderedDict()
        self._known: OrderedDict[Key, Device] = OrderedDict()
        self._visitors: OrderedDict[Key, Device] = OrderedDict()
        self._named: dict[bytes, Device] = {}

    def __len__(self) -> int:
        return len(self._strangers) + len(self._known) + len(self._visitors)

    @property
    def visitors(self) -> int:
        """How many are on a visit."""
        return len(self._visitors)

    def __iter__(self) -> Iterator[Device]:
        """Go through those on a visit; they may end it meanwhile."""
        return iter(list(self._visitors.values()))

    def heard_by(self, scanner: str, since_ms: int) -> int:
        """Return how many devices a scanner has heard since an uptime."""
        everybody = chain(self._strangers.values(), self._known.values(), self._visitors.values())
        signals = (device.signals.get(scanner) for device in everybody)
        return sum(signal is not None and signal.heard_ms >= since_ms for signal in signals)

    def stranger(self, key: bytes) -> Device | None:
        """Return a stranger heard before, now the last one heard; or the identified device of that address."""
        owner = self._named.get(key)
        if owner is not None:
            return owner
        device = self._strangers.get(key)
        if device is not None:
            self._strangers.move_to_end(key)
        return device

    def known(self, key: tuple[str, str]) -> Device | None:
        """Return an identified device heard before, now the last one heard."""
        device = self._visitors.get(key)
        if device is not None:
            self._visitors.move_to_end(key)
            return device
        device = self._known.get(key)
        if device is not None:
            self._known.move_to_end(key)
        return device

    def call(self, device: Device, name: bytes) -> bool:
        """Note an identified device's address by its name; tell whether it passed for a stranger until now.

        Badges say who they are in one advertisement and how their battery does in the next.
        """
        self._unname(device)
        device.name = name
        self._named[name] = device
        return self._strangers.pop(name, None) is not None

    def room(self) -> Device | None:
        """Make room for one more; return the visitor who had to go, if only visitors are left."""
        if len(self) < TRACKED_MAX:
            return None
        for group in (self._strangers, self._known):
            if group:
                self.remove(next(iter(group.values())))
                return None
        return next(iter(self._visitors.values()))

    def add(self, device: Device) -> None:
        """Put a device where it belongs."""
        self._group(device)[device.key] = device

    def begin(self, device: Device, visit: Visit) -> None:
        """Note that its visit begins."""
        self._group(device).pop(device.key, None)
        device.visit = visit
        self.add(device)

    def end(self, device: Device) -> None:
        """Note that its visit ended; it may still be heard."""
        self._visitors.pop(device.key, None)
        device.visit = device.rival = None
        self.add(device)

    def remove(self, device: Device) -> None:
        """Forget a device."""
        self._group(device).pop(device.key, None)
        self._unname(device)

    def expire(self, uptime_ms: int) -> None:
        """Forget who has no visit and was not heard for long."""
        for group in (self._strangers, self._known):
            while group:
                oldest = next(iter(group.values()))
                if uptime_ms - oldest.seen_ms < FORGET_AFTER_MS:
                    break
                self.remove(oldest)

    def forget_strangers(self) -> None:
        """Forget all strangers and all names: the key that gave them is gone."""
        self._strangers.clear()
        self._named.clear()

    def _unname(self, device: Device) -> None:
        """Take a device's name; where two identities share an address, the one named last keeps it."""
        if device.name is not None and self._named.get(device.name) is device:
            del self._named[device.name]
        device.name = None

    def _group(self, device: Device) -> OrderedDict[Key, Device]:
        if device.visit is not None:
            return self._visitors
        return self._strangers if isinstance(device.key, bytes) else self._known
