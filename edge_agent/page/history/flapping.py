"""What a device's comings and goings are told as: a line each time it changes, and one for all of it while it flaps."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from edge_agent.contract import data
from edge_agent.page.history.newest import Told
from edge_agent.shop import layouts

# Well for longer than that, it has stopped flapping: a loose plug goes within minutes, a till is off for a night.
WELL_MS = 3_600_000
_FLAPS = 2  # one coming and going is two plain lines: when it stopped, and when it worked again

_STATES = {"o2o.device.up.v1": "up", "o2o.device.down.v1": "down", "o2o.device.degraded.v1": "degraded"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line to be told. ``event``: what it is told of, and when.

    ``times``: how often a device that flaps was in ``trouble`` (down, degraded); 0: it does not, ``event`` says it
    all. Of one that flaps, ``event`` is its last recovery (``is_well``), or what it has not recovered from;
    ``is_least``: it may have flapped longer than was looked back.
    """

    event: Told
    times: int = 0
    trouble: str = ""
    is_well: bool = True
    is_least: bool = False


def lines(events: Sequence[Told], from_ms: int | None) -> Iterator[Line]:
    """Yield what is to be told of events, the newest first as they come.

    ``from_ms``: since when all that was recorded of devices is among them (Unix milliseconds); None: since ever.
    """
    of_devices: dict[str, list[Told]] = {}
    for event in reversed(events):
        if (device := _device(event)) is not None:
            of_devices.setdefault(device, []).append(event)
    told = {
        line.event.id: line for its_events in of_devices.values() for run in _runs(its_events)
        for line in _run_lines(run, from_ms)
    }  # fmt: skip
    for event in events:
        if _device(event) is None:
            yield Line(event)
        elif event.id in told:
            yield told[event.id]


def needed(events: Sequence[Told], limit: int) -> int:
    """Return how many of the newest events make about ``limit`` lines; the newest first."""
    newer: dict[str, Told] = {}
    begun = 0
    for count, event in enumerate(events):
        device = _device(event)
        then = newer.get(device or "")
        if then is None or not (_state(then) == _state(event) or then.recorded_ms - event.recorded_ms <= WELL_MS):
            begun += 1
        if begun > limit:
            return count
        if device is not None:
            newer[device] = event
    return len(events)


def _device(event: Told) -> str | None:
    return event.data.device if isinstance(event.data, data.DeviceChanged) else None


def _state(event: Told) -> str:
    assert isinstance(event.data, data.DeviceChanged)
    return layouts.REASON if event.data.reason == layouts.REASON else _STATES[event.type]


def _runs(events: list[Told]) -> Iterator[list[Told]]:
    """Yield a device's changes, the oldest first, cut where it was well for long: the same again is no change."""
    changes = [events[0], *(event for before, event in pairwise(events) if _state(before) != _state(event))]
    run = changes[:1]
    for before, event in pairwise(changes):
        if _state(before) == "up" and event.recorded_ms - before.recorded_ms > WELL_MS:
            yield run
            run = []
        run.append(event)
    yield run


def _run_lines(run: list[Told], from_ms: int | None) -> Iterator[Line]:
    troubles = Counter(_state(event) for event in run if _state(event) != "up")
    state, times = max(troubles.items(), key=lambda found: found[1], default=("", 0))
    trouble = "down" if state == "down" else "degraded"
    if times < _FLAPS:
        yield from map(Line, run)
        return
    is_well = _state(run[-1]) == "up"
    last = len(run) - 1
    while not is_well and last > 0 and _state(run[last - 1]) != "up":
        last -= 1
    is_least = from_ms is not None and run[0].recorded_ms - from_ms <= WELL_MS
    yield Line(run[last], times, trouble, is_well, is_least)
