"""What goes into the presence engine and what comes out of it."""

from dataclasses import dataclass
from typing import Literal

from edge_agent.clock import Moment
from edge_agent.identities import Identity
from edge_agent.shop.outcome import StateChange

PART = "presence"

Carrier = Literal["badge", "phone", "anonymous"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a scanner stands. ``zone``: the touchpoint's zone id, else the touchpoint's own id."""

    touchpoint: str
    zone: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """One advertisement heard. ``identity``: None for a stranger. ``rssi``: dBm. ``arrived_ms``: uptime on arrival."""

    scanner: str
    identity: Identity | None
    carrier: Carrier
    address: str
    rssi: int
    arrived_ms: int


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody entered a zone, stays in it or left it.

    ``at``: when they were last sighted, not when it became certain that they had left. ``dwell_seconds``: in this zone,
    up to ``at``. ``rssi``: smoothed, dBm; None after a restart, until they are heard again. ``first``: the visit begins
    with it.
    """

    kind: Literal["entered", "dwelled", "left"]
    visit_id: str
    identity: Identity
    place: Place
    at: Moment
    dwell_seconds: int
    rssi: int | None
    first: bool


@dataclass(frozen=True, slots=True)
class Count:
    """How many devices were in a zone during a window that began at ``window_start_ms`` (Unix milliseconds)."""

    zone: str
    window_start_ms: int
    window_seconds: int
    visitors: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What one call led to: to be recorded together. Within ``changes`` the order is that of happening."""

    changes: tuple[Change, ...] = ()
    counts: tuple[Count, ...] = ()
    state: tuple[StateChange, ...] = ()


EMPTY = Changes()  # what nearly every advertisement leads to: shared, so that it costs nothing
