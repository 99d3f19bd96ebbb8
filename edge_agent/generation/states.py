"""How devices are, told: to health now, and to head office as events, once the disk takes them."""

from edge_agent.clock import Moment
from edge_agent.config.devices import DeviceSettings
from edge_agent.contract import data
from edge_agent.contract.events import Draft, Stream
from edge_agent.contract.ids import uuid7
from edge_agent.devices.status import DeviceState
from edge_agent.generation.backlog import Backlog
from edge_agent.health import Condition, Health, Level

CHANGES = 1_000  # changes that wait for the disk: one device flapping for a quarter of an hour

_LEVELS = {"down": Level.ACTION, "degraded": Level.ATTENTION}


class States:
    """The changes of a generation's devices."""

    def __init__(self, health: Health) -> None:
        self._health = health
        # With the disk full for long, the newest tell how things are.
        self.untold: Backlog[Draft] = Backlog(CHANGES)

    def tell(self, settings: DeviceSettings, state: DeviceState, at: Moment) -> None:
        """Take a change to health, and its event to ``untold``."""
        if not self._health.report(f"device/{settings.id}", _condition(settings, state)):
            self._health.news()  # up for the first time: nothing to cure, but no longer "starting"
        self.untold.put(_event(settings, state, at))

    def repeat(self, settings: DeviceSettings, state: DeviceState) -> None:
        """Say that a device is as it was: no news, but it may have another name now."""
        self._health.report(f"device/{settings.id}", _condition(settings, state))


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
