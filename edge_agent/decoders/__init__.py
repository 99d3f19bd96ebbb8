"""Bytes to observations, one file a register language. The folder is the registry: a new file is a new decoder.

A decoder module holds ``Settings`` (pydantic: the keys it adds to a device's table) and ``Decoder``; beside it lies
``<name>.toml`` with its vectors. Sans-IO: no clock, no I/O; ``feed`` never raises, whatever the bytes.
"""

import pkgutil
from importlib import import_module
from typing import Any, Protocol

from pydantic import BaseModel

from edge_agent.observations import Observation


class Decoder(Protocol):
    """One line's decoder: keeps what is unfinished between calls, in bounded memory."""

    def feed(self, data: bytes) -> list[Observation]:
        """Take bytes as they arrive, cut anywhere; return what became complete. Never raises."""
        ...

    def idle(self) -> list[Observation]:
        """Tell that the line has been silent for the device's ``idle_end``; return what that completes."""
        ...

    def unfinished(self) -> bytes:
        """Return the bytes not yet turned into observations; fed to a fresh decoder they give the same result."""
        ...


def names() -> list[str]:
    """Return the names of all decoders, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def settings_model(name: str) -> type[BaseModel]:
    """Return the settings a decoder adds to its device's table."""
    model: type[BaseModel] = _module(name).Settings
    return model


def create(name: str, settings: Any) -> Decoder:
    """Return a fresh decoder; ``settings``: an instance of its ``Settings`` (or of a model that extends it)."""
    decoder: Decoder = _module(name).Decoder(settings)
    return decoder


def _module(name: str) -> Any:
    return import_module(f"{__name__}.{name}")
