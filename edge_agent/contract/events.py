"""The event envelope (CloudEvents 1.0) and the catalogue of event types."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from edge_agent.clock import Moment
from edge_agent.contract import data


class Stream(StrEnum):
    """The four outbox streams, highest priority first."""

    ORDERS = "orders"
    CHECKINS = "checkins"
    OPS = "ops"
    PRESENCE = "presence"


@dataclass(frozen=True, slots=True)
class EventType:
    """One row of the catalogue: the stream an event type travels in, its data and that data's schema name."""

    stream: Stream | None  # None: any stream
    data: type[msgspec.Struct]
    schema: str


EVENT_TYPES: dict[str, EventType] = {
    "o2o.order.completed.v1": EventType(Stream.ORDERS, data.Order, "order"),
    "o2o.order.returned.v1": EventType(Stream.ORDERS, data.Order, "order"),
    "o2o.order.voided.v1": EventType(Stream.ORDERS, data.Order, "order"),
    "o2o.order.corrected.v1": EventType(Stream.ORDERS, data.Order, "order"),
    "o2o.order.unparsed.v1": EventType(Stream.ORDERS, data.Unparsed, "unparsed"),
    "o2o.day.closed.v1": EventType(Stream.ORDERS, data.DayClosed, "day-closed"),
    "o2o.code.presented.v1": EventType(Stream.CHECKINS, data.CodePresented, "code"),
    "o2o.checkin.recorded.v1": EventType(Stream.CHECKINS, data.CheckIn, "checkin"),
    "o2o.presence.entered.v1": EventType(Stream.PRESENCE, data.Presence, "presence"),
    "o2o.presence.dwelled.v1": EventType(Stream.PRESENCE, data.Presence, "presence"),
    "o2o.presence.left.v1": EventType(Stream.PRESENCE, data.Presence, "presence"),
    "o2o.presence.counted.v1": EventType(Stream.PRESENCE, data.Counted, "counted"),
    "o2o.device.up.v1": EventType(Stream.OPS, data.DeviceChanged, "device"),
    "o2o.device.down.v1": EventType(Stream.OPS, data.DeviceChanged, "device"),
    "o2o.device.degraded.v1": EventType(Stream.OPS, data.DeviceChanged, "device"),
    "o2o.agent.started.v1": EventType(Stream.OPS, data.AgentStarted, "agent-started"),
    "o2o.agent.stopping.v1": EventType(Stream.OPS, data.AgentStopping, "agent-stopping"),
    "o2o.agent.clock_changed.v1": EventType(Stream.OPS, data.ClockChanged, "clock-changed"),
    "o2o.agent.storage_low.v1": EventType(Stream.OPS, data.StorageLow, "storage-low"),
    "o2o.agent.recovered.v1": EventType(Stream.OPS, data.Recovered, "recovered"),
    "o2o.config.committed.v1": EventType(Stream.OPS, data.ConfigChanged, "config-changed"),
    "o2o.config.rejected.v1": EventType(Stream.OPS, data.ConfigChanged, "config-changed"),
    "o2o.config.rolled_back.v1": EventType(Stream.OPS, data.ConfigChanged, "config-changed"),
    "o2o.cash.moved.v1": EventType(Stream.OPS, data.CashMoved, "cash-moved"),
    "o2o.agent.gap.v1": EventType(None, data.Gap, "gap"),
}

SCHEMA_VERSION = "1.0"

_encode_data = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it is recorded: no sequence yet. The storage numbers it and makes it durable.

    ``stream`` is where it travels; ``device`` is None for the agent's own events; ``at`` is when it happened.
    """

    id: str
    stream: Stream
    type: str
    at: Moment
    data: msgspec.Struct
    device: str | None = None
    subject: str | None = None
    partitionkey: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose events these are, and the store's time zone, in which times are written."""

    tenant: str
    store: str
    agent: str
    zone: ZoneInfo

    def source(self, device: str | None) -> str:
        """Return the CloudEvents ``source`` of one of this agent's devices, or of the agent itself."""
        agent = f"/tenants/{self.tenant}/stores/{self.store}/agents/{self.agent}"
        return f"{agent}/devices/{device}" if device else agent


class CloudEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The envelope on the wire. ``data`` is JSON, untouched from the moment the event is recorded.

    ``subject`` and ``partitionkey`` may be absent on ops and gap events only.
    """

    specversion: str = msgspec.field(default_factory=lambda: "1.0")  # a factory, so that omit_defaults keeps it
    id: str
    type: str
    source: str
    subject: str | None = None
    time: str
    datacontenttype: str = msgspec.field(default_factory=lambda: "application/json")
    dataschema: str
    sequence: str
    partitionkey: str | None = None
    recordedtime: str
    timequality: str
    bootid: str
    uptime: str
    data: msgspec.Raw


def schema_urn(name: str) -> str:
    """Return the ``dataschema`` of a schema name: ``order`` gives ``urn:o2o:schema:order:1.0``."""
    return f"urn:o2o:schema:{name}:{SCHEMA_VERSION}"


@lru_cache(maxsize=256)  # the events of a group share their recordedtime; 2 of the 8 µs of an envelope
def iso_time(wall_ms: int, zone: ZoneInfo) -> str:
    """Return Unix milliseconds as ISO 8601 with milliseconds and the zone's offset."""
    return datetime.fromtimestamp(wall_ms / 1000, zone).isoformat(timespec="milliseconds")


def envelope(draft: Draft, origin: Origin, sequence: int, recorded: Moment) -> CloudEvent:
    """Give a draft its place in its stream: ``sequence``, and ``recorded``, the moment it goes to disk."""
    return CloudEvent(
        id=draft.id,
        type=draft.type,
        source=origin.source(draft.device),
        subject=draft.subject,
        time=iso_time(draft.at.wall_ms, origin.zone),
        dataschema=schema_urn(EVENT_TYPES[draft.type].schema),
        sequence=str(sequence),
        partitionkey=draft.partitionkey,
        recordedtime=iso_time(recorded.wall_ms, origin.zone),
        timequality=draft.at.quality,
        bootid=draft.at.boot_id,
        uptime=str(draft.at.uptime_ms),
        data=msgspec.Raw(_encode_data(draft.data)),
    )
