"""Pushed store configs as they lie in ``state_dir/config``: the line of versions, and the exact bytes of each.

Files, not the database: which config is in force is asked before the database is open, and by commands beside the
daemon. Only the daemon writes; each file is complete or not there (written aside, synced, renamed).
"""

from pathlib import Path

import msgspec

from edge_agent.contract.remote import ConfigId


class Trial(msgspec.Struct, frozen=True):
    """A config that runs on trial. ``boot_id``, ``at``: of its begin."""

    config: ConfigId
    boot_id: str
    at: str


class Line(msgspec.Struct, kw_only=True, frozen=True):
    """Where the one line of versions stands; survives kill -9 and power cuts at any moment.

    ``version``, ``sha256``, ``key_id``: the last push that was verified and newer than what was there (version 0: none
    was). ``phase``, ``code``, ``detail``, ``at``: what has become of it. ``committed``: the last known good, newest
    first, those that are kept; empty: store.toml is in force. ``trial``: what runs on trial now. ``event_id``: of the
    event that tells of the phase; recorded once, however often the process dies between the two.
    """

    version: int = 0
    sha256: str = ""
    key_id: str = ""
    phase: str | None = None
    code: str | None = None
    detail: str | None = None
    at: str | None = None
    committed: tuple[ConfigId, ...] = ()
    trial: Trial | None = None
    event_id: str | None = None


class Shelf:
    """The folder of pushed configs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def line(self) -> Line:
        """Return the line as it was written last; a fresh one where there is none, or where it cannot be read."""
        raise NotImplementedError

    def write(self, line: Line) -> None:
        """Make the line durable, and drop the payloads it does not name. Raises StorageError."""
        raise NotImplementedError

    def keep(self, payload: bytes) -> str:
        """Make a payload's exact bytes durable and return their SHA-256 (hex). Raises StorageError."""
        raise NotImplementedError

    def payload(self, sha256: str) -> bytes | None:
        """Return the bytes of a payload; None where they are not held, or not what was written."""
        raise NotImplementedError
