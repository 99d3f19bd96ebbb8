"""Visits: one stay of one identity in the store, and the durable form of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from edge_agent.clock import Moment
from edge_agent.identities import Identity
from edge_agent.shop.outcome import StateChange
from edge_agent.shop.presence.changes import PART, Carrier, Change, Place
from edge_agent.shop.stamp import Stamp

DWELL_REPEAT_MS = 5 * 60_000
# Radio or agent may have been off meanwhile, but nobody's visit spans a night with the machine switched off.
UNSEEN_MAX_MS = 4 * 3_600_000


@dataclass(slots=True)
class Visit:
    """A visit in progress. Times are uptimes of this boot; negative, where it began before.

    ``scanner``: the one that hears it best in ``place``'s zone. ``entered_ms``: that zone. ``here_ms``: last sighted,
    not weakly. ``dwell_told_ms``: the stay last told, or 0.
    ``level``: smoothed dBm at ``scanner``. ``restored``: last sighted in an earlier run, then.
    """

    id: str
    identity: Identity
    carrier: Carrier
    scanner: str
    place: Place
    entered_ms: int
    here_ms: int
    dwell_told_ms: int = 0
    level: float | None = None
    restored: Stamp | None = None

    @property
    def dwell_ms(self) -> int:
        """How long in this zone, up to the last sight."""
        return self.here_ms - self.entered_ms

    def change(self, kind: Literal["entered", "dwelled", "left"], at: Moment, *, first: bool = False) -> Change:
        """Return what to tell at ``at``: it happened when the visitor was last sighted."""
        rssi = None if self.level is None else round(self.level)
        return Change(
            kind, self.id, self.identity, self.place, self._last_sight(at), self.dwell_ms // 1000, rssi, first
        )

    def move(self, scanner: str, place: Place, level: float | None) -> None:
        """Note which scanner hears it best now."""
        self.scanner, self.place, self.level = scanner, place, level

    def row(self, at: Moment) -> StateChange:
        """Return the durable row."""
        row = VisitRow(
            self.identity, self.carrier, self.scanner, self.place, Stamp.of(self._last_sight(at)), self.dwell_ms,
            self.dwell_told_ms,
        )  # fmt: skip
        return StateChange(PART, self.id, msgspec.json.encode(row))

    def no_row(self) -> StateChange:
        """Return the end of the durable row."""
        return StateChange(PART, self.id, None)

    def _last_sight(self, at: Moment) -> Moment:
        if self.restored is not None and self.restored.boot_id != at.boot_id:
            # The stamp's own clock, not later than now where the wall clock has been set back since.
            return Moment(
                min(self.restored.wall_ms, at.wall_ms), self.restored.uptime_ms, self.restored.boot_id, at.quality
            )
        return Moment(at.wall_ms - (at.uptime_ms - self.here_ms), self.here_ms, at.boot_id, at.quality)


class VisitRow(msgspec.Struct, frozen=True, array_like=True):
    """The durable form of a visit: no address, no signal. ``seen``: last sight when it was written."""

    identity: Identity
    carrier: Carrier
    scanner: str
    place: Place
    seen: Stamp
    dwell_ms: int
    dwell_told_ms: int

    def visit(self, visit_id: str, at: Moment) -> Visit:
        """Return the visit as it goes on at ``at``, in this boot or another."""
        here_ms = at.uptime_ms - self.seen.elapsed_ms(at)
        entered_ms = here_ms - max(0, self.dwell_ms)
        return Visit(
            visit_id, self.identity, self.carrier, self.scanner, self.place, entered_ms, here_ms, self.dwell_told_ms,
            restored=self.seen,
        )  # fmt: skip


def read_rows(rows: Mapping[str, bytes]) -> tuple[dict[str, VisitRow], list[str]]:
    """Return the visits in durable rows by id, and the keys of rows that can't be read."""
    decode = msgspec.json.Decoder(VisitRow).decode
    readable, unreadable = {}, []
    for visit_id, value in rows.items():
        try:
            readable[visit_id] = decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError):  # of another version: one visit is lost, not the shop
            unreadable.append(visit_id)
    return readable, unreadable


def next_dwell_ms(told_ms: int, dwell_after_ms: int) -> int:
    """Return the stay to be told next: after ``dwell_after_ms``, then every five minutes; late ones only once."""
    if told_ms < dwell_after_ms:
        return dwell_after_ms
    return dwell_after_ms + ((told_ms - dwell_after_ms) // DWELL_REPEAT_MS + 1) * DWELL_REPEAT_MS
