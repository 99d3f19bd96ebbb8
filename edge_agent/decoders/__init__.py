"""Bytes to observations, one file a register language. The folder is the registry: a new file is a new decoder.

A decoder module holds ``Settings`` (pydantic: the keys it adds to a device's table) and ``Decoder``; beside it lies
``<name>.toml`` with its vectors: bytes and what they mean (``_vectors`` tells their form). Files that begin with ``_``
are helpers. Sans-IO: no clock, no I/O; nothing raises, whatever the bytes. ``docs/add-a-register-language.md`` walks
through a new one.
"""

import pkgutil
from importlib import import_module
from typing import Any, Protocol

from pydantic import BaseModel

from edge_agent.observations import Decoded


class Decoder(Protocol):
    """One line's decoder: keeps what is unfinished between calls, in bounded memory."""

    def feed(self, data: bytes) -> list[Decoded]:
        """Take bytes as they arrive, cut anywhere; return what became complete. Never raises."""
        ...

    def idle(self) -> list[Decoded]:
        """Tell that the line has been silent for the device's ``idle_end``; return what that completes."""
        ...

    def unfinished(self) -> bytes:
        """Return ``modes()`` and the real bytes since ``consumed``.

        A fresh decoder with the same settings fed with them, then with the rest of the stream, gives exactly the
        observations this one would have given: that is how a port is handed over to the next configuration.
        """
        ...

    @property
    def consumed(self) -> int:
        """Count the bytes fed so far that are wholly turned into observations (or change nothing but modes).

        A receipt under way is not consumed: after a crash the real bytes from here on are read again.
        """
        ...

    def modes(self) -> bytes:
        """Return the bytes that bring a fresh decoder to the modes in force at ``consumed``; empty where none is set.

        They are made up, not taken from the stream, and count for nothing in ``consumed`` of the decoder before. After
        a crash: feed the ``modes()`` that were kept with ``consumed``, then the real bytes from ``consumed`` on.
        """
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


def check_vectors(name: str) -> list[str]:
    """Run a decoder's vectors, whole and byte by byte; return what is wrong, one line each, empty when all is well."""
    from edge_agent.decoders import _vectors  # noqa: PLC0415 - a running agent has no use for them

    return _vectors.check(name, _module(name))


def _module(name: str) -> Any:
    return import_module(f"{__name__}.{name}")
