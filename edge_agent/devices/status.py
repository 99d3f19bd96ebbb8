"""What is told about one device: whether it works."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from edge_agent.clock import Clock, Moment


@dataclass(frozen=True, slots=True)
class DeviceState:
    """How a device is.

    ``reason``: a stable code, empty while up; for ``down`` that of the DeviceError.
    ``detail``: one line for a person.
    """

    state: Literal["up", "degraded", "down"]
    reason: str = ""
    detail: str = ""


Report = Callable[[DeviceState], None]


class Status:
    """One device's state; ``report`` hears of changes of state or reason only."""

    def __init__(self, report: Report, clock: Clock) -> None:
        self.last_data: Moment | None = None  # when it last said anything
        self.counts: Counter[str] = Counter()  # for metrics, since the start: what was seen and what went wrong
        self._report = report
        self._clock = clock
        self._current: DeviceState | None = None

    def up(self) -> None:
        """Tell that the device works."""
        self._change(DeviceState("up"))

    def degraded(self, reason: str, detail: str = "") -> None:
        """Tell that the device works, but not as it should."""
        self._change(DeviceState("degraded", reason, detail))

    def down(self, reason: str, detail: str = "") -> None:
        """Tell that the device can't be opened or has gone; fits ``supervise(on_down=…)``."""
        self._change(DeviceState("down", reason, detail))

    def seen(self) -> Moment:
        """Note that the device has said something; return the moment."""
        self.last_data = self._clock.now()
        return self.last_data

    def _change(self, state: DeviceState) -> None:
        before, self._current = self._current, state
        if before is None or (before.state, before.reason) != (state.state, state.reason):
            self._report(state)
