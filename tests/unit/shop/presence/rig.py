"""A store in virtual time: who is heard where, and what the engine made of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from edge_agent.clock import Moment, TimeQuality
from edge_agent.identities import Identity
from edge_agent.shop.outcome import StateChange
from edge_agent.shop.presence import Carrier, Change, Changes, Count, Place, Presence, Sighting
from edge_agent.shop.settings import PresenceSettings

OPENING_MS = 1_795_305_600_000  # 2026-11-22 00:00 UTC: begin of a day and of a window
DOOR, SHELF, TILL = Place("entrance", "front"), Place("shelf", "front"), Place("till-1", "tills")
TWO_ZONES: Mapping[str, Place] = {"door": DOOR, "till": TILL}


def badge(who: str) -> Identity:
    return Identity("service_token", who, verified=True)


@dataclass
class Rig:
    """Runs one engine over virtual time, keeps its rows as a database would, and collects what it tells."""

    scanners: Mapping[str, Place] = field(default_factory=lambda: dict(TWO_ZONES))
    settings: PresenceSettings = field(default_factory=PresenceSettings)
    small_count: int = 5
    rows: dict[str, bytes] = field(default_factory=dict)
    healthy: bool = True
    uptime_ms: int = 3_600_000
    wall_ms: int = OPENING_MS
    boot_id: str = "boot-1"

    def __post_init__(self) -> None:
        self.told: list[Change] = []
        self.counts: list[Count] = []
        self.written: list[StateChange] = []
        self.start()

    def start(self, *, healthy: bool | None = None) -> None:
        """Start (again) from the rows."""
        self.engine = Presence(self.settings, self.small_count, self.scanners, dict(self.rows), b"k" * 32)
        if self.healthy if healthy is None else healthy:
            self.health(*self.scanners)

    def reboot(self, off_ms: int, *, healthy: bool | None = None) -> None:
        """Switch the machine off and on again."""
        self.wall_ms += off_ms
        # No boot has lasted longer than the machine was away, unless its clock was set back.
        self.uptime_ms, self.boot_id = min(20_000, off_ms) if off_ms >= 0 else 20_000, self.boot_id + "+"
        self.start(healthy=healthy)

    @property
    def now(self) -> Moment:
        return Moment(self.wall_ms, self.uptime_ms, self.boot_id, TimeQuality.SYNCED)

    def health(self, *scanners: str, healthy: bool = True) -> None:
        for scanner in scanners:
            self.engine.health(scanner, healthy, self.now)

    def advance(self, ms: int) -> None:
        self.wall_ms += ms
        self.uptime_ms += ms

    def hear(
        self,
        who: str | None,
        dbm: int,
        scanner: str = "door",
        *,
        carrier: Carrier = "badge",
        address: str = "",
        arrived_ms: int | None = None,
    ) -> None:
        identity = None if who is None else badge(who)
        at_ms = self.uptime_ms if arrived_ms is None else arrived_ms
        address = address or f"AA:BB:CC:00:00:{sum((who or '?').encode()) % 256:02X}"
        kind: Carrier = "anonymous" if who is None else carrier
        self.take(self.engine.sighted(Sighting(scanner, identity, kind, address, dbm, at_ms), self.now))

    def tick(self) -> None:
        self.take(self.engine.tick(self.now))

    def take(self, changes: Changes) -> None:
        self.told += changes.changes
        self.counts += changes.counts
        self.written += changes.state
        for row in changes.state:
            if row.value is None:
                self.rows.pop(row.key, None)
            else:
                self.rows[row.key] = row.value

    def run(self, seconds: int, heard: Mapping[str, Mapping[str, int]] | None = None, **how: Carrier) -> None:
        """Pass so many seconds; in each, every one in ``heard`` ({who: {scanner: dBm}}) advertises once."""
        for _ in range(seconds):
            self.advance(1_000)
            for who, levels in (heard or {}).items():
                for scanner, dbm in levels.items():
                    self.hear(who, dbm, scanner, carrier=how.get(who, "badge"))
            self.tick()

    def story(self) -> list[str]:
        """Return what was told since the last call: kind, who, zone, seconds."""
        told, self.told = self.told, []
        return [f"{c.kind} {c.identity.value} {c.place.zone} {c.dwell_seconds}" for c in told]


def settings(**seconds: int) -> PresenceSettings:
    return PresenceSettings(**{name: timedelta(seconds=value) for name, value in seconds.items()})


def kinds(changes: Iterable[Change]) -> list[str]:
    return [change.kind for change in changes]
