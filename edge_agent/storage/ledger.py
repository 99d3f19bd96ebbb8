"""Where every stream stands: the numbers that the whole storage turns on."""

import sqlite3
import zlib
from dataclasses import dataclass, field

from edge_agent.contract.events import Stream
from edge_agent.storage import rows
from edge_agent.storage.connection import DamagedError


@dataclass(slots=True)
class Position:
    """One stream. ``last``: newest sequence on disk; ``upto``: the watermark; ``saved``: the watermark on disk."""

    last: int = 0
    upto: int = 0
    saved: int = 0


@dataclass(slots=True)
class Ledger:
    """Written by the connection's thread after a COMMIT (``upto`` also by the loop); read anywhere.

    ``sent``: the highest sequence of each stream that this or an earlier process may have published. ``sent_mark``:
    whether the disk still says so for earlier processes, this one having published nothing (see epoch.py).
    """

    epoch: str
    sent: dict[Stream, int]
    sent_mark: bool
    positions: dict[Stream, Position] = field(default_factory=lambda: {stream: Position() for stream in Stream})


def load_positions(connection: sqlite3.Connection) -> dict[Stream, Position]:
    """Read where every stream stands. Raises DamagedError if the rows that say so are not what was written."""
    watermarks = load_watermarks(connection)
    positions = {}
    for stream in Stream:
        newest = rows.newest(connection, stream)
        if newest is not None and not newest.intact:
            raise DamagedError(f"the newest frame of {stream}")
        last = 0 if newest is None else newest.frame.last
        upto = watermarks.get(stream)
        if upto is None or upto > last:
            raise DamagedError(f"the watermark of {stream}")
        positions[stream] = Position(last, upto, upto)
    return positions


def load_watermarks(connection: sqlite3.Connection) -> dict[Stream, int]:
    """Read the watermarks; one that is not what was written is left out. Every stream has a row from the start."""
    names = {number: stream for stream, number in rows.STREAM_NUMBERS.items()}
    found = connection.execute("SELECT number, upto, crc FROM stream").fetchall()
    return {names[number]: upto for number, upto, crc in found if number in names and crc == _checksum(number, upto)}


def save_watermarks(connection: sqlite3.Connection, watermarks: dict[Stream, int]) -> None:
    """Write watermarks."""
    connection.executemany(
        "INSERT INTO stream (number, upto, crc) VALUES (?, ?, ?)"
        " ON CONFLICT (number) DO UPDATE SET upto = excluded.upto, crc = excluded.crc",
        [
            (number, upto, _checksum(number, upto))
            for number, upto in ((rows.STREAM_NUMBERS[stream], upto) for stream, upto in watermarks.items())
        ],
    )


def _checksum(number: int, upto: int) -> int:
    return zlib.crc32(f"{number}:{upto}".encode())
