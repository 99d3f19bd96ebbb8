"""How a central service reads a frame: strictly enough to store it, never so strictly as to lose it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from edge_agent.contract.data import Gap
from edge_agent.contract.frames import FrameError, unpack
from edge_agent.contract.messages import UNREADABLE
from edge_agent.contract.topics import Topics, parse_up

GAP = "o2o.agent.gap.v1"
ORDER_PREFIX = "o2o.order."
DAY_CLOSED = "o2o.day.closed.v1"

_LARGEST = 2**63 - 1  # SQLite's INTEGER


@dataclass(frozen=True, slots=True)
class Message:
    """One MQTT message as it came: its topic, its user properties, its bytes."""

    topic: str
    properties: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Sale:
    """What the reading side needs of an order."""

    order_id: str
    order_no: str | None
    revision: int
    kind: str
    payable: int | None
    business_day: str = ""
    workstation: str = ""  # as printed, else the touchpoint


@dataclass(frozen=True, slots=True)
class Closed:
    """What the answering side needs of a daily closing proof."""

    business_day: str
    workstation: str
    digest: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event of a frame. ``first`` .. ``sequence`` count as received; ``sequence`` is None if it told none.

    ``trouble``: why it was not understood, empty if it was. ``sale``: of an order that was, ``closed``: of a proof.
    """

    id: str
    type: str
    first: int
    sequence: int | None
    body: bytes
    sale: Sale | None = None
    trouble: str = ""
    closed: Closed | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """One decoded frame."""

    agent: Topics
    epoch: str
    stream: str
    events: list[Arrival]


class _Totals(msgspec.Struct):
    payable: int | None


class _Attribution(msgspec.Struct):
    touchpoint: str | None = None
    workstation: str | None = None


class _Order(msgspec.Struct):
    order_id: str
    order_no: str | None
    revision: int
    kind: str
    totals: _Totals
    business_day: str = ""
    attribution: _Attribution = msgspec.field(default_factory=_Attribution)


class _Head(msgspec.Struct):
    id: str
    type: str
    sequence: str
    data: msgspec.Raw = msgspec.Raw(b"null")


_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_head = msgspec.json.Decoder(_Head).decode
_gap = msgspec.json.Decoder(Gap).decode
_order = msgspec.json.Decoder(_Order).decode
_closed = msgspec.json.Decoder(Closed).decode


def read_frame(message: Message) -> Arrived:
    """Return the events of a frame. Raises FrameError only where not even single events can be told apart."""
    place = parse_up(message.topic)
    if place is None:
        raise FrameError("not an up topic")
    epoch = message.properties.get("epoch")
    if not epoch:
        raise FrameError("the user property epoch is missing")
    try:
        items = _items(unpack(message.body, message.properties.get("encoding", "identity")))
    except UNREADABLE as error:
        raise FrameError(f"not a JSON array: {error}") from error
    first = _sequence(message.properties.get("first", ""))
    events = [_arrival(bytes(item), None if first is None else first + index) for index, item in enumerate(items)]
    return Arrived(place[0], epoch, place[1], events)


def read_sale(body: bytes) -> Sale:
    """Return what an order event says. Raises one of UNREADABLE."""
    return _sale(_head(body).data)


def read_person(body: bytes) -> dict[str, object]:
    """Return what an event says of somebody who is here: who, where, how, and which check-in or visit; or nothing."""
    try:
        data = msgspec.json.decode(_head(body).data)
    except UNREADABLE:
        return {}
    return {key: data[key] for key in _PERSON if key in data} if isinstance(data, dict) else {}


_PERSON = ("checkin_id", "visit_id", "revision", "method", "identity", "zone", "touchpoint", "visitors")


def _arrival(body: bytes, place: int | None) -> Arrival:
    try:
        head = _head(body)
    except UNREADABLE as error:
        # It has no usable name of its own: its bytes are its name, so that a resent copy is still known.
        name = f"sha256:{hashlib.sha256(body).hexdigest()}"
        return Arrival(name, "", place or 0, place, body, trouble=f"envelope: {error}")
    sequence = _sequence(head.sequence) or place
    try:
        first = _gap(head.data).first if head.type == GAP else sequence
        sale = _sale(head.data) if head.type.startswith(ORDER_PREFIX) and head.type != UNPARSED else None
        closed = _closed(head.data) if head.type == DAY_CLOSED else None
    except UNREADABLE as error:
        return Arrival(head.id, head.type, sequence or 0, sequence, body, trouble=f"data: {error}")
    if sequence is None or first is None or not 1 <= first <= sequence:
        return Arrival(head.id, head.type, sequence or 0, sequence, body, sale, trouble=f"sequence: {head.sequence!r}")
    return Arrival(head.id, head.type, first, sequence, body, sale, closed=closed)


UNPARSED = "o2o.order.unparsed.v1"  # an order event whose data is not an order


def _sale(data: msgspec.Raw) -> Sale:
    order = _order(data)
    return Sale(
        order_id=order.order_id,
        order_no=order.order_no,
        revision=order.revision,
        kind=order.kind,
        payable=order.totals.payable,
        business_day=order.business_day,
        workstation=order.attribution.workstation or order.attribution.touchpoint or "",
    )


def _sequence(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        return None
    number = int(text)
    return number if 1 <= number <= _LARGEST else None
