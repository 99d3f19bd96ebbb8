"""JSON Schema of both files, for editors that complete and check while one types."""

from datetime import time, timedelta
from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import BaseModel, Discriminator, Field, Tag, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from edge_agent import decoders
from edge_agent.config.agent import AgentSettings
from edge_agent.config.devices import LINE_KINDS, READER_KINDS, line_model
from edge_agent.config.explain import duration_text, keys
from edge_agent.config.store import StoreSettings

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """Writes defaults as a configuration would: ``2s``, ``04:00``."""

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, timedelta):
            return duration_text(dft)
        if isinstance(dft, time):
            return dft.isoformat(timespec="minutes")
        return super().encode_default(dft)


def schema() -> dict[str, Any]:
    """Return one JSON Schema for agent.toml and store.toml: by its tables it knows which of them it looks at."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (AgentSettings, "validation"),
        (_store_model(), "validation"),
    ]
    references, definitions = models_json_schema(models, schema_generator=_Generator)
    agent, store = (references[model] for model in models)
    return {
        "$schema": _DIALECT,
        "title": "edge-agent: agent.toml and store.toml",
        "type": "object",
        "if": {"anyOf": [{"required": [key]} for key in keys(AgentSettings)]},
        "then": agent,
        "else": store,
        **definitions,
    }


def _store_model() -> type[BaseModel]:
    """Return store.toml's model with every kind and decoder spelled out; loading imports only those in use."""
    models: dict[str, type[BaseModel]] = {
        f"{kind}/{decoder}": line_model(kind, decoder) for kind in LINE_KINDS for decoder in decoders.names()
    }
    models |= READER_KINDS
    tagged = [Annotated[model, Tag(tag)] for tag, model in models.items()]
    device: Any = Annotated[reduce(or_, tagged), Discriminator(_tag)]
    devices: Any = (tuple[device, ...], Field(default=(), alias="device"))
    return create_model("StoreFile", __base__=StoreSettings, devices=devices)


def _tag(table: Any) -> str:
    if not isinstance(table, dict):
        return ""
    kind = str(table.get("kind"))
    return kind if kind in READER_KINDS else f"{kind}/{table.get('decoder')}"
