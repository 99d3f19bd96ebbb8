"""What this process makes and holds is for its own user alone, however it was started."""

import ctypes
import os
import resource

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def keep_files_private() -> None:
    """Have whatever this process and its children make be for this user only, and leave no core behind.

    A core of it would hold keys and slips. RLIMIT_CORE is not asked where a program takes the cores (core(5)):
    see ``keep_memory_private``.
    """
    os.umask(0o077)
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def keep_memory_private() -> None:
    """Let no other process of this user read or trace this one, nor any program be handed its core (prctl(2)).

    ``/proc/PID``'s environ, mem, maps and fd are root's from now on; the process itself reads its own as before, and
    root still attaches a debugger or a profiler. An execve(2) ends it.
    """
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
