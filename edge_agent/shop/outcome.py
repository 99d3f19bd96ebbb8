"""What one observation leads to: events, the state they imply, and what is to be kept beside them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from edge_agent.contract.events import Draft


@dataclass(frozen=True, slots=True)
class StateChange:
    """One durable fact: ``value`` (bytes, or None to forget) under (``part``, ``key``).

    ``expires_ms``: Unix milliseconds after which nobody needs it; None: keep for ever.
    """

    part: str
    key: str
    value: bytes | None
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """Redacted raw bytes kept for re-reading, named by the SHA-256 (hex) of these very bytes.

    ``about``: what must be known to read them again, as ``shop.rereading`` writes it; empty: they never are.
    ``certain``: durable with the outcome, not just after it: all there is of a slip that nobody could read.
    """

    sha256: str
    body: bytes
    about: bytes = b""
    certain: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    """What a device shows to whoever used it, once the outcome is recorded. ``accepted``: or else refused, and why."""

    device: str
    accepted: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Show:
    """Text for a line display that may be driven, once the outcome is recorded. ``seconds``: for how long."""

    device: str
    rows: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """Events and the state they imply: recorded together, in one transaction, or not at all; then the effects."""

    events: tuple[Draft, ...] = ()
    state: tuple[StateChange, ...] = ()
    captures: tuple[Capture, ...] = field(default=())
    effects: tuple[Signal | Show, ...] = field(default=())


def combined(outcomes: Sequence[Outcome]) -> Outcome:
    """Return several outcomes as one, in order."""
    return Outcome(
        tuple(event for outcome in outcomes for event in outcome.events),
        tuple(change for outcome in outcomes for change in outcome.state),
        tuple(capture for outcome in outcomes for capture in outcome.captures),
        tuple(effect for outcome in outcomes for effect in outcome.effects),
    )
