"""The AsyncAPI document is valid by its standard's own schema, and its payload schemas hold the real messages."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft7Validator

from edge_agent.contract.asyncapi import document
from edge_agent.contract.events import EVENT_TYPES
from edge_agent.contract.messages import Ack, DayAnswer, State
from edge_agent.contract.topics import Topics, parse_up
from tests.support import golden

STANDARD = Path(__file__).parents[2] / "vectors" / "asyncapi" / "3.0.0.json"
DOCUMENT = document()


@pytest.fixture(scope="module")
def standard() -> Draft7Validator:
    return Draft7Validator(json.loads(STANDARD.read_bytes()))


def test_it_is_valid_asyncapi_3(standard: Draft7Validator) -> None:
    assert [f"{error.json_path}: {error.message}" for error in standard.iter_errors(DOCUMENT)] == []


@pytest.mark.parametrize("broken", ["operations.sendFrame.action", "info.version", "channels.up.address"])
def test_the_standards_schema_does_find_errors(standard: Draft7Validator, broken: str) -> None:
    broken_one = json.loads(json.dumps(DOCUMENT))
    *path, last = broken.split(".")
    place = broken_one
    for name in path:
        place = place[name]
    place[last] = 7
    assert not standard.is_valid(broken_one)


def test_every_reference_leads_somewhere() -> None:
    references = list(find_references(DOCUMENT))
    assert len(references) > 40
    for reference in references:
        place = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]
        assert place


def test_the_topics_are_the_agents() -> None:
    topics = Topics("acme", "sh-0001", "pc-1")
    addresses = {
        channel["address"].format(tenant="acme", store="sh-0001", agent="pc-1", stream="orders")
        for channel in DOCUMENT["channels"].values()
    }
    assert addresses == {topics.up("orders"), topics.state, topics.health, topics.ack}
    assert parse_up(topics.up("orders")) == (topics, "orders")


@pytest.mark.parametrize("type_", sorted(EVENT_TYPES))
def test_each_golden_event_fits_its_message(type_: str) -> None:
    assert errors(type_, json.loads(golden.encoded(type_))) == []


ANSWER = DayAnswer(business_day="2026-11-22", workstation="03", digest="0" * 64, entries=["a:1:sale:296"])


@pytest.mark.parametrize(
    ("message", "payload"),
    [
        ("ack", Ack(epoch=golden.EPOCH, upto={"orders": 137}, need={"orders": [(3, 4)]})),
        ("ack", Ack(epoch=golden.EPOCH, day=[msgspec.Raw(msgspec.json.encode(ANSWER))])),
        ("state", State(state="online", boot_id=golden.BOOT, epoch=golden.EPOCH, version="0.1.0", since="2026-11-22")),
    ],
)
def test_the_small_messages_fit(message: str, payload: msgspec.Struct) -> None:
    assert errors(message, json.loads(msgspec.json.encode(payload))) == []


def test_a_wrong_ack_does_not_fit() -> None:
    assert errors("ack", {"epoch": golden.EPOCH, "need": {"orders": [[3]]}})
    assert errors("ack", {"upto": {}})
    assert errors("ack", {"epoch": golden.EPOCH, "day": [{"business_day": "2026-11-22"}]})


def errors(message: str, value: object) -> list[str]:
    schema = {**DOCUMENT["components"]["messages"][message]["payload"], "components": DOCUMENT["components"]}
    return [error.message for error in Draft7Validator(schema).iter_errors(value)]


def find_references(value: Any) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from find_references(item)
    elif isinstance(value, list):
        for item in value:
            yield from find_references(item)
