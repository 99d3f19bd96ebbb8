"""How devices are, told: to health now, and to head office as events, once the disk takes them."""

import asyncio

from edge_agent.clock import Moment
from edge_agent.config.devices import DeviceSettings
from edge_agent.contract import data
from edge_agent.contract.events import Draft, Stream
from edge_agent.contract.ids import uuid7
from edge_agent.devices.status import DeviceState
from edge_agent.health import Condition, Health, Level

CHANGES = 1_000  # changes that wait for the disk: one device flapping for a quarter of an hour

_LEVELS = {"down": Level.ACTION, "degraded": Level.ATTENTION}


class States:
    """The changes of a generation's devices."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._untold: asyncio.Queue[Draft] = asyncio.Queue(CHANGES)

    def tell(self, settings: DeviceSettings, state: DeviceState, at: Moment) -> None:
        """Take a change to health, and keep its event for ``next``."""
        if not self._health.report(f"device/{settings.id}", _condition(settings, state)):
            self._health.news()  # up for the first time: nothing to cure, but no longer "starting"
        if self._untold.full():
            self._untold.get_nowait()  # the disk has been full for long: the newest tell how things are
        self._untold.put_nowait(_event(settings, state, at))

    async def next(self) -> Draft:
        """Return the next event to be recorded, as soon as there is one."""
        return await self._untold.get()

    def left(self) -> tuple[Draft, ...]:
        """Return all events that are to be recorded, oldest first, without waiting."""
        return tuple(self._untold.get_nowait() for _ in range(self._untold.qsize()))


def forget(device: str, health: Health) -> None:
    """Leave nothing behind of a device that is no longer configured."""
    health.report(f"device/{device}", None)
    health.report(f"layout/{device}", None)


def _condition(settings: DeviceSettings, state: DeviceState) -> Condition | None:
    if state.state not in _LEVELS:
        return None
    said = f"{settings.name or settings.id}: {state.detail or state.reason}"
    return Condition(f"device_{state.reason or state.state}", _LEVELS[state.state], said)


def _event(settings: DeviceSettings, state: DeviceState, at: Moment) -> Draft:
    changed = data.DeviceChanged(
        device=settings.id,
        kind=settings.kind,
        touchpoint=settings.touchpoint,
        reason=state.reason or None,
        detail=state.detail or None,
    )
    return Draft(uuid7(at.wall_ms), Stream.OPS, f"o2o.device.{state.state}.v1", at, changed, settings.id)
