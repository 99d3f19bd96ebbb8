"""What is done between commits: what is too old or too much goes, a bite at a time."""

import sqlite3
from dataclasses import dataclass

from edge_agent.clock import Moment, TimeQuality
from edge_agent.contract.events import Stream
from edge_agent.shop.outcome import StateChange
from edge_agent.storage import state
from edge_agent.storage.connection import pragma, transaction
from edge_agent.storage.recorder import Recorder
from edge_agent.storage.settings import MIB, StorageSettings
from edge_agent.storage.shedding import drop_delivered
from edge_agent.storage.space import PAGE_BYTES

_HOUR_MS = 60 * 60 * 1000
_DAY_MS = 24 * _HOUR_MS
_RETENTION_SHARE = 4  # of the file system, where that is less than retention_bytes: 4 MB of a 16 MB state directory
_EXPIRED_ROWS = 500
_VACUUM_PAGES = 64  # moved at a time: 256 KiB of log, the smallest limit there is
_SPARE_BYTES = 8 * MIB  # free pages kept for the next backlog
_EVER = 1 << 62


@dataclass(slots=True)
class Housekeeping:
    """Retention by age and by size, expiry of facts and captures, free pages given back."""

    recorder: Recorder
    settings: StorageSettings

    def step(self, connection: sqlite3.Connection, at: Moment) -> tuple[bool, list[StateChange]]:
        """Do one bite of what is due. Returns whether there is more, and the facts that were forgotten."""
        expired: list[StateChange] = []
        more = False
        if at.quality is not TimeQuality.UNSYNCED:  # a wrong clock must not make anything look old
            with transaction(connection):
                expired = state.expire(connection, at.wall_ms, _EXPIRED_ROWS)
            self.recorder.captures.expire(at.wall_ms)
            more = bool(drop_delivered(connection, self.recorder.outbox, self._too_old(at.wall_ms)))
        more = more or len(expired) == _EXPIRED_ROWS
        if not more and self._used(connection) > self._limit():
            more = bool(drop_delivered(connection, self.recorder.outbox, dict.fromkeys(Stream, _EVER)))
        if not more:
            more = self._give_back(connection)
        return more, expired

    def _too_old(self, now_ms: int) -> dict[Stream, int]:
        kept = now_ms - self.settings.retention_days * _DAY_MS
        raw = now_ms - self.settings.raw_event_hours * _HOUR_MS
        return {Stream.ORDERS: kept, Stream.OPS: kept, Stream.CHECKINS: max(kept, raw), Stream.PRESENCE: max(kept, raw)}

    def _limit(self) -> int:
        return min(self.settings.retention_bytes, self.recorder.space.total_bytes // _RETENTION_SHARE)

    def _used(self, connection: sqlite3.Connection) -> int:
        return PAGE_BYTES * (int(pragma(connection, "page_count")) - int(pragma(connection, "freelist_count")))

    def _give_back(self, connection: sqlite3.Connection) -> bool:
        """Return free pages to the file system where there are plenty; what is kept takes the next backlog."""
        space = self.recorder.space
        spare = min(_SPARE_BYTES, space.low_water)
        if PAGE_BYTES * int(pragma(connection, "freelist_count")) <= spare + _VACUUM_PAGES * PAGE_BYTES:
            return False
        # execute() would free a single page: the pragma frees one each time it is stepped.
        connection.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
        return True
