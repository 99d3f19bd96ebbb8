"""A wall clock that steps, for a process of its own: Debian's libfaketime under the real system calls."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Self

import pytest


def library() -> Path:
    """Return libfaketime, or skip the test visibly where it is not installed."""
    for folder in ("/usr/lib", "/usr/local/lib"):
        for path in sorted(Path(folder).glob("**/faketime/libfaketime.so.1")):
            return path
    pytest.skip("libfaketime is not installed: sudo apt-get install faketime")


def environment(offset_file: Path) -> dict[str, str]:
    """Return the environment in which the wall clock, and it alone, is off by what ``offset_file`` says ("+3600")."""
    return os.environ | {
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(offset_file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def environment_of_threads(offset_file: Path) -> dict[str, str]:
    """Let libfaketime cache its file: where it reads it at each call, one thread sees what another has half read."""
    return environment(offset_file) | {"FAKETIME_NO_CACHE": "0", "FAKETIME_CACHE_DURATION": "1"}


class SteppedPython:
    """A Python that runs ``script`` and answers each line on stdin with one on stdout, under a clock that steps."""

    def __init__(self, folder: Path, script: str) -> None:
        self._offset = folder / "faketime"
        self.step_to(0)
        self._process = subprocess.Popen(
            [sys.executable, "-c", script],
            env=environment(self._offset),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=10)

    def step_to(self, seconds: float) -> None:
        """Set the wall clock's distance from the truth."""
        other = self._offset.with_suffix(".new")
        other.write_text(f"{seconds:+f}\n")
        other.replace(self._offset)  # never half a file for the reader

    def ask(self) -> str:
        """Return the next answer."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()
