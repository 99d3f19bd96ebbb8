"""One configured device while it runs, as the status page sees it."""

import asyncio
from collections import Counter
from collections.abc import Callable

from edge_agent import devices
from edge_agent.clock import Moment
from edge_agent.config.devices import DeviceSettings
from edge_agent.devices.status import DeviceState
from edge_agent.generation.activity import Activity, Seen
from edge_agent.observations import Observation
from edge_agent.shop.outcome import Outcome
from edge_agent.shop.stamp import Stamp

# Hears what a device said and what the rules made of it, once it is recorded. Must not wait, nor raise.
Listener = Callable[[Observation, Outcome, Moment], None]

STARTING = "starting"  # why a device is down that has not said yet whether it works
HELD = "held"  # why one is down that is not run: the box is in safe mode


class RunningDevice:
    """One configured device while it runs, as the status page sees it."""

    def __init__(self, settings: DeviceSettings, at: Moment, activity: Activity) -> None:
        self.settings = settings
        self._activity = activity
        self.state = "down"
        self.reason = STARTING
        self.detail = ""
        self.since = at  # in this run; see ``since_ms``
        self.began = at  # to be opened
        self.device: devices.Device | None = None
        self.undecoded: Counter[str] = Counter()  # bytes that meant nothing, by reason
        self.heard: Counter[str] = Counter()  # what was recorded of it, as ``heard.noted`` says, since the start
        self.listeners: list[Listener] = []  # called with all that was recorded of it
        self.recording_ms: int | None = None  # uptime since which it waits for the disk to take what it said
        self.told = asyncio.Event()  # it has said whether it works
        self.asked_anew = asyncio.Event()
        self._goes_on = False  # as it was in the generation before

    def follow(self, was: "RunningDevice", *, is_read_alike: bool) -> None:
        """Go on as the same thing in the generation before: until it says otherwise, it is as it was.

        ``is_read_alike``: with the same decoder and templates; else what is heard of it is counted anew.
        """
        if was.reason != HELD:
            self.state, self.reason, self.detail, self.since = was.state, was.reason, was.detail, was.since
            self._goes_on = was.reason != STARTING
        if is_read_alike:
            self.undecoded, self.heard = was.undecoded, was.heard

    def goes_on_as(self, state: DeviceState) -> bool:
        """Tell whether the first it says is what was known of it before: no news."""
        goes_on, self._goes_on = self._goes_on, False
        return goes_on and (state.state, state.reason) == (self.state, self.reason)

    def hold_back(self, at: Moment) -> None:
        """Take note that it is not run: it has said all it will say, and what it said on a trial holds no more."""
        if self.state != "down":
            self.state, self.since = "down", at
        self._goes_on = False
        self.reason, self.detail = HELD, "it is not run: the box is in safe mode"
        self.told.set()

    def begin_anew(self, at: Moment) -> None:
        """Have it closed and opened again. ``at``: now."""
        self.state, self.reason, self.detail, self.since = "down", STARTING, "", at
        self.began = at
        self.told.clear()
        self.asked_anew.set()

    def seen(self, at: Moment) -> Seen:
        """Return what it said in the last day, and when last, earlier runs of the agent included. ``at``: now."""
        last = self.device.status.last_data if self.device else None
        if last is not None:
            self._activity.said(self.settings.id, 0, last)  # bytes, too, of which nothing has become yet
        return self._activity.of(self.settings.id, at)

    def since_ms(self, at: Moment) -> int:
        """Return since when its state is what it is, in Unix milliseconds. ``at``: now.

        One that does not work, has not since it failed: through other reasons, restarts of the agent and power cuts.
        """
        down_ms = self._activity.of(self.settings.id, at).down_since_ms
        if self.state == "down" and down_ms is not None:
            return down_ms
        return Stamp.of(self.since).right_ms(at)
