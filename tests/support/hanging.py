"""Stop one thread of a process, as a deadlock or an endless loop would: ``python -m tests.support.hanging PID``.

A process of its own, since whoever traces is told of the tracee's death, too. Prints ``stopped`` once it is, or
``not permitted``; ends with the process it holds.
"""

import ctypes
import os
import sys

# ptrace(2), <sys/ptrace.h>
SEIZE, INTERRUPT = 0x4206, 0x4207
WALL = 0x40000000  # waitpid(2), __WALL: whatever kind of child it is


def main() -> None:
    pid = int(sys.argv[1])
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    if libc.ptrace(SEIZE, pid, None, None) or libc.ptrace(INTERRUPT, pid, None, None):
        _say(f"not permitted: {os.strerror(ctypes.get_errno())}")
        return
    _, status = os.waitpid(pid, WALL)
    _say("stopped" if os.WIFSTOPPED(status) else "ended")
    while os.WIFSTOPPED(status):
        _, status = os.waitpid(pid, WALL)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
