"""The write-ahead log that a dead process has left: made durable before it is believed, and looked through for damage.

Layout: https://www.sqlite.org/fileformat2.html, 4.1: a header of 32 bytes, then frames, each a header of 24
bytes (its page, size of the database if the frame ends a transaction, two salts, two checksums) and a page.
"""

import errno
import os
import sqlite3
import struct
from pathlib import Path

from edge_agent.storage.connection import DamagedError, FullError
from edge_agent.storage.space import PAGE_BYTES

_HEADER_BYTES = 32
_SALTS = slice(16, 24)  # in the header
_FRAME = struct.Struct(">II8s8x")
_PIECE_BYTES = 1024 * 1024  # written at a time


class CutError(DamagedError):
    """Transactions in the log cannot be reached any more; how many events were in them nobody knows."""


def flushed(log: Path) -> list[int]:
    """Write a log once more, byte by byte the same, and flush it. Returns the frames, from 1, that end a transaction.

    Of what could not be flushed the page cache calls clean what the disk does not hold (fsync(2), NOTES): read from
    there it would be taken for durable. Raises OSError, FullError.
    """
    try:
        descriptor = os.open(log, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    try:
        at = 0
        while piece := os.pread(descriptor, _PIECE_BYTES, at):
            at += os.pwrite(descriptor, piece, at)
        os.fdatasync(descriptor)
        return _ends(descriptor, at)
    except OSError as error:
        if error.errno == errno.ENOSPC:  # a file system that copies on write
            raise FullError(str(error)) from error
        raise
    finally:
        os.close(descriptor)


def check(connection: sqlite3.Connection, ends: list[int]) -> None:
    """Raise CutError where SQLite, silently, has stopped reading a log before the last of what was durable in it.

    Each transaction is flushed before the next begins: a power cut costs the last one at most, so of ``ends`` a single
    one may lie behind what was read. Two are damage in the midst.
    """
    if not ends:
        return
    try:
        _, held, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except sqlite3.OperationalError:  # a full disk: what is not known to be damaged is not
        return
    if sum(end > held for end in ends) > 1:
        raise CutError("the log is damaged")


def _ends(descriptor: int, size: int) -> list[int]:
    salts = os.pread(descriptor, _HEADER_BYTES, 0)[_SALTS]
    ends = []
    for number, at in enumerate(range(_HEADER_BYTES, size - PAGE_BYTES, _FRAME.size + PAGE_BYTES), 1):
        _, pages, found = _FRAME.unpack(os.pread(descriptor, _FRAME.size, at))
        if pages and found == salts:
            ends.append(number)
    return ends
