"""Events as the shop's rules make them: where and when, and what they are about."""

import msgspec

from edge_agent.clock import Moment
from edge_agent.contract.events import EVENT_TYPES, Draft, Stream
from edge_agent.contract.ids import uuid7


def draft(
    store: str, device: str | None, touchpoint: str, kind: str, at: Moment, what: msgspec.Struct, subject: str
) -> Draft:
    """Return an event of ``kind``. What cannot be written fails here, where it costs one slip, not in the storage."""
    msgspec.json.encode(what)
    stream = EVENT_TYPES[kind].stream
    assert isinstance(stream, Stream)
    return Draft(uuid7(at.wall_ms), stream, kind, at, what, device, subject, f"{store}/{touchpoint}")
