"""Order events as plain dicts, numbered by their sequence: what a foreign program would send."""

import uuid
from typing import Any

import msgspec

from edge_agent.contract import data
from edge_agent.contract.events import Draft, Stream, envelope
from edge_agent.contract.ids import uuid7
from tests.support import golden


def order_event(sequence: int, *, order: int | None = None, revision: int = 1, **changes: object) -> dict[str, Any]:
    """Return a completed order that pays ``order`` (or the sequence) minor units; ``changes``: of the envelope."""
    number = sequence if order is None else order
    body = golden.order("sale", revision)
    body.order_id = str(uuid.UUID(int=number))
    body.order_no = f"{number:06}"
    body.totals = data.Totals(payable=number)
    draft = Draft(uuid7(sequence), Stream.ORDERS, "o2o.order.completed.v1", golden.HAPPENED, body)
    event = envelope(draft, golden.ORIGIN, sequence, golden.RECORDED)
    return {**msgspec.json.decode(msgspec.json.encode(event)), **changes}


def order_events(first: int, last: int) -> list[dict[str, Any]]:
    """Return one order for each sequence."""
    return [order_event(sequence) for sequence in range(first, last + 1)]


def gap_event(first: int, last: int, reason: str = "evicted") -> dict[str, Any]:
    """Return the gap event that stands for first..last of the orders stream."""
    gap = data.Gap(stream="orders", first=first, last=last, reason=reason)
    draft = Draft(uuid7(last), Stream.ORDERS, "o2o.agent.gap.v1", golden.HAPPENED, gap)
    event = envelope(draft, golden.ORIGIN, last, golden.RECORDED)
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(event))
    return decoded
