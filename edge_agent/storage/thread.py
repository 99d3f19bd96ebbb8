"""Crossing into the connection's thread: one function, where SQLite's errors become ours."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import structlog

from edge_agent.errors import StorageError
from edge_agent.storage.connection import DamagedError, Database, translated
from edge_agent.storage.opening import DAMAGE_MARK

T = TypeVar("T")

_log = structlog.get_logger()


class StorageThread:
    """The open database, as the loop sees it."""

    def __init__(self, database: Database, state_dir: Path) -> None:
        self._database = database
        self._state_dir = state_dir

    async def run(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``operation`` as one unit in the connection's thread. Raises FullError; StorageError for what is final.

        Damage leaves a mark, so that the next process salvages whatever its own check says.
        """
        try:
            return await self._database.run(lambda connection: _translated(connection, operation))
        except DamagedError as damage:
            _log.error("storage_damaged_while_running", damage=str(damage))
            try:
                (self._state_dir / DAMAGE_MARK).touch(mode=0o600)
            except OSError as error:
                _log.error("damage_not_marked", error=str(error))
            raise StorageError(f"the database is damaged ({damage}); it is salvaged at the next start") from damage


def _translated(connection: sqlite3.Connection, operation: Callable[[sqlite3.Connection], T]) -> T:
    try:
        return operation(connection)
    except sqlite3.DatabaseError as error:
        raise translated(error) from error
