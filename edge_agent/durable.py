"""Files that are complete or as they were before, whatever a kill or a power cut does. All may raise OSError."""

import os
from contextlib import suppress
from pathlib import Path

ASIDE = ".new"  # behind a file's name, while it is written


def write(path: Path, data: bytes) -> None:
    """Have a file of these bytes on the disk, for this user only, in the place of the one that is there."""
    write_aside(path, data)
    put_in_place(path)


def write_aside(path: Path, data: bytes) -> None:
    """Have the bytes on the disk beside the file; where they cannot be, nothing is left of them."""
    aside = _aside(path)
    if os.path.lexists(aside):  # what a kill has left, or a link that somebody else has laid
        aside.unlink()
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):  # the room is for orders
            aside.unlink()
        raise


def put_in_place(path: Path) -> None:
    """Give what was written aside its name."""
    _aside(path).rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames durable (fsync(2): the folder's entry needs its own)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _aside(path: Path) -> Path:
    return path.with_name(path.name + ASIDE)
