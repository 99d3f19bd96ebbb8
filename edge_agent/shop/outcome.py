"""What one observation leads to: events, the state they imply, and what is to be kept beside them."""

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
    """Redacted raw bytes kept for re-reading, named by the SHA-256 (hex) of these very bytes."""

    sha256: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """Events and the state they imply: recorded together, in one transaction, or not at all."""

    events: tuple[Draft, ...] = ()
    state: tuple[StateChange, ...] = ()
    captures: tuple[Capture, ...] = field(default=())
