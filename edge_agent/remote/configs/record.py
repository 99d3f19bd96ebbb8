"""The line of versions in memory and on the shelf: never two that differ for longer than a write takes."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

import structlog

from edge_agent.config.shelf import Line, Shelf
from edge_agent.errors import StorageError

log = structlog.get_logger()


class Record:
    """The line as it is. Written in a thread: a disk takes its time."""

    def __init__(self, shelf: Shelf) -> None:
        """Raises StorageError where the line cannot be read."""
        self.line = shelf.line()
        self.behind = False  # the shelf says less than the line here: the disk is full
        self._shelf = shelf
        self._one_by_one = threading.Lock()
        self._closed = False

    async def write(self, line: Line, payload: bytes | None = None) -> None:
        """Make a line durable, and before it the payload it names; then it is the line. Raises StorageError."""
        await asyncio.to_thread(self._write, line, payload)

    async def payload(self) -> bytes | None:
        """Return the bytes of the push that the line is about, None where they are not held."""
        return await asyncio.to_thread(self._shelf.payload, self.line.sha256)

    async def settle(self, line: Line) -> bool:
        """Take a line whatever the disk says; tell whether it is durable. Otherwise ``behind`` it is tried again."""
        self.line = line
        try:
            await self.write(line)
        except StorageError:
            return False
        return True

    def close(self, last: Callable[[Line], Line]) -> None:
        """Write ``last`` of the line, if that differs, and nothing ever after: the process is told to stop."""
        with self._one_by_one:
            self._closed = True
            line = last(self.line)
            if line == self.line:
                return
            try:
                self._shelf.write(line)
            except StorageError as error:
                log.warning("config_line_unwritten", error=str(error))
            else:
                self.line = line

    def settle_now(self, line: Line) -> None:
        """As ``settle``, before anything runs that a disk could hold up."""
        self.line = line
        with suppress(StorageError):
            self._write(line, None)

    def _write(self, line: Line, payload: bytes | None) -> None:
        with self._one_by_one:
            if self._closed:
                return
            try:
                if payload is not None:
                    self._shelf.keep(payload)
                self._shelf.write(line)
            except StorageError as error:
                if not self.behind:
                    log.warning("config_line_unwritten", error=str(error))
                self.behind = True
                raise
            self.line = line
            self.behind = False
