"""A pseudo-terminal of a number that nobody has had lately."""

import os
import random

# The kernel gives the lowest number that is free (devpts): the one whose port has just been closed, and for which the
# agent of another shop on this machine may still look, under the name of a register that was killed. It would open
# this port first, lock it, and read what its register prints. Numbers picked among so many seldom meet; 7 ms at most.
_NUMBERS = 256


def open_pty() -> tuple[int, int]:
    """Return the descriptors of both sides, as ``os.openpty`` does."""
    count = random.randrange(_NUMBERS)  # noqa: S311 - no secret
    skipped = [os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC) for _ in range(count)]
    try:
        return os.openpty()
    finally:
        for master in skipped:
            os.close(master)
