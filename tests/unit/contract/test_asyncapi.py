"""The AsyncAPI document is valid by its standard's own schema, and its payload schemas hold the real messages."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jsonschema import Draft7Validator

from edge_agent.contract.asyncapi import document
from edge_agent.contract.datasets import Delta, Manifest, StoreTarget
from edge_agent.contract.envelope import seal
from edge_agent.contract.events import EVENT_TYPES
from edge_agent.contract.messages import Ack, DayAnswer, State
from edge_agent.contract.remote import Chunk, Command, ConfigId, ConfigPush, Desired, Reply, Reported, Target
from edge_agent.contract.topics import Topics, dataset, parse_up
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


PLACES = {
    "tenant": "acme", "store": "sh-0001", "agent": "pc-1", "stream": "orders",
    "command": "c-1", "name": "products", "revision": "12", "number": "0", "from": "11",
}  # fmt: skip


def test_the_topics_are_the_agents() -> None:
    topics = Topics("acme", "sh-0001", "pc-1")
    addresses = {channel["address"].format(**PLACES) for channel in DOCUMENT["channels"].values()}
    products = dataset("acme", "sh-0001", "products")
    assert addresses == {
        topics.up("orders"), topics.state, topics.health, topics.ack,
        topics.config, topics.reported, topics.command, topics.reply("c-1"),
        products, f"{products}/12/0", f"{products}/delta/11",
    }  # fmt: skip
    assert parse_up(topics.up("orders")) == (topics, "orders")


@pytest.mark.parametrize("type_", sorted(EVENT_TYPES))
def test_each_golden_event_fits_its_message(type_: str) -> None:
    assert errors(type_, json.loads(golden.encoded(type_))) == []


ID = ConfigId(42, "0" * 64)
TARGET = Target("acme", "sh-0001", "pc-1")
STORE = StoreTarget("acme", "sh-0001")
AT = datetime(2026, 11, 22, tzinfo=UTC)
CHUNK = Chunk(number=0, of=1, name="capture.bin", bytes=2, sha256="0" * 64, data="r4I=")
ANSWER = DayAnswer(business_day="2026-11-22", workstation="03", digest="0" * 64, entries=["a:1:sale:296"])


@pytest.mark.parametrize(
    ("message", "payload"),
    [
        ("ack", Ack(epoch=golden.EPOCH, upto={"orders": 137}, need={"orders": [(3, 4)]})),
        ("ack", Ack(epoch=golden.EPOCH, day=[msgspec.Raw(msgspec.json.encode(ANSWER))])),
        ("reported", Reported(running=ID, last_known_good=ID)),
        (
            "reported",
            Reported(running=ID, last_known_good=ID, desired=Desired(None), phase="rejected", code="malformed"),
        ),
        ("reply", Reply(id="c-1", status="done", at="2026-11-22", result={"uptime": 1})),
        ("reply", Reply(id="c-1", status="progress", at="2026-11-22", progress=0.5, chunk=CHUNK)),
        ("state", State(state="online", boot_id=golden.BOOT, epoch=golden.EPOCH, version="0.1.0", since="2026-11-22")),
    ],
)
def test_the_small_messages_fit(message: str, payload: msgspec.Struct) -> None:
    assert errors(message, json.loads(msgspec.json.encode(payload))) == []


SIGNED = [
    ("config", ConfigPush(type="config", target=TARGET, version=42, expires=AT, config={"store": {}})),
    ("command", Command(type="command", target=TARGET, id="c-1", name="ping", expires=AT)),
    (
        "manifest",
        Manifest(
            type="dataset", target=STORE, name="prices", revision=12, as_of=AT, sha256="0" * 64, rows=1, chunks=1,
            deltas=[(11, 12)],
        ),
    ),
    ("delta", Delta(type="dataset", target=STORE, name="prices", from_=11, to=12, as_of=AT, upserts=[{"id": "1"}])),
]  # fmt: skip


@pytest.mark.parametrize(("message", "payload"), SIGNED)
def test_the_signed_messages_fit_outside_and_inside(message: str, payload: msgspec.Struct) -> None:
    data = msgspec.json.encode(payload)
    envelope = json.loads(seal(data, Ed25519PrivateKey.from_private_bytes(bytes(32)), "ops-1"))

    assert errors(message, envelope) == []
    assert errors(message, {**envelope, "payload": "=x="})
    assert errors(message, json.loads(data), "x-signed-payload") == []
    assert errors(message, {**json.loads(data), "target": {}}, "x-signed-payload")


def test_a_wrong_ack_does_not_fit() -> None:
    assert errors("ack", {"epoch": golden.EPOCH, "need": {"orders": [[3]]}})
    assert errors("ack", {"upto": {}})
    assert errors("ack", {"epoch": golden.EPOCH, "day": [{"business_day": "2026-11-22"}]})


def errors(message: str, value: object, part: str = "payload") -> list[str]:
    schema = {**DOCUMENT["components"]["messages"][message][part], "components": DOCUMENT["components"]}
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
