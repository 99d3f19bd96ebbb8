"""When something was, in a form that survives a restart and a clock that was set in between."""

from typing import Self

import msgspec

from edge_agent.clock import STEP_MS, Moment


class Stamp(msgspec.Struct, frozen=True, array_like=True):
    """A moment in durable state."""

    wall_ms: int
    uptime_ms: int
    boot_id: str

    @classmethod
    def of(cls, at: Moment) -> Self:
        """Return the stamp of a moment."""
        return cls(at.wall_ms, at.uptime_ms, at.boot_id)

    def elapsed_ms(self, now: Moment) -> int:
        """Return the milliseconds since, never negative: within a boot whatever the wall clock did, else by it.

        What was in another boot is at least as long ago as this one has lasted, also if the clock was ahead then.
        """
        if now.boot_id == self.boot_id:
            return max(0, now.uptime_ms - self.uptime_ms)
        return max(0, now.uptime_ms, now.wall_ms - self.wall_ms)

    def right_ms(self, now: Moment) -> int:
        """Return when it was in Unix milliseconds: within a boot by the clock as it is set now, else as it was then."""
        by_uptime_ms = now.wall_ms - (now.uptime_ms - self.uptime_ms)
        # By less the clocks differ through rounding and slewing: no reason to tell another time with every look.
        was_set = now.boot_id == self.boot_id and abs(by_uptime_ms - self.wall_ms) >= STEP_MS
        return by_uptime_ms if was_set else self.wall_ms
