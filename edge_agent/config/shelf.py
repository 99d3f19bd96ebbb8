"""Pushed store configs as they lie in ``state_dir/config``: the line of versions, and the exact bytes of each.

Files, not the database: which config is in force is asked before the database is open, and by commands beside the
daemon. Only the daemon writes; each file is complete or not there (written aside, synced, renamed). The line lies
there twice, each with its hash: a bad sector must not make a box forget which config it runs.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog

from edge_agent import durable
from edge_agent.contract.messages import UNREADABLE
from edge_agent.contract.remote import ConfigId
from edge_agent.errors import StorageError

log = structlog.get_logger()

KEPT = 2  # committed configs: the one that runs, and one to fall back to should its bytes be damaged

# The first is written first and believed first; the second one is for when the first is damaged.
_COPIES = ("line.json", "line.bak")
_DAMAGED = ".damaged"


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
    event that tells of the phase; recorded once, however often the process dies between the two. ``tries``: how often
    a process has set out to validate it: one that none survives is given up.
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
    tries: int = 0


class _Copy(msgspec.Struct, frozen=True):
    """A line as it lies in a file. ``sha256``: of the exact bytes of ``line``."""

    sha256: str
    line: msgspec.Raw


class Shelf:
    """The folder of pushed configs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def line(self) -> Line:
        """Return the line as it was written last; a fresh one where there is none, or where both copies are damaged.

        Raises StorageError where this user may not read it.
        """
        return next((line for line in map(self._read, _COPIES) if line), Line())

    def damaged(self) -> bool:
        """Tell whether there is a line of which no copy can be read. Raises StorageError as ``line`` does."""
        lines = [self._read(name) for name in _COPIES]
        return not any(lines) and any(os.path.lexists(self.folder / name) for name in _COPIES)

    def write(self, line: Line) -> None:
        """Make the line durable, and drop the payloads it does not name. Raises StorageError.

        A copy that was damaged is set aside, for whoever wants to know what was in it. Where there is no room for both
        copies, none is replaced: what is believed after a restart is what was believed before.
        """
        line = msgspec.structs.replace(line, committed=line.committed[:KEPT])
        raw = msgspec.json.encode(line)
        data = msgspec.json.encode(_Copy(_sha256(raw), msgspec.Raw(raw)))
        for name in _COPIES:
            self._write_aside(name, data)
        for name in _COPIES:
            self._set_aside(name)
            self._put_in_place(name)
        self._drop({_payload_name(sha256) for sha256 in _named(line)})

    def keep(self, payload: bytes) -> str:
        """Make a payload's exact bytes durable and return their SHA-256 (hex). Raises StorageError."""
        sha256 = _sha256(payload)
        self._write_aside(_payload_name(sha256), payload)
        self._put_in_place(_payload_name(sha256))
        return sha256

    def payload(self, sha256: str) -> bytes | None:
        """Return the bytes of a payload; None where they are not held, or not what was written."""
        try:
            data = (self.folder / _payload_name(sha256)).read_bytes()
        except OSError:
            return None
        return data if _sha256(data) == sha256 else None

    def _read(self, name: str) -> Line | None:
        path = self.folder / name
        try:
            copy = msgspec.json.decode(path.read_bytes(), type=_Copy)
            if copy.sha256 != _sha256(bytes(copy.line)):
                return None
            return msgspec.json.decode(copy.line, type=Line)
        except PermissionError as error:
            raise StorageError(f"{path}: {error.strerror}; run as the agent's user") from error
        except (OSError, *UNREADABLE):
            return None

    def _set_aside(self, name: str) -> None:
        path = self.folder / name
        if self._read(name) is None and os.path.lexists(path):
            log.error("config_line_damaged", file=str(path), kept=f"{name}{_DAMAGED}")
            with _explained(path):
                path.replace(path.with_name(name + _DAMAGED))

    def _write_aside(self, name: str, data: bytes) -> None:
        path = self.folder / name
        with _explained(path):
            if not self.folder.is_dir():
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                durable.sync_folder(self.folder.parent)
            durable.write_aside(path, data)

    def _put_in_place(self, name: str) -> None:
        path = self.folder / name
        with _explained(path):
            durable.put_in_place(path)

    def _drop(self, named: set[str]) -> None:
        """Remove payloads that nobody asks for any more, and what a kill left of files that were being written."""
        with _explained(self.folder):
            for path in self.folder.iterdir():
                stale = path.suffix == ".json" and path.name not in {*named, *_COPIES}
                if stale or path.suffix == durable.ASIDE:
                    path.unlink(missing_ok=True)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what the file system says into what to do about it."""
    try:
        yield
    except OSError as error:
        advice = "make it writable for the agent's user, and free some space if the disk is full"
        raise StorageError(f"{path}: {error.strerror or error}; {advice}") from error


def _named(line: Line) -> list[str]:
    """Return the hashes of the payloads that a line needs."""
    trial = [line.trial.config.sha256] if line.trial else []
    return [line.sha256, *trial, *(config.sha256 for config in line.committed)]


def _payload_name(sha256: str) -> str:
    return f"{sha256}.json"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
