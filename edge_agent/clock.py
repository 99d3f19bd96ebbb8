"""Wall time, monotonic time, boot id and how far the wall clock can be trusted."""

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class TimeQuality(StrEnum):
    """How far the wall clock can be trusted."""

    SYNCED = "synced"  # the kernel's clock is being disciplined now
    HOLDOVER = "holdover"  # it was during this boot, and is not any more
    UNSYNCED = "unsynced"  # not yet during this boot


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on both clocks.

    ``wall_ms``: Unix time in milliseconds, may step. ``uptime_ms``: milliseconds since boot, suspend included
    (CLOCK_BOOTTIME), never steps. ``boot_id``: the kernel's random id of this boot.
    """

    wall_ms: int
    uptime_ms: int
    boot_id: str
    quality: TimeQuality


@dataclass(frozen=True, slots=True)
class Step:
    """The wall clock jumped by ``step_ms`` (positive: forward) some time before ``at``."""

    at: Moment
    step_ms: int


# NTP clients step above 128 ms (ntpd) or 400 ms (systemd-timesyncd) and slew below; a slew moves both clocks alike
# (clock_gettime(2)), so that only steps change the distance between them.
STEP_MS = 500

# A process may be stopped between two readings, which would look like a step there and back.
_TOGETHER_NS = 20_000_000

_ADJTIME_ERROR = 5  # adjtimex(2): TIME_ERROR, the clock is not synchronized
_TIMESYNCD_MARK = Path("/run/systemd/timesync/synchronized")  # systemd-timesyncd.service(8)


class Clock:
    """The machine's clocks: the only place in the agent where time is read."""

    def __init__(self, quality: Callable[[], bool] | None = None) -> None:
        """``quality`` tells whether the wall clock is synchronized now; by default the kernel is asked."""
        self.started_ms = self.read_uptime_ms()  # uptime at which the agent began
        self.last_step: Step | None = None
        self.boot_id = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        self._is_synced = quality or kernel_clock_synced
        self._was_synced = False
        self._quality_read_ms = -QUALITY_MAX_AGE_MS
        self._quality = TimeQuality.UNSYNCED
        self._offset_ms: int | None = None
        self._steps: list[Step] = []

    def now(self) -> Moment:
        """Read both clocks; a step of the wall clock since the last reading is kept for ``take_steps``."""
        wall_ms, uptime_ms = _read_together()
        moment = Moment(wall_ms, uptime_ms, self.boot_id, self._current_quality(uptime_ms))
        offset_ms = wall_ms - uptime_ms
        # The offset is kept through small steps, so that many of them add up to one that is told.
        if self._offset_ms is None:
            self._offset_ms = offset_ms
        elif abs(offset_ms - self._offset_ms) >= STEP_MS:
            self.last_step = Step(moment, offset_ms - self._offset_ms)
            self._steps.append(self.last_step)
            self._offset_ms = offset_ms
        return moment

    def read_uptime_ms(self) -> int:
        """Read milliseconds since boot alone, as in ``Moment``: for what arrives by the thousand a second."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def read_awake_ms(self) -> int:
        """Read milliseconds since boot without those that the machine was suspended (CLOCK_MONOTONIC): for promises.

        What slept with the machine has broken none of them.
        """
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000_000

    def take_steps(self) -> list[Step]:
        """Return the steps seen since the last call, oldest first."""
        steps, self._steps = self._steps, []
        return steps

    def _current_quality(self, uptime_ms: int) -> TimeQuality:
        if uptime_ms - self._quality_read_ms >= QUALITY_MAX_AGE_MS:
            self._quality_read_ms = uptime_ms
            synced = self._is_synced()
            self._was_synced = self._was_synced or synced
            self._quality = (
                TimeQuality.SYNCED if synced else TimeQuality.HOLDOVER if self._was_synced else TimeQuality.UNSYNCED
            )
        return self._quality


def _read_together() -> tuple[int, int]:
    while True:
        before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        wall = time.time_ns()
        after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        if after - before < _TOGETHER_NS:
            return wall // 1_000_000, after // 1_000_000


QUALITY_MAX_AGE_MS = 1_000  # a system call a second at most, however many events are stamped


class _Timex(ctypes.Structure):
    """``struct timex`` of adjtimex(2); only ``modes`` (0: read) matters, the rest is room for the kernel's answer."""

    _fields_ = (("modes", ctypes.c_uint), ("_rest", ctypes.c_byte * 252))


def kernel_clock_synced() -> bool:
    """Tell whether the kernel's clock is disciplined by a time source now.

    Where adjtimex is forbidden (``ProtectClock=`` in a unit), systemd-timesyncd's mark file is asked instead: it says
    that the clock was set during this boot.
    """
    try:
        state: int = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(_Timex(modes=0)))
    except (OSError, AttributeError):
        state = -1
    return state < _ADJTIME_ERROR if state >= 0 else _TIMESYNCD_MARK.exists()
