"""The manager's code on disk, hashed.

A file, not a row of the database: like ``hash.key`` it must outlive a database that was salvaged or begun anew, or a
damaged disk would open the door to whoever pairs first.
"""

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Annotated

import msgspec
import structlog

from edge_agent import durable
from edge_agent.errors import StorageError

log = structlog.get_logger()

# scrypt (RFC 7914) with 32 MB for a quarter of a second of one core, the OWASP Password Storage Cheat Sheet's choice
# for that much memory. Not less of it: a block above 32 MB glibc gives back at once (mallopt(3), M_MMAP_THRESHOLD),
# smaller ones it keeps for the next, for good. Six digits are soon tried by whoever has the file, with any
# parameters: it is for this box's own user alone, and the waits at the door are what holds.
N, R, P = 2**15, 8, 3
_MAX_MEMORY = 64 * 1024 * 1024  # what a file may ask for: 128 * n * r (RFC 7914, 5 and 6), and a little beside
_MAX_FILE_BYTES = 4096
_HASH_BYTES = 32
_SALT_BYTES = 16


class Hashed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code's hash and how it was made."""

    salt: Annotated[bytes, msgspec.Meta(min_length=_SALT_BYTES, max_length=64)]
    hash: Annotated[bytes, msgspec.Meta(min_length=_HASH_BYTES, max_length=_HASH_BYTES)]
    n: Annotated[int, msgspec.Meta(ge=2, le=2**17)]
    r: Annotated[int, msgspec.Meta(ge=1, le=16)]
    p: Annotated[int, msgspec.Meta(ge=1, le=16)]

    def __post_init__(self) -> None:
        """Raise ValueError for parameters that scrypt does not take (RFC 7914, 2), or that take too much memory."""
        if self.n & (self.n - 1) or 2 * 128 * self.n * self.r > _MAX_MEMORY:
            raise ValueError(f"n = {self.n} with r = {self.r} is none of ours")

    def matches(self, code: str) -> bool:
        """Tell whether it is this code's; takes a core for a while, lets others run."""
        return hmac.compare_digest(_scrypt(code, self.salt, self.n, self.r, self.p), self.hash)


def hashed(code: str) -> Hashed:
    """Hash a code with a fresh salt; takes a core for a while, lets others run."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return Hashed(salt, _scrypt(code, salt, N, R, P), N, R, P)


def _scrypt(code: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(code.encode(), salt=salt, n=n, r=r, p=p, maxmem=_MAX_MEMORY, dklen=_HASH_BYTES)


def read(path: Path) -> Hashed | None:
    """Return what is kept. A damaged file counts as none, and is told in the log: the manager pairs again."""
    try:
        with path.open("rb") as file:
            found = msgspec.json.decode(file.read(_MAX_FILE_BYTES), type=Hashed)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # msgspec's are ValueErrors
        log.warning("manager_code_unreadable", path=str(path), reason=str(error), advice="pair again: edge-agent pair")
        return None
    return found


def write(path: Path, made: Hashed) -> None:
    """Keep a hash, so that a kill or a full disk leaves the earlier one. Raises StorageError."""
    try:
        durable.write(path, msgspec.json.encode(made))
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}; make room on the disk, and the folder writable") from error
