"""Where the box's own sockets are, and how they are named."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def runtime_directory() -> Path | None:
    """Return ``$RUNTIME_DIRECTORY``, which systemd makes in memory (systemd.exec(5)); None without systemd."""
    runtime = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return Path(runtime) if runtime else None


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """Give a name of at most 107 bytes (unix(7)) to a socket in any folder, valid while the context lasts.

    Raises OSError if the folder does not exist.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
