"""Files that are deleted, moved or replaced under the agent: what it still has open is written to the disk again."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import structlog

from edge_agent.errors import StorageError
from edge_agent.storage import salvage

_log = structlog.get_logger()


class Rescue:
    """Watches the names of the open database and its log. Used in the connection's thread only."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._known = dict(_inodes(database))
        self._failing = False

    def look(self, connection: sqlite3.Connection) -> None:
        """Return where the names still lead to the open files, or where the disk takes no copy: then again next time.

        Raises StorageError once a whole copy lies where the next start takes it from; its epoch goes on. Whatever lies
        in the place goes to the quarantine then.
        """
        try:
            found = dict(_inodes(self._database))
        except OSError:  # EIO, EACCES: whether they are there cannot be told now
            return
        if all(found.get(name) == inode for name, inode in self._known.items()):
            self._known |= found  # the log is made with the first commit
            return
        try:
            self._database.parent.mkdir(mode=0o700, exist_ok=True)
            salvage.put_copy(self._database, connection)
        except (OSError, sqlite3.DatabaseError) as error:
            if not self._failing:
                _log.error("storage_gone", file=str(self._database), error=str(error))
            self._failing = True
            return
        raise StorageError(
            f"{self._database} was deleted, moved or replaced while the agent was running; "
            "all of it is written again, and taken over at the next start"
        )


def _inodes(database: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    for name in (database.name, database.name + "-wal"):
        try:
            found = database.with_name(name).stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        yield name, (found.st_dev, found.st_ino)
