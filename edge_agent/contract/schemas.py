"""JSON Schemas (draft 2020-12) of every event's data, the envelope and the data sets, generated from the types.

Enums are open and unknown fields are allowed: a consumer that validates with these accepts later minor versions.
"""

import inspect
from collections.abc import Iterable
from typing import Any

import msgspec

from edge_agent.contract.events import EVENT_TYPES, CloudEvent, Stream, schema_urn

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def event_schemas() -> dict[str, Schema]:
    """Return the schema of each kind of event data by its name, each complete in itself."""
    types = {row.schema: row.data for row in EVENT_TYPES.values()}
    return {name: _whole(types[name], name) for name in sorted(types)}


def envelope_schema() -> Schema:
    """Return the schema of one CloudEvent of a frame."""
    return describe_envelope(_whole(CloudEvent, "envelope"))


def dataset_schemas() -> dict[str, Schema]:
    """Return the schemas of the data sets that central pushes; there are none yet."""
    return {}


def components(types: Iterable[type[msgspec.Struct]], ref_template: str) -> dict[str, Schema]:
    """Return the schemas of the types and of all they consist of, by class name, referring to each other."""
    _, schemas = msgspec.json.schema_components(types, ref_template=ref_template)
    for schema in schemas.values():
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
    return schemas


def describe_envelope(schema: Schema) -> Schema:
    """Add to the envelope's schema what its Python type does not say."""
    schema["properties"] |= _ENVELOPE_RULES
    schema["required"] = [name for name in schema["properties"] if name not in _PLACE]
    placed = [name for name, row in EVENT_TYPES.items() if row.stream not in (None, Stream.OPS)]
    schema["if"] = {"properties": {"type": {"enum": placed}}}
    schema["then"] = {"required": list(_PLACE)}
    return schema


_PLACE = ("subject", "partitionkey")  # may be absent on ops and gap events

_DIGITS = "^[0-9]+$"

_ENVELOPE_RULES: dict[str, Schema] = {
    "specversion": {"const": "1.0"},
    "id": {"type": "string", "description": "UUIDv7; the same however often the event is sent"},
    "type": {"type": "string", "description": "an event type; store and acknowledge unknown ones all the same"},
    "source": {"type": "string", "format": "uri-reference"},
    "subject": {"type": "string", "description": "may be absent on ops and gap events only"},
    "partitionkey": {"type": "string", "description": "may be absent on ops and gap events only"},
    "time": {"type": "string", "format": "date-time", "description": "when it happened"},
    "recordedtime": {"type": "string", "format": "date-time", "description": "when it went to disk"},
    "datacontenttype": {"const": "application/json"},
    "sequence": {"type": "string", "pattern": "^[1-9][0-9]*$", "description": "its place in the stream, per epoch"},
    "timequality": {"type": "string", "description": "synced, holdover, unsynced (open)"},
    "uptime": {"type": "string", "pattern": _DIGITS, "description": "milliseconds since boot"},
    "data": {"type": "object", "description": "its schema is named by dataschema"},
}


def _whole(type_: type[msgspec.Struct], name: str) -> Schema:
    schemas = components((type_,), "#/$defs/{name}")
    own = schemas.pop(type_.__name__)
    schema: Schema = {"$schema": DIALECT, "$id": schema_urn(name), **own}
    if schemas:
        schema["$defs"] = schemas
    return schema
