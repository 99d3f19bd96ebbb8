"""The presence engine: advertisements in, visits and counts out. Pure; time comes with each call."""

from collections.abc import Collection, Mapping
from datetime import timedelta

from edge_agent.clock import Moment
from edge_agent.contract.ids import uuid7
from edge_agent.identities import bearer
from edge_agent.shop.outcome import StateChange
from edge_agent.shop.presence.changes import EMPTY, PART, Change, Changes, Count, Place, Sighting
from edge_agent.shop.presence.counting import Counting
from edge_agent.shop.presence.devices import Device, Devices
from edge_agent.shop.presence.mute import hold_mute
from edge_agent.shop.presence.scanners import Scanner, scanner_of
from edge_agent.shop.presence.signal import Signal
from edge_agent.shop.presence.strangers import DayKey
from edge_agent.shop.presence.visits import UNSEEN_MAX_MS, Visit, next_dwell_ms, read_rows
from edge_agent.shop.presence.zones import follow, loudest
from edge_agent.shop.settings import PresenceSettings

# What BlueZ says of a device it does not hear: one such advertisement of each when the adapter is switched off.
NOT_HEARD_DBM = -127


class Presence:
    """Who is in the store, by the advertisements that its scanners hear.

    Its rows are durable state, written when something happens and never per advertisement. Addresses are in memory
    only as long as a call takes; strangers are kept by a keyed hash whose key is in memory only.
    """

    def __init__(
        self,
        settings: PresenceSettings,
        small_count: int,
        scanners: Mapping[str, Place],
        rows: Mapping[str, bytes],
        day_key: bytes,
    ) -> None:
        """``small_count``: smaller counts are not told. ``rows``: of ``PART``. ``day_key``: random, 32 octets."""
        self._enter_dbm, self._exit_dbm = settings.enter_dbm, settings.exit_dbm
        self._dwell_after_ms = _ms(settings.dwell_after)
        self._leave_badge_ms, self._leave_phone_ms = _ms(settings.leave_after_badge), _ms(settings.leave_after_phone)
        self._unseen_max_ms = max(UNSEEN_MAX_MS, self._leave_badge_ms, self._leave_phone_ms)
        shortest = min(self._leave_badge_ms, self._leave_phone_ms)
        self._scanners = {name: Scanner(name, place, shortest) for name, place in scanners.items()}
        self._counting = Counting(
            _ms(settings.count_window), small_count, dict.fromkeys(place.zone for place in scanners.values())
        )
        self._day_key = DayKey(day_key)
        self._devices = Devices()
        self._restored, self._unreadable = read_rows(rows)
        self._changes: list[Change] = []
        self._state: list[StateChange] = []

    @property
    def present(self) -> int:
        """How many visits are in progress."""
        return self._devices.visitors + len(self._restored)

    @property
    def tracked(self) -> int:
        """How many devices are known of, strangers included; never more than ``TRACKED_MAX``."""
        return len(self._devices)

    @property
    def frozen(self) -> tuple[str, ...]:
        """The scanners whose radio does not work, or seems not to: nobody leaves by their silence."""
        return tuple(scanner.name for scanner in self._scanners.values() if not scanner.running)

    def sighted(self, sighting: Sighting, at: Moment) -> Changes:
        """Take in one advertisement. Unknown scanners and what was not heard at all (-127 dBm) mean nothing."""
        if self._restored or self._unreadable:
            self._wake(at)
        scanner = self._scanners.get(sighting.scanner)
        if scanner is not None and sighting.rssi != NOT_HEARD_DBM:
            arrived_ms = min(sighting.arrived_ms, at.uptime_ms)
            device = self._device(sighting, at)
            device.seen_ms = arrived_ms
            self._heard(device, scanner, sighting, arrived_ms, at)
        return self._take() if self._state else EMPTY

    def tick(self, at: Moment) -> Changes:
        """Tell who left, changed zone or stays, and the counts of a window that ended; about once a second."""
        self._wake(at)
        shortest = min(self._leave_badge_ms, self._leave_phone_ms)
        hold_mute(self._scanners.values(), self._devices, shortest, at.uptime_ms)
        for device in self._devices:
            if device.visit is not None:
                self._review(device, device.visit, at)
        self._devices.expire(at.uptime_ms)
        turned, counts = self._counting.turn(at)
        if turned and self._day_key.turn(at.wall_ms):  # between windows, so that no device counts twice in one
            self._devices.forget_strangers()
        return self._take(counts) if counts or self._state else EMPTY

    def health(self, scanner: str, healthy: bool, at: Moment) -> None:
        """Say whether a scanner's radio works. Until told so it does not; while it does not, its clock stands."""
        known = self._scanners.get(scanner)
        if known is not None:
            known.set_health(healthy, at.uptime_ms)

    def count_anew(self) -> None:
        """Drop what was counted in the window that runs, and do not tell it: some of it was not listened to."""
        self._counting.interrupt()

    def forget(self, identities: Collection[tuple[str, str]]) -> tuple[StateChange, ...]:
        """Forget all that is known of identities (kind, value), silently; return the ends of their rows."""
        state = []
        bearers = {bearer(kind, value) for kind, value in identities}
        for visit_id, row in list(self._restored.items()):
            if row.identity.bearer in bearers:
                del self._restored[visit_id]
                state.append(StateChange(PART, visit_id, None))
        for key in bearers:
            device = self._devices.known(key)
            if device is not None:
                self._devices.remove(device)
                if device.visit is not None:
                    state.append(device.visit.no_row())
        self._counting.forget(bearers)
        return tuple(state)

    def _device(self, sighting: Sighting, at: Moment) -> Device:
        identity = sighting.identity
        name = self._day_key.name(sighting.address)
        if identity is None:
            return self._devices.stranger(name) or self._track(Device(name), at)
        key = identity.bearer
        device = self._devices.known(key) or self._track(Device(key), at)
        if device.name != name and self._devices.call(device, name):
            self._counting.forget((name,))
        return device

    def _track(self, device: Device, at: Moment) -> Device:
        displaced = self._devices.room()
        if displaced is not None and displaced.visit is not None:
            self._end(displaced, displaced.visit, at)
            self._devices.remove(displaced)
        self._devices.add(device)
        return device

    def _heard(self, device: Device, scanner: Scanner, sighting: Sighting, arrived_ms: int, at: Moment) -> None:
        visit = device.visit
        if visit is not None and arrived_ms - visit.here_ms > self._unseen_max_ms:
            self._end(device, visit, at)
            visit = None
        reading = scanner.heard(arrived_ms)
        signal = device.signals.get(scanner.name)
        if signal is None:
            signal = device.signals[scanner.name] = Signal(scanner, arrived_ms, reading)
        signal.add(sighting.rssi, arrived_ms, reading, self._exit_dbm)
        level = sighting.rssi if signal.level is None else signal.level
        if visit is not None and level >= self._exit_dbm:
            visit.here_ms = max(visit.here_ms, arrived_ms)
            visit.restored = None
        if signal.enters(self._enter_dbm):
            self._counting.near(scanner.place.zone, device.key)
            if visit is None and sighting.identity is not None:
                self._begin(device, signal, sighting, at)

    def _begin(self, device: Device, signal: Signal, sighting: Sighting, at: Moment) -> None:
        assert sighting.identity is not None
        now, best = signal.heard_ms, loudest(device, signal)
        scanner = best.scanner
        visit = Visit(
            uuid7(at.wall_ms), sighting.identity, sighting.carrier, scanner.name, scanner.place, entered_ms=now,
            here_ms=now, level=best.estimate(now),
        )  # fmt: skip
        self._devices.begin(device, visit)
        self._tell(visit.change("entered", at, first=True), visit.row(at))

    def _review(self, device: Device, visit: Visit, at: Moment) -> None:
        leave_after_ms = self._leave_badge_ms if visit.carrier == "badge" else self._leave_phone_ms
        if device.is_gone(leave_after_ms, at.uptime_ms):
            self._end(device, visit, at)
            return
        taker = follow(device, visit, self._enter_dbm, self._exit_dbm, at.uptime_ms)
        if taker is not None:
            self._changes.append(visit.change("left", at))
            visit.move(taker.scanner.name, taker.scanner.place, taker.level)
            visit.entered_ms, visit.dwell_told_ms = visit.here_ms, 0
            self._tell(visit.change("entered", at), visit.row(at))
        elif visit.dwell_ms >= next_dwell_ms(visit.dwell_told_ms, self._dwell_after_ms):
            visit.dwell_told_ms = visit.dwell_ms
            self._tell(visit.change("dwelled", at), visit.row(at))

    def _end(self, device: Device, visit: Visit, at: Moment) -> None:
        self._tell(visit.change("left", at), visit.no_row())
        self._devices.end(device)

    def _wake(self, at: Moment) -> None:
        """Go on with the visits of the run before; those in a zone that is no more end."""
        for visit_id in self._unreadable:
            self._state.append(StateChange(PART, visit_id, None))
        visits = [row.visit(visit_id, at) for visit_id, row in self._restored.items()]
        self._unreadable, self._restored = [], {}
        for visit in sorted(visits, key=lambda visit: visit.here_ms):
            key = visit.identity.bearer
            scanner = scanner_of(self._scanners, visit.scanner, visit.place.zone)
            if scanner is None or self._devices.known(key) is not None:
                self._tell(visit.change("left", at), visit.no_row())
                continue
            visit.move(scanner.name, scanner.place, None)
            device = self._track(Device(key), at)
            device.signals[scanner.name] = Signal(scanner, at.uptime_ms, scanner.reading(at.uptime_ms))
            device.seen_ms = at.uptime_ms
            self._devices.begin(device, visit)

    def _tell(self, change: Change, row: StateChange) -> None:
        self._changes.append(change)
        self._state.append(row)

    def _take(self, counts: tuple[Count, ...] = ()) -> Changes:
        taken = Changes(tuple(self._changes), counts, tuple(self._state))
        self._changes, self._state = [], []
        return taken


def _ms(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)
