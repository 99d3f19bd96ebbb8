"""A file that comes up from a store in pieces."""

import os
from pathlib import Path

from edge_agent.config.document import reason
from edge_agent.contract.pieces import Pieces, PiecesError
from edge_agent.contract.remote import Chunk
from edge_agent.errors import ConfigError
from edge_agent.fleet.errors import FailedError


class Incoming:
    """The pieces so far, and where they go."""

    def __init__(self) -> None:
        self._pieces = Pieces()

    @property
    def has_begun(self) -> bool:
        """Whether there is any piece."""
        return bool(self._pieces.of)

    @property
    def share(self) -> float:
        """How much has come, 0.0 to 1.0."""
        return 1 - len(self._pieces.missing) / self._pieces.of if self._pieces.of else 0.0

    def take(self, chunk: Chunk) -> None:
        """Take a piece. Raises FailedError where it is none, or too large a whole."""
        try:
            self._pieces.add(chunk)
        except PiecesError as error:
            raise FailedError(str(error)) from None

    def save(self, folder: Path, prefix: str) -> Path:
        """Write the whole into ``folder`` under the store's own name for it; nothing is overwritten.

        Raises FailedError where pieces are missing or it is not what the store had, ConfigError where it cannot be
        written.
        """
        try:
            whole = self._pieces.whole()
        except PiecesError as error:
            raise FailedError(str(error)) from None
        return _write_new(folder, f"{prefix}-{_safe(self._pieces.name or '')}", whole)


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
