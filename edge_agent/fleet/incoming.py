"""A file that comes up from a store in pieces."""

import base64
import binascii
import hashlib
import os
from pathlib import Path

from edge_agent.config.document import reason
from edge_agent.contract.remote import Chunk
from edge_agent.errors import ConfigError
from edge_agent.fleet.errors import FailedError

MAX_BYTES = 64 * 1024 * 1024  # eight times what a box keeps ready to be sent


class Incoming:
    """The pieces so far. They may come twice, and anew in another size after a restart of the box."""

    def __init__(self) -> None:
        self._of: Chunk | None = None
        self._pieces: dict[int, bytes] = {}

    @property
    def has_begun(self) -> bool:
        """Whether there is any piece."""
        return self._of is not None

    @property
    def share(self) -> float:
        """How much has come, 0.0 to 1.0."""
        return len(self._pieces) / self._of.of if self._of else 0.0

    def take(self, chunk: Chunk) -> None:
        """Take a piece. Raises FailedError where it is none, or too large a whole."""
        if chunk.bytes > MAX_BYTES or not 0 <= chunk.number < chunk.of <= MAX_BYTES:
            raise FailedError(f"{chunk.bytes} bytes in {chunk.of} pieces are not taken: at most {MAX_BYTES} bytes")
        if self._of is None or (chunk.sha256, chunk.of) != (self._of.sha256, self._of.of):
            self._of, self._pieces = chunk, {}
        try:
            self._pieces[chunk.number] = base64.b64decode(chunk.data, validate=True)
        except (binascii.Error, ValueError):
            raise FailedError(f"piece {chunk.number} is not base64") from None
        if sum(map(len, self._pieces.values())) > chunk.bytes:
            raise FailedError(f"there is more than the {chunk.bytes} bytes that were announced")

    def save(self, folder: Path, prefix: str) -> Path:
        """Write the whole into ``folder`` under the store's own name for it; nothing is overwritten.

        Raises FailedError where pieces are missing or it is not what the store had, ConfigError where it cannot be
        written.
        """
        assert self._of is not None
        if missing := self._of.of - len(self._pieces):
            raise FailedError(f"{missing} of {self._of.of} pieces have not come; ask again")
        whole = b"".join(self._pieces[number] for number in sorted(self._pieces))
        if len(whole) != self._of.bytes or hashlib.sha256(whole).hexdigest() != self._of.sha256:
            raise FailedError("what came is not what the store had (SHA-256 differs); ask again")
        return _write_new(folder, f"{prefix}-{_safe(self._of.name)}", whole)


def _safe(name: str) -> str:
    """Return a name that stays in the folder, whatever a store calls its file."""
    kept = "".join(one if one.isalnum() or one in "._-" else "_" for one in name.rsplit("/", 1)[-1])
    return kept.lstrip(".")[-100:] or "file"


def _write_new(folder: Path, name: str, body: bytes) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, 1_000):
            path = folder / (name if attempt == 1 else f"{attempt}-{name}")
            try:
                # What a shop says of itself is for the operator alone.
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            except FileExistsError:
                continue
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(body)
            return path
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {reason(error)}") from None
    raise ConfigError(f"{folder / name}: is there a thousand times already; tidy up")
