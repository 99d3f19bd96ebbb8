"""A port's number is not the one that was given back a moment ago."""

import os
from pathlib import Path

from edge_agent.simulator.pty import open_pty


def test_a_port_that_was_closed_is_not_the_one_that_is_opened_next() -> None:
    numbers, descriptors = set(), _open()
    for _ in range(8):  # all alike by chance: once in 256 to the seventh
        master, slave = open_pty()
        numbers.add(os.ttyname(slave))
        os.close(master)
        os.close(slave)
    assert len(numbers) > 1
    assert _open() == descriptors


def _open() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
