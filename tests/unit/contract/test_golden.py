"""The wire does not change by accident: every event type has a golden event, byte for byte."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from edge_agent.contract.events import EVENT_TYPES
from edge_agent.contract.frames import decode_events
from edge_agent.contract.schemas import envelope_schema, event_schemas
from tests.support import golden

TYPES = sorted(golden.DATA)


def test_every_event_type_has_a_golden_event() -> None:
    assert {path.stem for path in golden.FOLDER.glob("*.json")} == set(EVENT_TYPES) == set(TYPES)


@pytest.mark.parametrize("type_", TYPES)
def test_encoding_gives_the_golden_bytes(type_: str) -> None:
    assert golden.encoded(type_) + b"\n" == (golden.FOLDER / f"{type_}.json").read_bytes()


@pytest.mark.parametrize("type_", TYPES)
def test_a_golden_event_fits_its_schemas(type_: str) -> None:
    event = read(type_)
    Draft202012Validator(envelope_schema(), format_checker=FormatChecker()).validate(event)
    name = EVENT_TYPES[type_].schema
    assert event["dataschema"] == f"urn:o2o:schema:{name}:1.0"
    Draft202012Validator(event_schemas()[name]).validate(event["data"])


@pytest.mark.parametrize("type_", TYPES)
def test_a_golden_event_is_read_back_whole(type_: str) -> None:
    (event,) = decode_events(b"[" + golden.encoded(type_) + b"]", "identity")
    assert event.type == type_
    assert json.loads(bytes(event.data)) == read(type_)["data"]


def test_the_contracts_example_order_is_encoded_as_it_stands_there() -> None:
    event = read("o2o.order.completed.v1")
    assert list(event) == [
        "specversion", "id", "type", "source", "subject", "time", "datacontenttype", "dataschema", "sequence",
        "partitionkey", "recordedtime", "timequality", "bootid", "uptime", "data",
    ]  # fmt: skip
    assert event["source"] == "/tenants/acme/stores/sh-0001/agents/pc-1/devices/till-1-printer"
    assert event["time"] == "2026-11-22T10:31:05.120+08:00"
    assert event["recordedtime"] == "2026-11-22T10:31:05.124+08:00"
    assert (event["sequence"], event["uptime"]) == ("137", "86400123")
    order = event["data"]
    assert order["totals"] == {
        "gross": 400, "discount": 104, "rounding": 0, "tax_added": 0, "tip": 0, "payable": 296, "tendered": 300,
        "change": 4,
    }  # fmt: skip
    assert order["lines"][0]["name"] == "农夫山泉550ml"
    assert order["tenders"] == [
        {"number": 1, "type": "cash", "label": "现金", "amount": 300, "entry": "cash", "provider": None,
         "reference": None}
    ]  # fmt: skip


def test_agent_and_gap_events_leave_their_place_out() -> None:
    for type_ in ("o2o.agent.started.v1", "o2o.agent.gap.v1"):
        event = read(type_)
        assert "subject" not in event
        assert "partitionkey" not in event
        assert event["source"] == "/tenants/acme/stores/sh-0001/agents/pc-1"


def read(type_: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((golden.FOLDER / f"{type_}.json").read_bytes())
    return event
