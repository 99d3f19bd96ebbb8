"""The AsyncAPI 3.0 document of the agent: its topics, what travels on them and in which direction.

Generated from the same types that encode the messages. Schemas in it are draft-07, AsyncAPI's own dialect.
"""

import re
from typing import Any

import msgspec

from edge_agent.contract import datasets, messages, remote
from edge_agent.contract.envelope import MAX_BYTES
from edge_agent.contract.events import EVENT_TYPES, CloudEvent, Stream
from edge_agent.contract.frames import CONTENT_TYPE, MAX_EVENTS
from edge_agent.contract.schemas import Schema, components, describe_envelope
from edge_agent.contract.topics import Topics, dataset

VERSION = "1.0.0"  # of the contract, not of the agent: the 1 in the topics

_BINDING = "0.2.0"  # https://github.com/asyncapi/bindings/blob/master/mqtt/README.md
_TOPICS = Topics("{tenant}", "{store}", "{agent}")
_DATASET = dataset("{tenant}", "{store}", "{name}")
_PARAMETERS: Schema = {
    "tenant": {"description": "the chain; an ident, [a-z0-9][a-z0-9-]{0,62}"},
    "store": {"description": "the shop; an ident, unique in the chain"},
    "agent": {"description": "the machine; an ident, unique in the store"},
    "stream": {"description": "orders first, presence last", "enum": [str(stream) for stream in Stream]},
    "command": {"description": "the command's id; unverified: answers to what nobody known has signed"},
    "name": {"description": "a data set", "enum": list(datasets.NAMES)},
    "revision": {"description": "the revision in the manifest"},
    "number": {"description": "the chunk, from 0"},
    "from": {"description": "the revision that the delta starts from"},
}


def document() -> dict[str, Any]:
    """Return the document, from the agent's side: what it sends, and what it receives."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "edge-agent",
            "version": VERSION,
            "description": "Orders, check-ins, presence and operations of a store, as CloudEvents over MQTT 5.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "mqtt.example.com:8883",
                "protocol": "secure-mqtt",
                "protocolVersion": "5",
                "description": "Any MQTT 5 broker. The agent connects as {tenant}.{store}.{agent} with a clean start.",
                "bindings": {"mqtt": {"cleanSession": True, "bindingVersion": _BINDING}},
            }
        },
        "channels": {
            "up": _channel(_TOPICS.up("{stream}"), "frame", "Frames of one stream, in the order of their sequences."),
            "state": _channel(_TOPICS.state, "state", "Birth, clean stop and will."),
            "health": _channel(_TOPICS.health, "health", "The status document without amounts."),
            "ack": _channel(_TOPICS.ack, "ack", "What central has stored of this agent."),
            "config": _channel(_TOPICS.config, "config", "The store config that head office wants."),
            "reported": _channel(_TOPICS.reported, "reported", "What has become of it."),
            "command": _channel(_TOPICS.command, "command", "What an agent is asked to do."),
            "reply": _channel(
                _TOPICS.reply("{command}"), "reply", "Answers to one command, pieces of files among them."
            ),
            "dataset": _channel(_DATASET, "manifest", "Which revision of a data set a store should have."),
            "chunk": _channel(f"{_DATASET}/{{revision}}/{{number}}", "chunk", "A piece of a revision."),
            "delta": _channel(f"{_DATASET}/delta/{{from}}", "delta", "What makes a later revision of a held one."),
        },
        "operations": {
            "sendFrame": _operation("send", "up", "frame", retain=False),
            "sendState": _operation("send", "state", "state", retain=True),
            "sendHealth": _operation("send", "health", "health", retain=True),
            "sendReported": _operation("send", "reported", "reported", retain=True),
            "sendReply": _operation("send", "reply", "reply", retain=False),
            "receiveAck": _operation("receive", "ack", "ack", retain=True),
            "receiveConfig": _operation("receive", "config", "config", retain=True),
            "receiveCommand": _operation("receive", "command", "command", retain=False),
            "receiveManifest": _operation("receive", "dataset", "manifest", retain=True),
            "receiveChunk": _operation("receive", "chunk", "chunk", retain=True),
            "receiveDelta": _operation("receive", "delta", "delta", retain=True),
        },
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _channel(address: str, message: str, description: str) -> Schema:
    names = re.findall(r"{(\w+)}", address)
    return {
        "address": address,
        "description": description,
        "parameters": {name: _PARAMETERS[name] for name in names},
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
    }


def _operation(action: str, channel: str, message: str, *, retain: bool) -> Schema:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
        "bindings": {"mqtt": {"qos": 1, "retain": retain, "bindingVersion": _BINDING}},
    }


def _messages() -> dict[str, Schema]:
    fixed = {
        "frame": {
            "title": "Frame",
            "contentType": CONTENT_TYPE,
            "description": "A JSON array of CloudEvents of one stream, as it is or as one zstd frame.",
            "headers": _ref("FrameProperties"),
            "payload": {"type": "array", "items": _ref("CloudEvent"), "minItems": 1, "maxItems": MAX_EVENTS},
        },
        "state": {"title": "State", "payload": _ref("State")},
        "health": {"title": "Health", "payload": _ref("Health")},
        "ack": {"title": "Acknowledgement", "payload": _ref("Ack")},
        "config": _signed("ConfigPush", "config"),
        "command": _signed("Command", "command"),
        "manifest": _signed("Manifest", "dataset"),
        "delta": _signed("Delta", "dataset"),
        "chunk": {
            "title": "Chunk of a data set",
            "contentType": "application/x-ndjson",
            "description": f"A JSON object a line, at most {datasets.CHUNK_BYTES} bytes; its hash is in the manifest.",
        },
        "reported": {"title": "Reported config", "payload": _ref("Reported")},
        "reply": {"title": "Reply", "payload": _ref("Reply")},
    }
    return fixed | {name: _event(name) for name in EVENT_TYPES}


def _signed(payload: str, role: str) -> Schema:
    return {
        "title": payload,
        "description": f"A signed envelope; in it, {payload}. Its key must hold the role {role}.",
        "payload": _ref("Envelope"),
        "x-signed-payload": _ref(payload),
    }


def _event(name: str) -> Schema:
    row = EVENT_TYPES[name]
    where = f"the stream {row.stream}" if row.stream else "any stream"
    return {
        "name": name,
        "title": name,
        "description": f"Travels inside frames of {where}.",
        "payload": {
            "allOf": [
                _ref("CloudEvent"),
                {"properties": {"type": {"const": name}, "data": _ref(row.data.__name__)}},
            ]
        },
    }


def _schemas() -> dict[str, Schema]:
    types: list[type[msgspec.Struct]] = [row.data for row in EVENT_TYPES.values()]
    types += [CloudEvent, messages.Ack, messages.DayAnswer, messages.State]
    types += [remote.ConfigPush, remote.Command, remote.Reported, remote.Reply, datasets.Manifest, datasets.Delta]
    schemas = {name: _draft_7(schema) for name, schema in components(types, "#/components/schemas/{name}").items()}
    describe_envelope(schemas["CloudEvent"])
    # Its type does not say so: answers are decoded one by one, so that an unreadable one spoils no acknowledgement.
    schemas["Ack"]["properties"]["day"]["items"] = _ref("DayAnswer")
    return schemas | {"FrameProperties": _FRAME_PROPERTIES, "Health": _HEALTH, "Envelope": _ENVELOPE}


_FRAME_PROPERTIES: Schema = {
    "type": "object",
    "description": "The MQTT 5 user properties of a frame.",
    "properties": {
        "epoch": {"type": "string", "format": "uuid", "description": "one life of the agent's outbox"},
        "first": {"type": "string", "pattern": "^[1-9][0-9]*$", "description": "sequence of the first event"},
        "count": {"type": "string", "pattern": "^[1-9][0-9]*$", "description": "number of events"},
        "encoding": {"type": "string", "enum": ["zstd", "identity"]},
    },
    "required": ["epoch", "first", "count", "encoding"],
}

_BASE64: Schema = {"type": "string", "contentEncoding": "base64", "pattern": "^[A-Za-z0-9+/]*={0,2}$"}
_ENVELOPE: Schema = {
    "type": "object",
    "description": f"At most {MAX_BYTES} bytes. Verify first, over the exact bytes of the payload; parse second.",
    "properties": {
        "payload": {**_BASE64, "contentMediaType": "application/json", "description": "what is signed"},
        "signature": {**_BASE64, "description": "Ed25519 (RFC 8032)"},
        "key_id": {"type": "string", "description": "of the agent's [trust] keys"},
    },
    "required": ["payload", "signature", "key_id"],
}

_WORDS: Schema = {
    "type": "object",
    "properties": {
        "headline": {"type": "string", "description": "one sentence"},
        "steps": {"type": "array", "items": {"type": "string"}, "description": "what to do, in order, at most three"},
    },
    "required": ["headline", "steps"],
}

_HEALTH: Schema = {
    "type": "object",
    "description": "What GET /api/status answers, without amounts, in the box's language; and its words in every one.",
    "properties": {
        "level": {"type": "string", "description": "ok, attention, action (open)"},
        **_WORDS["properties"],
        "words": {
            "type": "object",
            "description": "what the shop's page says, by language (zh, en; open)",
            "additionalProperties": _WORDS,
        },
    },
    "required": ["level", "headline", "steps", "words"],
}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _draft_7(schema: Any) -> Any:
    """Return a draft 2020-12 schema with its tuples written as draft-07 has them."""
    if isinstance(schema, list):
        return [_draft_7(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _draft_7(value) for key, value in schema.items() if key != "prefixItems"}
    if "prefixItems" in schema:
        plain["items"] = _draft_7(schema["prefixItems"])
        plain["additionalItems"] = False
    return plain
