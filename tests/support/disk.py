"""A real disk that is small, and one that is full."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Make ``folder`` a file system of 16 MB, the smallest state_dir the contract allows; skips where none can be."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def take_all(folder: Path) -> None:
    """Take the last byte there is, into the file ``filler``."""
    with (folder / "filler").open("ab", buffering=0) as filler, suppress(OSError):
        while filler.write(b"\0" * (64 * 1024 if os.statvfs(folder).f_bavail > 16 else 1)):
            pass
