"""The pause of presence: for an hour advertisements mean nothing; it ends by itself."""

from collections.abc import Mapping
from typing import Self

import msgspec

from edge_agent.clock import Moment
from edge_agent.shop.outcome import StateChange
from edge_agent.shop.stamp import Stamp

PART = "presence_pause"
KEY = "pause"

LENGTH_MS = 60 * 60_000
# A box that has no clock of its own and is switched off again and again takes what is left from the row: so often it is
# brought up to date, and each such start makes the pause longer by that at most.
RENEW_MS = 5 * 60_000


class _Row(msgspec.Struct, frozen=True, array_like=True):
    """The durable form: how much was left, and when that was so."""

    stamp: Stamp
    left_ms: int

    @classmethod
    def of(cls, at: Moment, left_ms: int) -> Self:
        return cls(Stamp.of(at), left_ms)

    def change(self) -> StateChange:
        """Return the row; one that never expires by a wall clock that may be set."""
        return StateChange(PART, KEY, msgspec.json.encode(self))


class Pause:
    """Whether presence is paused. Within a boot the uptime counts; the wall clock tells only how long a box was off."""

    def __init__(self, rows: Mapping[str, bytes]) -> None:
        """``rows``: of ``PART``. One that can't be read pauses nothing."""
        self._row = _read(rows.get(KEY))

    def left_ms(self, at: Moment) -> int:
        """Return how much longer it lasts, 0 when it is over or none is on; never more than ``LENGTH_MS``."""
        if self._row is None:
            return 0
        return max(0, min(self._row.left_ms, LENGTH_MS) - self._row.stamp.elapsed_ms(at))

    def begin(self, at: Moment) -> tuple[StateChange, ...]:
        """Pause for an hour from now."""
        return self._keep(_Row.of(at, LENGTH_MS))

    def end(self) -> tuple[StateChange, ...]:
        """Let presence go on."""
        if self._row is None:
            return ()
        self._row = None
        return (StateChange(PART, KEY, None),)

    def tick(self, at: Moment) -> tuple[StateChange, ...]:
        """Return what is to be written by now: its end, or what is left of it, by this boot's clock."""
        if self._row is None:
            return ()
        left_ms = self.left_ms(at)
        if not left_ms:
            return self.end()
        stamp = self._row.stamp
        if stamp.boot_id == at.boot_id and stamp.elapsed_ms(at) < RENEW_MS:
            return ()
        return self._keep(_Row.of(at, left_ms))

    def _keep(self, row: _Row) -> tuple[StateChange, ...]:
        self._row = row
        return (row.change(),)


def _read(value: bytes | None) -> _Row | None:
    if value is None:
        return None
    try:
        return msgspec.json.decode(value, type=_Row)
    except (msgspec.DecodeError, UnicodeDecodeError):  # of another version
        return None
