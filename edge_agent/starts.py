"""The ledger of starts: whether the agent crashes again and again, and must hold its devices back.

One small file for the life of a boot, in the runtime directory: a full or failing disk neither hides a crash loop nor
makes one. Without a runtime directory it lies in the state directory; where it cannot be written nothing is counted.
"""

from pathlib import Path

import msgspec
import structlog
from msgspec.structs import replace

from edge_agent import durable
from edge_agent.clock import Moment

FILE = "starts.json"
# A defect that a device or what it says provokes does so within seconds; what runs this long has read its tills.
LIVED_MS = 5 * 60_000
CRASHES = 5  # in a row: with 2 s between two of them no till waits longer than a minute for its copy to be read
# How long the devices are held back: nothing is lost meanwhile that waits in a journal or in a relay's copy.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 600.0, 3600.0
_WHY_KEPT = 5

log = structlog.get_logger()


class Record(msgspec.Struct, frozen=True):
    """What is known of the runs of this boot.

    ``began_ms``: uptime at which the newest began to run its devices, or to hold them back. ``crashes``: runs in a row
    that ended within ``LIVED_MS`` and did not say so; ``since_ms``: Unix time of the first of them. ``why``: what is
    known of the last of them, each empty where nothing is. ``ended``: the newest said that it ends, and how.
    ``is_held``: it holds its devices back. ``pauses``: how often they were held back in a row. ``said``: what the
    newest said of its end, before it was ended.
    """

    boot_id: str = ""
    began_ms: int = 0
    crashes: int = 0
    since_ms: int = 0
    why: tuple[str, ...] = ()
    ended: str = ""
    is_held: bool = False
    pauses: int = 0
    said: str = ""

    @property
    def pause_s(self) -> float:
        """For how long the devices are held back."""
        return min(FIRST_PAUSE_S * 2.0 ** max(0, self.pauses - 1), LONGEST_PAUSE_S)


STOPPED, FAILED = "stopped", "failed"


def next_run(before: Record, at: Moment, *, is_excused: bool = False) -> Record:
    """Return the record as the next run begins. ``is_excused``: the end of the run before is somebody else's to judge.

    Another boot is another beginning: power cuts are no crashes, and whoever switched the box off and on wants it to
    try. A run that ended with an error of its surroundings (``failed``) says nothing for or against its devices.
    """
    fresh = Record(at.boot_id, at.uptime_ms)
    lived = not before.is_held and at.uptime_ms - before.began_ms >= LIVED_MS
    if before.boot_id != at.boot_id or before.ended == STOPPED or lived:
        return fresh
    record = replace(before, began_ms=at.uptime_ms, ended="", said="")
    if before.ended != FAILED and not is_excused:
        record = replace(
            record,
            crashes=before.crashes + 1,
            since_ms=before.since_ms or at.wall_ms,
            why=(*before.why, before.said)[-_WHY_KEPT:],
        )
    is_held = record.crashes >= CRASHES
    # One that crashes while it holds them back has not been let try: its pause begins again, as long as it was.
    pauses = record.pauses + (is_held and not before.is_held)
    return replace(record, is_held=is_held, pauses=pauses if is_held else 0)


class Starts:
    """The ledger of this box. ``record``: as it stands for this run."""

    def __init__(self, folder: Path) -> None:
        self.record = Record()
        self._path = folder / FILE
        self._told = False

    def begin(self, at: Moment, *, is_excused: bool = False) -> Record:
        """Enter this run, and return the record; ``is_held`` says whether it is to hold its devices back."""
        self._write(next_run(self._read(), at, is_excused=is_excused))
        return self.record

    def release(self, at: Moment) -> None:
        """Enter that the devices run from now on, on trial: a crash within ``LIVED_MS`` holds them back for longer."""
        self._write(replace(self.record, is_held=False, began_ms=at.uptime_ms))

    def clear(self, at: Moment) -> None:
        """Enter that this run has nothing to do with those before it: another configuration runs."""
        self._write(Record(at.boot_id, at.uptime_ms))

    def say(self, why: str) -> None:
        """Enter what this run will be ended for, in case it is."""
        self._write(replace(self.record, said=why))

    def end(self, how: str) -> None:
        """Enter that this run ends by itself: ``STOPPED`` as it was told to, ``FAILED`` by its surroundings."""
        self._write(replace(self.record, ended=how))

    def _read(self) -> Record:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Record)
        except (OSError, ValueError, RecursionError):  # none yet, or damaged: what is not known is not counted
            return Record()

    def _write(self, record: Record) -> None:
        self.record = record
        try:
            durable.write(self._path, msgspec.json.encode(record))
        except OSError as error:
            if not self._told:
                log.warning("starts_not_kept", file=str(self._path), reason=error.strerror)
                self._told = True
