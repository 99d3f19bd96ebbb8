"""The operator's own memory of rollouts: one SQLite file, so that a terminal that dies takes nothing with it."""

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO, Any, Literal

import msgspec

from edge_agent.config.document import reason
from edge_agent.contract.messages import UNREADABLE
from edge_agent.contract.topics import Topics
from edge_agent.errors import ConfigError
from edge_agent.fleet.progress import Progress
from edge_agent.fleet.store_file import Table

State = Literal["running", "paused", "stopping", "aborting", "done", "stopped", "aborted"]

OPEN: frozenset[State] = frozenset({"running", "paused", "stopping", "aborting"})
_WAIT_S = 10.0  # for another process of ours that writes: milliseconds; the rest is a slow disk
_SCHEMA = 1


class Rules(msgspec.Struct, frozen=True):
    """On what terms a rollout goes on. As given: ``rings``, ``max_fail``, ``min_online``; the rest in seconds."""

    rings: str
    max_fail: str
    min_online: str
    soak_s: float
    trial_s: int
    expires_s: float
    patience_s: float


@dataclass(frozen=True, slots=True)
class Rollout:
    """One rollout. ``ring``: the one that is on, from 0; ``detail``: why it stands as it does; times ISO 8601."""

    id: str
    tenant: str
    file: str
    file_sha256: str
    rules: Rules
    state: State
    ring: int
    detail: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Member:
    """One agent of a rollout.

    ``is_unchanged``: it ran this config before. ``progress``: of its push; None: not pushed yet. ``envelope``: what was
    pushed. ``before``: what lay on its topic until then, empty: nothing. ``is_withdrawn``: that lies there again.
    """

    topics: Topics
    ring: int
    is_unchanged: bool = False
    progress: Progress | None = None
    envelope: bytes = b""
    before: bytes = b""
    is_withdrawn: bool = False

    @property
    def is_waiting(self) -> bool:
        """Whether it has not had its turn."""
        return self.progress is None and not self.is_unchanged


def default_file() -> Path:
    """Return where the book lies (XDG Base Directory Specification: $XDG_STATE_HOME, else ~/.local/state)."""
    home = os.environ.get("XDG_STATE_HOME") or Path(os.environ.get("HOME", "/")) / ".local" / "state"
    return Path(home) / "edge-fleet" / "rollouts.db"


class Book:
    """The file, open; use ``opened``. Every method that changes something is durable when it returns."""

    def __init__(self, file: Path, connection: sqlite3.Connection) -> None:
        self._file = file
        self._connection = connection

    def rollouts(self) -> list[Rollout]:
        """Return all, newest first."""
        return [_rollout(row) for row in self._connection.execute("SELECT * FROM rollout ORDER BY created_at DESC, id")]

    def rollout(self, rollout_id: str) -> Rollout:
        """Return one. Raises ConfigError where there is none of that id."""
        row = self._connection.execute("SELECT * FROM rollout WHERE id = ?", (rollout_id,)).fetchone()
        if row is None:
            raise ConfigError(f"there is no rollout {rollout_id} in {self._file} (edge-fleet rollouts lists them)")
        return _rollout(row)

    def begin(self, rollout: Rollout, members: Iterable[Member], configs: Mapping[Topics, Table]) -> None:
        """Write down a rollout before anything of it happens."""
        rows = [
            (
                rollout.id,
                place,
                one.topics.store,
                one.topics.agent,
                one.ring,
                one.is_unchanged,
                _json(configs[one.topics]),
            )
            for place, one in enumerate(members)
        ]
        with self._writing():
            self._connection.execute(
                "INSERT INTO rollout VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(rollout.id, rollout.tenant, rollout.file, rollout.file_sha256, _json(rollout.rules)),
                    *(rollout.state, rollout.ring, rollout.detail, rollout.created_at),
                ),
            )
            self._connection.executemany(
                "INSERT INTO member (rollout, place, store, agent, ring, is_unchanged, config)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def members(self, rollout: Rollout) -> list[Member]:
        """Return a rollout's agents, in the order in which they are pushed."""
        found = self._connection.execute(
            "SELECT store, agent, ring, is_unchanged, progress, envelope, before, is_withdrawn"
            " FROM member WHERE rollout = ? ORDER BY place",
            (rollout.id,),
        )
        return [_member(rollout.tenant, row) for row in found]

    def config(self, rollout_id: str, topics: Topics) -> Table:
        """Return what an agent is to get."""
        row = self._connection.execute(
            "SELECT config FROM member WHERE rollout = ? AND store = ? AND agent = ?",
            (rollout_id, topics.store, topics.agent),
        ).fetchone()
        table: Table = msgspec.json.decode(row["config"])
        return table

    def keep(self, rollout_id: str, members: Iterable[Member]) -> None:
        """Write down how members stand now."""
        rows = [
            (
                *(_json(one.progress) if one.progress else None, one.envelope, one.before, one.is_withdrawn),
                *(one.is_unchanged, rollout_id, one.topics.store, one.topics.agent),
            )
            for one in members
        ]
        if rows:
            with self._writing():
                self._connection.executemany(
                    "UPDATE member SET progress = ?, envelope = ?, before = ?, is_withdrawn = ?, is_unchanged = ?"
                    " WHERE rollout = ? AND store = ? AND agent = ?",
                    rows,
                )

    def enter(self, rollout_id: str, ring: int) -> None:
        """Go on to a ring."""
        with self._writing():
            self._connection.execute("UPDATE rollout SET ring = ? WHERE id = ?", (ring, rollout_id))

    def turn(self, rollout_id: str, state: State, detail: str = "", *, of: Iterable[State]) -> bool:
        """Let a rollout stand otherwise if it stands as one ``of``; tell whether it did."""
        states = tuple(of)
        marks = ", ".join("?" * len(states))
        with self._writing():
            changed = self._connection.execute(
                f"UPDATE rollout SET state = ?, detail = ? WHERE id = ? AND state IN ({marks})",  # noqa: S608 - marks only
                (state, detail, rollout_id, *states),
            )
        return changed.rowcount > 0

    @contextmanager
    def driving(self, rollout_id: str) -> Iterator[bool]:
        """Give whether this process is the one that drives a rollout: one can, until it ends in whatever way."""
        with _locked(self._file.with_name(f"{self._file.name}.{rollout_id}.lock")) as is_ours:
            yield is_ours

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


@contextmanager
def opened(file: Path) -> Iterator[Book]:
    """Give the book in a file, made if there is none. Raises ConfigError where it cannot be used."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = sqlite3.connect(file, timeout=_WAIT_S, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(f"--state {file}: cannot be used: {reason(error)}") from None
    try:
        connection.row_factory = sqlite3.Row
        _prepare(file, connection)
        yield Book(file, connection)
    except sqlite3.Error as error:
        raise ConfigError(f"--state {file}: cannot be used: {error}") from error
    finally:
        connection.close()


def _prepare(file: Path, connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        for statement in resources.files(__package__).joinpath("book.sql").read_text("utf-8").split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_SCHEMA}")
    connection.execute("COMMIT")
    if version > _SCHEMA:
        raise ConfigError(f"--state {file}: was written by a newer edge-fleet")


@contextmanager
def _locked(file: Path) -> Iterator[bool]:
    try:
        stream: IO[bytes] = file.open("ab")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {reason(error)}") from None
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


def _rollout(row: sqlite3.Row) -> Rollout:
    return Rollout(**{**dict(row), "rules": _decoded(row["rules"], Rules)})


def _member(tenant: str, row: sqlite3.Row) -> Member:
    return Member(
        Topics(tenant, row["store"], row["agent"]),
        row["ring"],
        is_unchanged=bool(row["is_unchanged"]),
        progress=_decoded(row["progress"], Progress) if row["progress"] else None,
        envelope=row["envelope"],
        before=row["before"],
        is_withdrawn=bool(row["is_withdrawn"]),
    )


def _decoded(data: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(data, type=kind)
    except UNREADABLE as error:
        raise ConfigError(f"the book of rollouts is damaged: {error}") from error
