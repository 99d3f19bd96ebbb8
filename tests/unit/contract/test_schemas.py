"""The published schemas say what the contract says: complete, open, and strict where it matters."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from edge_agent.contract.events import EVENT_TYPES
from edge_agent.contract.schemas import dataset_schemas, envelope_schema, event_schemas
from tests.support import golden

SCHEMAS = event_schemas()


def test_there_is_a_schema_for_each_kind_of_data() -> None:
    assert set(SCHEMAS) == {row.schema for row in EVENT_TYPES.values()}
    assert dataset_schemas() == {}


def test_one_schema_name_means_one_kind_of_data() -> None:
    pairs = {(row.schema, row.data) for row in EVENT_TYPES.values()}
    assert len(pairs) == len(SCHEMAS)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_valid_and_named_and_described(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:o2o:schema:{name}:1.0"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["description"]
    assert "\n    " not in schema["description"]


def test_enums_are_open_and_unknown_fields_pass() -> None:
    order = json.loads(golden.encoded("o2o.order.completed.v1"))["data"]
    order["kind"] = "barter"
    order["tenders"][0]["type"] = "seashells"
    order["loyalty"] = {"new": "in 1.1"}
    Draft202012Validator(SCHEMAS["order"]).validate(order)


@pytest.mark.parametrize("missing", ["order_id", "totals", "tenders", "checks"])
def test_an_order_without_its_heart_fails(missing: str) -> None:
    order = json.loads(golden.encoded("o2o.order.completed.v1"))["data"]
    del order[missing]
    assert not Draft202012Validator(SCHEMAS["order"]).is_valid(order)


def test_money_is_a_whole_number() -> None:
    order = json.loads(golden.encoded("o2o.order.completed.v1"))["data"]
    order["totals"]["payable"] = 2.96
    assert not Draft202012Validator(SCHEMAS["order"]).is_valid(order)


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({}, True),
        ({"sequence": "0"}, False),
        ({"sequence": 137}, False),
        ({"specversion": "0.3"}, False),
        ({"type": "o2o.something.new.v1"}, True),
        ({"uptime": None}, False),
        ({"data": []}, False),
    ],
)
def test_the_envelope(change: dict[str, Any], valid: bool) -> None:
    event = json.loads(golden.encoded("o2o.order.completed.v1")) | change
    assert Draft202012Validator(envelope_schema()).is_valid(event) is valid


def test_an_order_names_its_place_and_an_agent_event_need_not() -> None:
    validator = Draft202012Validator(envelope_schema())
    order = json.loads(golden.encoded("o2o.order.completed.v1"))
    del order["partitionkey"]
    assert not validator.is_valid(order)
    assert validator.is_valid(json.loads(golden.encoded("o2o.agent.stopping.v1")))
