"""Chunks put together again: for whoever asked for a file."""

import base64
import binascii
import hashlib

from edge_agent.contract.remote import Chunk

MAX_BYTES = 64 * 1024 * 1024  # a box holds back 8 MiB at most: more is none of its files
# Of one piece, but the last. Smaller ones would be mostly header, and a megabyte 16,000 of them.
LEAST_BYTES = 64


class PiecesError(ValueError):
    """The pieces are not those of one file, or not all of them; the message says why."""


class Pieces:
    """The pieces of the file that one command brings up. They may come twice and in any order."""

    def __init__(self) -> None:
        self._first: Chunk | None = None
        self._data: dict[int, bytes] = {}
        self._bytes = 0

    @property
    def name(self) -> str | None:
        """What the file is called; None before the first piece. It comes from outside: never use it as a path."""
        return self._first.name if self._first else None

    @property
    def of(self) -> int:
        """How many pieces there are; 0 before the first."""
        return self._first.of if self._first else 0

    @property
    def missing(self) -> list[int]:
        """The numbers that have not come, of those known to be; empty too before the first piece."""
        return [number for number in range(self.of) if number not in self._data]

    def add(self, chunk: Chunk) -> None:
        """Take a piece. One of another cut of the file begins anew. Raises PiecesError where it cannot be one."""
        try:
            data = base64.b64decode(chunk.data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise PiecesError(f"piece {chunk.number} is not base64") from error
        if not 0 <= chunk.number < chunk.of <= 1 + chunk.bytes // LEAST_BYTES or chunk.bytes > MAX_BYTES:
            raise PiecesError(f"piece {chunk.number} of {chunk.of}, {chunk.bytes} bytes in all: there is no such piece")
        if self._first is None or _cut(self._first) != _cut(chunk):
            self._first, self._data, self._bytes = chunk, {}, 0
        self._bytes += len(data) - len(self._data.get(chunk.number, b""))
        self._data[chunk.number] = data
        if self._bytes > chunk.bytes:
            raise PiecesError(f"the pieces hold more than {chunk.bytes} bytes")

    def whole(self) -> bytes:
        """Return the file. Raises PiecesError while pieces are missing, or where it is not what was sent."""
        if self._first is None or self.missing:
            raise PiecesError(f"{len(self.missing) or 'all'} of {self.of} pieces have not come; ask with a new id")
        body = b"".join(self._data[number] for number in range(self.of))
        if len(body) != self._first.bytes or hashlib.sha256(body).hexdigest() != self._first.sha256:
            raise PiecesError(f"{self._first.name[:64]!r} is not what was sent; ask with a new id")
        return body


def _cut(chunk: Chunk) -> tuple[str, int, int]:
    return chunk.sha256, chunk.of, chunk.bytes
