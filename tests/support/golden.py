"""One draft of every event type with fixed values: what the golden events in tests/vectors/events are made from."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from edge_agent.clock import Moment, TimeQuality
from edge_agent.contract import data
from edge_agent.contract.events import EVENT_TYPES, Draft, Origin, Stream, envelope

FOLDER = Path(__file__).parents[1] / "vectors" / "events"

ORIGIN = Origin("acme", "sh-0001", "pc-1", ZoneInfo("Asia/Shanghai"))
BOOT = "3c9f5a52-6f0e-4b8e-9b0a-0d1f2e3a4b5c"
EPOCH = "8d7e6f50-1a2b-4c3d-8e9f-a0b1c2d3e4f5"
HAPPENED = Moment(1_795_314_665_120, 86_400_123, BOOT, TimeQuality.SYNCED)  # 2026-11-22T10:31:05.120+08:00
RECORDED = Moment(1_795_314_665_124, 86_400_127, BOOT, TimeQuality.SYNCED)
ORDER_ID = "019ab8f3-2a20-7c11-8d22-93a4b5c6d7e8"
CAPTURE = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"


def order(kind: str, revision: int = 1) -> data.Order:
    """Return the order of the contract's example, with Chinese text, a discount and cash."""
    return data.Order(
        order_id=ORDER_ID,
        order_no="20261122000137",
        revision=revision,
        kind=kind,
        mode="in_store",
        journey=(data.Hop(end="store", touchpoint="till-1", at="2026-11-22T10:31:05+08:00"),),
        source=data.Source(system="register", device="till-1-printer", order_no="20261122000137"),
        channel=data.Channel(id="in_store", owner="acme"),
        attribution=data.Attribution(store="sh-0001", touchpoint="till-1", workstation="03", cashier="王芳"),
        business_day="2026-11-22",
        completed_at="2026-11-22T10:31:05+08:00",
        printed_at="2026-11-22T10:31:05",
        currency="CNY",
        lines=(
            data.Line(number=1, name="农夫山泉550ml", amount=400, quantity="2", unit_price=200),
            data.Line(number=2, name="会员折扣", amount=-104, kind="discount"),
        ),
        totals=data.Totals(payable=296, gross=400, discount=104, tendered=300, change=4),
        tenders=(data.Tender(number=1, type="cash", label="现金", amount=300, entry="cash"),),
        states=data.States(order="completed", payment="paid", fulfilment="handed_over", after_sale="none"),
        checks=data.Checks(lines="pass", tenders="pass", receipt_number="pass"),
        evidence=EVIDENCE,
    )


EVIDENCE = data.Evidence(decoder="escpos", template="zh-retail@1", capture_sha256=CAPTURE)

CHECKIN = "019ab8f3-1450-7a01-9c11-52637485a6b7"
_VISIT: dict[str, Any] = {
    "visit_id": "019ab8f2-e560-7b21-8a77-0c1d2e3f4a5b",
    "identity": data.Identity(kind="service_token", value="badge-0042", verified=True),
    "touchpoint": "entrance",
    "zone": "entrance",
    "occurred_at": "2026-11-22T10:30:48.000+08:00",
    "rssi": -61,
}
_PRINTER = {"device": "till-1-printer", "kind": "serial", "touchpoint": "till-1"}

DATA: dict[str, msgspec.Struct] = {
    "o2o.order.completed.v1": order("sale"),
    "o2o.order.returned.v1": order("return"),
    "o2o.order.voided.v1": order("void"),
    "o2o.order.corrected.v1": order("sale", revision=2),
    "o2o.order.unparsed.v1": data.Unparsed(
        device="till-1-printer",
        touchpoint="till-1",
        business_day="2026-11-22",
        completed_at="2026-11-22T10:31:05+08:00",
        text=("???", "42"),
        reason="no_template",
        evidence=data.Evidence(decoder="escpos", template=None, capture_sha256=CAPTURE, unparsed=("???", "42")),
    ),
    "o2o.day.closed.v1": data.DayClosed(
        business_day="2026-11-22",
        workstation="03",
        orders=137,
        returns=1,
        payable=842_000,
        tenders={"cash": 120_000, "wechat_pay": 722_000},
        first_number="20261122000001",
        last_number="20261122000138",
        missing_numbers=("20261122000042",),
        register_total=842_500,
        difference=500,
        digest="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        cause="shift_report",
    ),
    "o2o.cash.moved.v1": data.CashMoved(
        direction="out",
        amount=200_000,
        currency="CNY",
        reason="解款",
        touchpoint="till-1",
        workstation="03",
        cashier="王芳",
        business_day="2026-11-22",
        occurred_at="2026-11-22T10:31:05.120+08:00",
        evidence=EVIDENCE,
    ),
    "o2o.code.presented.v1": data.CodePresented(
        code="6901234567892", touchpoint="till-1", occurred_at="2026-11-22T10:31:05+08:00"
    ),
    "o2o.checkin.recorded.v1": data.CheckIn(
        checkin_id=CHECKIN,
        revision=2,
        touchpoint="till-1",
        zone="checkout",
        method="nfc",
        methods=("ble", "nfc"),
        identity=data.Identity(kind="sdm", value=CAPTURE, verified=True),
        member="m-1024",
        order_ids=(),
        occurred_at="2026-11-22T10:31:00.000+08:00",
    ),
    "o2o.presence.entered.v1": data.Presence(**_VISIT, dwell_seconds=0),
    "o2o.presence.dwelled.v1": data.Presence(**_VISIT, dwell_seconds=60),
    "o2o.presence.left.v1": data.Presence(**(_VISIT | {"rssi": None}), dwell_seconds=754),
    "o2o.presence.counted.v1": data.Counted(
        zone="entrance", window_start="2026-11-22T10:15:00.000+08:00", window_seconds=900, visitors=23
    ),
    "o2o.device.up.v1": data.DeviceChanged(**_PRINTER),
    "o2o.device.down.v1": data.DeviceChanged(**_PRINTER, reason="unplugged", detail="/dev/ttyUSB0 has gone"),
    "o2o.device.degraded.v1": data.DeviceChanged(**_PRINTER, reason="undecodable", detail="wrong baud rate?"),
    "o2o.agent.started.v1": data.AgentStarted(version="0.1.0", config_sha256=CAPTURE, epoch=EPOCH),
    "o2o.agent.stopping.v1": data.AgentStopping(version="0.1.0", reason="SIGTERM"),
    "o2o.agent.clock_changed.v1": data.ClockChanged(bootid=BOOT, uptime="86400123", step_ms=-3_600_000),
    "o2o.agent.storage_low.v1": data.StorageLow(level="low", free=1_048_576, shed={"presence": 120}),
    "o2o.agent.recovered.v1": data.Recovered(reason="damaged", old_epoch=BOOT, salvaged=19_988, lost=12),
    "o2o.agent.gap.v1": data.Gap(stream="presence", first=5, last=24, reason="evicted"),
    "o2o.config.committed.v1": data.ConfigChanged(version=42, sha256=CAPTURE, key_id="ops-1", running=42),
    "o2o.config.rejected.v1": data.ConfigChanged(
        version=43,
        sha256=CAPTURE,
        key_id="ops-1",
        running=42,
        code="invalid_config",
        detail="device.0.decoder: 'escpoz' is not possible here (did you mean 'escpos'?)",
    ),
    "o2o.config.rolled_back.v1": data.ConfigChanged(
        version=44, sha256=CAPTURE, key_id="ops-1", running=42, code="device_failed", detail="till-1-printer: missing"
    ),
}


def draft(type_: str) -> Draft:
    """Return the fixed draft of an event type."""
    stream = EVENT_TYPES[type_].stream or Stream.PRESENCE
    placed = EVENT_TYPES[type_].stream not in (None, Stream.OPS)
    return Draft(
        id="019ab8f3-2a21-7d00-9e11-a2b3c4d5e6f7",
        stream=stream,
        type=type_,
        at=HAPPENED,
        data=DATA[type_],
        device="till-1-printer" if placed else None,
        subject=f"order/{ORDER_ID}" if placed else None,
        partitionkey="sh-0001/till-1" if placed else None,
    )


def encoded(type_: str) -> bytes:
    """Return the event as it goes on the wire."""
    return msgspec.json.encode(envelope(draft(type_), ORIGIN, 137, RECORDED))


def write() -> None:
    """Write the golden events anew. Only after a decision to change the wire: see docs/central.md on versions."""
    FOLDER.mkdir(exist_ok=True)
    for type_ in DATA:
        (FOLDER / f"{type_}.json").write_bytes(encoded(type_) + b"\n")


if __name__ == "__main__":
    write()
