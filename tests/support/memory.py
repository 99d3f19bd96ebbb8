"""A box that runs out of memory: a control group with a limit, in which the kernel has to kill somebody."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_V1 = Path("/sys/fs/cgroup/memory")
_V2 = Path("/sys/fs/cgroup")
_HOG = "hold = []\nwhile True: hold.append(b'x' * (1 << 20))"


class Group:
    """One control group. ``wrapper`` starts a process in it, as the first that the kernel takes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # proc(5): oom_score_adj 1000 is the first to go; inherited by what is executed.
        join = f'echo $$ > {folder}/cgroup.procs && echo 1000 > /proc/self/oom_score_adj && exec "$@"'
        self.wrapper = ("sh", "-c", join, "sh")

    def exhaust(self) -> None:
        """Have another program take all of the group's memory; the kernel ends it as well, when its turn comes."""
        join = f'echo $$ > {self._folder}/cgroup.procs && exec "$@"'
        subprocess.run(["sh", "-c", join, "sh", sys.executable, "-c", _HOG], capture_output=True, check=False)


@contextmanager
def memory_group(limit_bytes: int) -> Iterator[Group]:
    """Make a control group of so much memory, swap included; skips where none can be made."""
    old = _V1.is_dir()
    folder = (_V1 if old else _V2) / f"edge-agent-test-{os.getpid()}"
    limits = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes") if old else ("memory.max",)
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        try:
            (folder / limits[0]).write_text(str(limit_bytes), "ascii")
        except OSError as error:
            pytest.skip(f"a control group's memory cannot be limited here: {error}")
        for name in limits[1:]:
            if (folder / name).exists():  # not without CONFIG_MEMCG_SWAP
                (folder / name).write_text(str(limit_bytes), "ascii")
        yield Group(folder)
    finally:
        _removed(folder)


def _removed(folder: Path) -> None:
    """Remove the group once the last of its processes is gone: a killed one takes a moment."""
    for _ in range(100):
        try:
            folder.rmdir()
        except OSError:
            time.sleep(0.05)
        else:
            return
