"""Guided checks: hold a card to a reader, or print a receipt, within 30 seconds, and see whether it arrives.

A check only listens to what is recorded anyway: it opens nothing, asks the device nothing, keeps nothing.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import structlog

from edge_agent.generation import RunningDevice
from edge_agent.log import places
from edge_agent.page import advice
from edge_agent.page.actions.listening import Finding, Tap, found, kind_of, waiting
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.words import words

log = structlog.get_logger()

SECONDS = 30.0
_OVERTAKEN = Finding("failed", "found.overtaken")
LOOK_S = 0.2  # whoever holds the card sees the answer as if at once; a look costs microseconds


class Check(msgspec.Struct, frozen=True):
    """A check as it stands. ``state``: waiting, arriving (bytes that mean nothing yet), passed, failed.

    ``sentence``: what to do, or what was found, in words. ``seconds_left``: 0 once it has ended.
    """

    device: str
    state: str
    sentence: str
    seconds_left: int


@dataclass(slots=True)
class _Running:
    """One check. ``ends_at``: of the loop's clock."""

    running: RunningDevice
    tap: Tap
    ends_at: float
    finding: Finding
    seconds_left: int
    task: asyncio.Task[None] | None = None


class Checks:
    """The checks that run, and the last result of each device. At most one a device runs at a time."""

    def __init__(self, sources: Sources, group: asyncio.TaskGroup) -> None:
        """``group``: where checks run."""
        self.on_changed: list[Callable[[], None]] = []  # called whenever a check says something else
        self._sources = sources
        self._group = group
        self._checks: dict[str, _Running] = {}

    def start(self, device: str) -> None:
        """Begin a check of a device; one that runs goes on. Raises KeyError for an unknown or untestable device."""
        running = self._sources.generation.devices[device]
        if kind_of(running.settings) is None:
            raise KeyError(device)
        before = self._checks.get(device)
        if before is not None and before.task is not None:
            return
        ends_at = asyncio.get_running_loop().time() + SECONDS
        tap = Tap.on(running, self._sources.clock.now().uptime_ms)
        check = _Running(running, tap, ends_at, waiting(running.settings), math.ceil(SECONDS))
        self._checks.pop(device, None)  # the newest is shown first
        self._checks[device] = check
        check.task = self._group.create_task(self._watch(check))
        self._changed()

    def stop(self) -> None:
        """End all checks that run."""
        for check in self._checks.values():
            if check.task is not None:
                check.task.cancel()

    def section(self, reader: Reader) -> tuple[Check, ...]:
        """Return how the checks stand, in words, the newest first; none without the manager's code."""
        if not (reader.is_manager and self._checks):
            return ()
        shop = advice.situation(self._sources)
        return tuple(
            Check(device, check.finding.state, _sentence(shop, check, reader.language), check.seconds_left)
            for device, check in reversed(self._checks.items())
            if device in shop.names
        )

    async def _watch(self, check: _Running) -> None:
        """Look until something is found or the time is up."""
        loop = asyncio.get_running_loop()
        try:
            while check.seconds_left:
                await asyncio.sleep(LOOK_S)
                left = max(0.0, check.ends_at - loop.time())
                before = check.finding, check.seconds_left
                check.finding = found(check.tap, is_over=not left) if self._is_current(check) else _OVERTAKEN
                check.seconds_left = 0 if check.finding.is_final else math.ceil(left)
                if before != (check.finding, check.seconds_left):
                    self._changed()
        except Exception as error:  # noqa: BLE001 - a defect in what a manager may start must not end the agent
            self._drop(check, error)
        finally:
            check.task = None

    def _is_current(self, check: _Running) -> bool:
        """Tell whether what the check listens to still runs: a config that changes ends all devices."""
        return self._sources.generation.devices.get(check.running.settings.id) is check.running

    def _drop(self, check: _Running, error: Exception) -> None:
        log.error("check_failed", device=check.running.settings.id, traceback=places(error))
        del self._checks[check.running.settings.id]
        self._changed()

    def _changed(self) -> None:
        for listener in self.on_changed:
            listener()


def _sentence(shop: advice.Situation, check: _Running, language: str) -> str:
    settings = check.running.settings
    wrong = advice.device_sentence(shop, settings.id, language)
    return words(language).say(f"checks.{check.finding.text}", name=settings.name, wrong=wrong).strip()
