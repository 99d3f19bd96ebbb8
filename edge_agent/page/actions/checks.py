"""Guided checks: hold a card to a reader, or print a receipt, within 30 seconds, and see whether it arrives."""

import asyncio
from collections.abc import Callable

import msgspec

from edge_agent.page.sources import Reader, Sources

SECONDS = 30.0


class Check(msgspec.Struct, frozen=True):
    """A check as it stands. ``state``: waiting, arriving (bytes that mean nothing yet), passed, failed.

    ``sentence``: what to do, or what was found, in words. ``seconds_left``: 0 once it has ended.
    """

    device: str
    state: str
    sentence: str
    seconds_left: int


class Checks:
    """The checks that run, and the last result of each device. At most one a device runs at a time."""

    def __init__(self, sources: Sources, group: asyncio.TaskGroup) -> None:
        """``group``: where checks run."""
        self.on_changed: list[Callable[[], None]] = []  # called whenever a check says something else

    def start(self, device: str) -> None:
        """Begin a check of a device; one that runs goes on. Raises KeyError for an unknown or untestable device."""
        raise NotImplementedError

    def stop(self) -> None:
        """End all checks that run."""

    def section(self, reader: Reader) -> tuple[Check, ...]:
        """Return how the checks stand, in words; none without the manager's code."""
        raise NotImplementedError
