"""Wiping: what SQLite no longer needs of its pages becomes zeros, in the file itself.

``secure_delete`` wipes a deleted cell where it stands. Older copies stay: a page that was split or joined keeps bytes
of cells that moved to a neighbour, and the last page of a long row keeps what the page held before. VACUUM would rid
the file of them, in one transaction over all of it, with as much room again. Here they are written over in place: they
mean nothing to SQLite, so that the file is whole whatever part of such a write a power cut leaves.

Pages: https://www.sqlite.org/fileformat2.html, 1.6 (b-trees), 1.7 (overflow), 1.8 (pointer map).
"""

import errno
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from edge_agent.errors import StorageError
from edge_agent.storage.connection import DamagedError, FullError, pragma, translated
from edge_agent.storage.space import PAGE_BYTES

_BITE_PAGES = 1024  # 4 MiB of the file

_FILE_HEADER_BYTES = 100  # before the b-tree header of page 1
_INTERIOR_INDEX, _INTERIOR_TABLE, _LEAF_INDEX, _LEAF_TABLE = 2, 5, 10, 13  # the first byte of a b-tree page
_HEADER_BYTES = {_INTERIOR_INDEX: 12, _INTERIOR_TABLE: 12, _LEAF_INDEX: 8, _LEAF_TABLE: 8}
_MAP_ENTRY_BYTES = 5
_MAP_PERIOD = PAGE_BYTES // _MAP_ENTRY_BYTES + 1  # a pointer map page and the pages it is about; the first is page 2
# Types in the pointer map: the root of a b-tree and its other pages; the first overflow page of a row and the others.
_TREE, _OVERFLOW = (1, 5), (3, 4)
_MOST_LOCAL = PAGE_BYTES - 35  # payload that a table's leaf keeps whole
_LEAST_LOCAL = (PAGE_BYTES - 12) * 32 // 255 - 23
_OVERFLOW_BYTES = PAGE_BYTES - 4  # of payload on an overflow page, behind the number of the next one


class Wiper:
    """Writes zeros over what is unused in the pages of a database. Used in the connection's thread only.

    To be closed after the connection: closing any descriptor of a file drops all locks of the process on it (POSIX).
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._descriptor = -1

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def step(self, connection: sqlite3.Connection, first: int) -> int | None:
        """Wipe a bite of pages from number ``first`` (from 1); the log is emptied before. Returns where to go on.

        Returns None at the end. Raises FullError, DamagedError or StorageError.
        """
        try:
            if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise StorageError("another program is reading the database; close it: only the agent may open edge.db")
            # A page in memory still has the bytes, and would bring them back when it is written.
            connection.execute("PRAGMA shrink_memory").fetchall()
            behind = int(pragma(connection, "page_count")) + 1
        except sqlite3.DatabaseError as error:
            raise translated(error) from error
        end = min(first + _BITE_PAGES, behind)
        try:
            self._wipe(range(first, end))
        except OSError as error:  # a file system that copies on write may have no room for it
            raise (FullError if error.errno == errno.ENOSPC else StorageError)(str(error)) from error
        return end if end < behind else None

    def _wipe(self, numbers: range) -> None:
        if self._descriptor < 0:
            self._descriptor = os.open(self._database, os.O_RDWR | os.O_CLOEXEC)
        for number in numbers:
            if number == 1 or self._type(number) in _TREE:
                page = self._read(number)
                self._zero(number, page, *_gap(page, _FILE_HEADER_BYTES if number == 1 else 0))
                if page[0] == _LEAF_TABLE:
                    for payload, overflow in _overflowing(page):
                        self._wipe_tail(payload, overflow)
        os.fsync(self._descriptor)

    def _type(self, number: int) -> int:
        """Return what the pointer map says of a page; 0 for a page of the map itself."""
        index = (number - 2) % _MAP_PERIOD
        return self._read(number - index)[_MAP_ENTRY_BYTES * (index - 1)] if index else 0

    def _wipe_tail(self, payload: int, number: int) -> None:
        while True:
            if number < 2 or self._type(number) not in _OVERFLOW:
                raise DamagedError(f"page {number} should be an overflow page")
            page = self._read(number)
            if payload <= _OVERFLOW_BYTES:
                break
            payload -= _OVERFLOW_BYTES
            number = int.from_bytes(page[:4], "big")
        self._zero(number, page, PAGE_BYTES - _OVERFLOW_BYTES + payload, PAGE_BYTES)

    def _read(self, number: int) -> bytes:
        page = os.pread(self._descriptor, PAGE_BYTES, (number - 1) * PAGE_BYTES)
        if len(page) < PAGE_BYTES:
            raise DamagedError(f"page {number} is not in the file")
        return page

    def _zero(self, number: int, page: bytes, start: int, stop: int) -> None:
        zeros = bytes(stop - start)
        if page[start:stop] != zeros:
            os.pwrite(self._descriptor, zeros, (number - 1) * PAGE_BYTES + start)


def _gap(page: bytes, header: int) -> tuple[int, int]:
    """Return where the unallocated bytes of a b-tree page begin and end: behind the cell pointers, before the cells."""
    start = header + _HEADER_BYTES.get(page[header], PAGE_BYTES) + 2 * _number(page, header + 3)
    stop = _number(page, header + 5)
    # What a flipped bit makes of a header must not cost a row that salvage can still read.
    if not start <= stop <= PAGE_BYTES or any(cell < stop for cell in _cells(page, header)):
        raise DamagedError("a page of a b-tree is not what was written")
    return start, stop


def _cells(page: bytes, header: int) -> Iterator[int]:
    """Yield where each cell of a b-tree page begins."""
    pointers = header + _HEADER_BYTES[page[header]]
    for index in range(_number(page, header + 3)):
        yield _number(page, pointers + 2 * index)


def _overflowing(page: bytes) -> Iterator[tuple[int, int]]:
    """Yield, for each row of a table's leaf that does not fit on it, the bytes elsewhere and the page they begin on."""
    for cell in _cells(page, 0):
        payload, rowid = _varint(page, cell)
        if payload > _MOST_LOCAL:
            local = _LEAST_LOCAL + (payload - _LEAST_LOCAL) % _OVERFLOW_BYTES
            local = local if local <= _MOST_LOCAL else _LEAST_LOCAL
            behind = _varint(page, rowid)[1] + local
            yield payload - local, int.from_bytes(page[behind : behind + 4], "big")


def _varint(page: bytes, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte (of a ninth byte all eight), and where it ends."""
    value = 0
    for byte in page[at : at + 8]:
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at
    return value << 8 | page[at], at + 1


def _number(page: bytes, at: int) -> int:
    return page[at] << 8 | page[at + 1]
