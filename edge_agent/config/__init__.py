"""agent.toml and store.toml: one model, all errors at once, each with its file and line."""

from typing import Any

from edge_agent.config.load import Config, load
from edge_agent.config.problems import InvalidConfigError, Problem

__all__ = ["Config", "InvalidConfigError", "Problem", "load", "schema"]


def schema() -> dict[str, Any]:
    """Return the JSON Schema of agent.toml and store.toml. Imports every decoder, as nothing else does."""
    from edge_agent.config.json_schema import schema as build  # noqa: PLC0415  only this command pays for it

    return build()
