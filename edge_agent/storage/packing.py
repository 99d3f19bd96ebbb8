"""Events to frames: encoded once, split to the contract's limits, cut only where a single event is too large."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.contract.events import CloudEvent, Draft, Origin, Stream, envelope
from edge_agent.contract.frames import (
    MAX_EVENTS,
    MAX_EXPANDED_BYTES,
    MAX_SENT_BYTES,
    Encoding,
    Frame,
    encode_events,
    pack,
)
from edge_agent.contract.ids import uuid7

GAP_TYPE = "o2o.agent.gap.v1"

# What may be dropped of an event that does not fit, in this order; figures are never touched.
_LISTS = (("evidence", "unparsed"), ("text",), ("lines",))
_LONGEST_STRING = 256  # the last resort: enough to recognise any printed line


def pack_events(stream: Stream, events: Sequence[CloudEvent], encoding: Encoding) -> Iterator[Frame]:
    """Yield ``events`` (sequences without holes) as frames within every limit of contract section 4."""
    for start in range(0, len(events), MAX_EVENTS):
        yield from _fit(stream, events[start : start + MAX_EVENTS], encoding)


def gap_frame(stream: Stream, first: int, last: int, reason: str, origin: Origin, at: Moment) -> Frame:
    """Return the frame of the gap event that stands for ``first`` .. ``last``."""
    draft = Draft(
        id=uuid7(at.wall_ms), stream=stream, type=GAP_TYPE, at=at,
        data=data.Gap(stream=stream, first=first, last=last, reason=reason),
    )  # fmt: skip
    body = encode_events([envelope(draft, origin, last, at)])  # half a kilobyte: compressing would not pay
    return Frame(stream, first, last, 1, "identity", body)


def moved_gap(event: CloudEvent, first: int, last: int) -> CloudEvent:
    """Return a gap event that stands for other sequences: in a new epoch the range has other numbers."""
    gap = msgspec.json.decode(event.data, type=data.Gap)
    gap.first, gap.last = first, last
    return msgspec.structs.replace(event, sequence=str(last), data=msgspec.Raw(msgspec.json.encode(gap)))


def _fit(stream: Stream, events: Sequence[CloudEvent], encoding: Encoding) -> Iterator[Frame]:
    body = _packed(events, encoding)
    if body is not None:
        yield _frame(stream, events, encoding, body)
    elif len(events) > 1:
        half = len(events) // 2
        yield from _fit(stream, events[:half], encoding)
        yield from _fit(stream, events[half:], encoding)
    else:
        # A single event that is too large is sent as zstd whatever the setting, and cut if that is not enough.
        event, packed = cut_to_fit(events[0])
        yield _frame(stream, [event], "zstd", packed)


def _frame(stream: Stream, events: Sequence[CloudEvent], encoding: Encoding, body: bytes) -> Frame:
    return Frame(stream, int(events[0].sequence), int(events[-1].sequence), len(events), encoding, body)


def _packed(events: Sequence[CloudEvent], encoding: Encoding, room: int = MAX_SENT_BYTES) -> bytes | None:
    expanded = encode_events(events)
    if len(expanded) > MAX_EXPANDED_BYTES:
        return None
    body = pack(expanded, encoding)
    return body if len(body) <= room else None


def cut_to_fit(event: CloudEvent, room: int = MAX_SENT_BYTES) -> tuple[CloudEvent, bytes]:
    """Return ``event`` with as much of it as fits, flagged ``truncated`` if that is not all, and its zstd body.

    Raises ValueError when even its bare figures are over ``room`` bytes.
    """
    packed = _packed([event], "zstd", room)
    if packed is not None:
        return event, packed
    fields = msgspec.json.decode(event.data)
    evidence = fields.get("evidence")
    if isinstance(evidence, dict):
        evidence["flags"] = [*evidence.get("flags", []), "truncated"]
    for candidate in _shorter(fields):
        event = msgspec.structs.replace(event, data=msgspec.Raw(msgspec.json.encode(candidate)))
        packed = _packed([event], "zstd", room)
        if packed is not None:
            return event, packed
    # Unreachable at 64 KiB for every type of the catalogue: without lists and long strings none is that large.
    raise ValueError(f"event {event.id} of type {event.type} cannot be cut to fit a frame")


def _shorter(fields: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield ``fields`` with less and less in it: the tail of each list halved away, then every string shortened."""
    for path in _LISTS:
        holder: Any = fields
        for name in path[:-1]:
            holder = holder.get(name) or {}
        tail = holder.get(path[-1])
        while isinstance(tail, list) and tail:
            holder[path[-1]] = tail = tail[: len(tail) // 2]
            yield fields
    yield _with_short_strings(fields)


def _with_short_strings(value: Any) -> Any:
    if isinstance(value, str):
        return value[:_LONGEST_STRING]
    if isinstance(value, list):
        return [_with_short_strings(item) for item in value]
    if isinstance(value, dict):
        return {name: _with_short_strings(item) for name, item in value.items()}
    return value
