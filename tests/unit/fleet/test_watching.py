import json
import random
import time
from typing import Any

import pytest

from edge_agent.contract.data import DeviceChanged
from edge_agent.contract.frames import pack
from edge_agent.fleet.listening import Message
from edge_agent.fleet.watching import Wanted, told

ROOT = "o2o/1/demo/sh-0001/pc-1"
ALL = Wanted(["all"])


def event(type_: str, data: Any, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": "1", "type": type_, "source": "/x", "time": "2026-11-22T10:31:05.120+08:00",
        "datacontenttype": "application/json", "dataschema": "urn:x", "sequence": "1", "recordedtime": "x",
        "timequality": "synced", "bootid": "b", "uptime": "1", "data": data, **more,
    }  # fmt: skip


def frame(*events: dict[str, Any]) -> Message:
    return Message(f"{ROOT}/up/orders", pack(json.dumps(events).encode(), "zstd"), {"encoding": "zstd"})


ORDER = event(
    "o2o.order.completed.v1",
    {"order_no": "137", "totals": {"payable": 29_650}, "currency": "CNY", "lines": [1, 2], "checks": {"lines": "fail"}},
)
DOWN = event(
    "o2o.device.down.v1",
    {"device": "till-1", "reason": "unplugged", "detail": "is it\x1b[2J plugged in?", "kind": "serial"},
)


def lines(message: Message, wanted: Wanted = ALL, *, as_json: bool = False) -> list[str]:
    return list(told(message, wanted, as_json=as_json))


def test_events_are_told_in_a_line_each() -> None:
    order, down = lines(frame(ORDER, DOWN))
    assert order.split(maxsplit=3)[:3] == ["11-22", "10:31:05", "sh-0001/pc-1"]
    assert order.endswith("order completed  137 296.50 CNY, 2 lines, does not add up: lines")
    assert "device down  till-1 (unplugged: is it" in down
    assert "\x1b" not in down
    assert set(DeviceChanged.__struct_fields__) >= {"device", "reason", "detail"}


@pytest.mark.parametrize(("currency", "told"), [("JPY", "29650 JPY"), ("KWD", "29.650 KWD")])
def test_an_amount_has_the_decimals_of_its_currency(currency: str, told: str) -> None:
    (order,) = lines(frame({**ORDER, "data": {**ORDER["data"], "currency": currency}}))
    assert f" {told}, " in order


def test_only_what_is_wanted() -> None:
    assert len(lines(frame(ORDER, DOWN), Wanted(["all"], ["order"]))) == 1
    assert len(lines(frame(ORDER, DOWN), Wanted(["sh-00*"]))) == 2
    assert lines(frame(ORDER, DOWN), Wanted(["sh-0002"])) == []


def test_json_is_the_event() -> None:
    assert [json.loads(line) for line in lines(frame(ORDER), as_json=True)] == [ORDER]


def test_states_and_reports_as_they_change() -> None:
    state = b'{"state":"lost","boot_id":"b","epoch":"e","version":"1.2","since":"2026-11-22T10:00:00+08:00"}'
    config = {"version": 3, "sha256": "a"}
    report = {
        "running": {"version": 2, "sha256": "b"}, "last_known_good": config, "desired": {"version": 3},
        "phase": "rolled_back", "code": "device_failed", "detail": "till-1", "at": "2026-11-22T10:00:00+08:00",
    }  # fmt: skip
    assert lines(Message(f"{ROOT}/state", state))[0].endswith("is lost (1.2)")
    (line,) = lines(Message(f"{ROOT}/config/reported", json.dumps(report).encode()))
    assert line.endswith("config 3: rolled_back (device_failed: till-1), runs 2")
    assert lines(Message(f"{ROOT}/state", state, retained=True)) == []
    assert json.loads(lines(Message(f"{ROOT}/state", state), as_json=True)[0])["state"]["state"] == "lost"


def test_garbage_is_told_as_such() -> None:
    noise = random.Random(9)
    for size in range(60):
        body = noise.randbytes(size)
        for end in ("up/orders", "state", "config/reported", "up/x", "reply/x"):
            for line in lines(Message(f"{ROOT}/{end}", body, {"encoding": noise.choice(["zstd", "identity", "?"])})):
                assert "unreadable" in line
                assert line.isprintable()
    assert lines(Message("o2o/1/x", b"")) == []
    odd = event("o2o.order.completed.v1", {"totals": 5, "checks": [], "lines": None}, time="soon")
    assert "without a number" in lines(frame(odd))[0]


def test_it_keeps_up() -> None:
    message = frame(*[ORDER] * 50)
    began = time.process_time()
    count = sum(len(lines(message)) for _ in range(100))
    spent = time.process_time() - began
    assert count == 5_000
    assert spent < 5.0  # of CPU, for 1,000 events a second: five times as fast on the slowest machine
