"""The bundle for support, made by a process of its own, so that neither its time nor its memory is the tills'."""

import asyncio
import errno
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path

import structlog

from edge_agent.config import Config
from edge_agent.contract.events import iso_time
from edge_agent.errors import AgentError, StorageError

log = structlog.get_logger()

# Reading the journal may take 20 s, and asking the devices some seconds each.
MAKING_S = 60.0
# A bundle has a megabyte at most. Where there is no more than some of them, what there is belongs to orders.
ROOM_BYTES = 4 * 1024 * 1024
NICE = 10  # about a tenth of a core where the tills want it, see sched(7)


class BundleError(AgentError):
    """There is no bundle, and not for want of room. ``reason``: ``slow`` or ``diagnostics``."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"the bundle for support could not be made: {detail}")
        self.reason = reason


def name_of(config: Config, wall_ms: int) -> str:
    """Return what a bundle is called that was made at a moment (Unix milliseconds)."""
    return f"{config.agent.agent.store}-diagnostics-{iso_time(wall_ms, config.store.zone)[:10]}.tar.gz"


async def make(config: Config, bundle: Path) -> None:
    """Make the file ``bundle`` in its folder, which is there. Raises StorageError, BundleError.

    It is made by ``edge-agent diagnostics``; whoever calls deletes it, and what a failure leaves of it.
    """
    try:
        await asyncio.to_thread(_look_for_room, bundle.parent)
        await _make(bundle, config.agent_file)
    except OSError as error:
        log.warning("diagnostics_failed", reason=error.strerror or str(error))
        raise StorageError(f"{bundle.parent}: {error.strerror or error}; make room on the disk") from error


def _look_for_room(folder: Path) -> None:
    """Raise OSError where there is no room for a bundle."""
    if shutil.disk_usage(folder).free < ROOM_BYTES:
        raise _no_space()


async def _make(bundle: Path, config_file: Path) -> None:
    command = (sys.executable, "-P", "-m", "edge_agent", "diagnostics", str(bundle), "--config", str(config_file))
    # A session of its own: what it starts in turn ends with it.
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, start_new_session=True
        )
    except OSError as error:  # too many processes, too little memory
        raise _failed(error.strerror or str(error)) from error
    try:
        with suppress(OSError):  # a system that does not allow it makes it at the tills' own priority
            os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
        async with asyncio.timeout(MAKING_S):
            _, said = await process.communicate()
    except TimeoutError:
        log.warning("diagnostics_failed", reason="slow")
        raise BundleError("slow", f"not within {MAKING_S:.0f} s; ask again when the box has less to do") from None
    finally:
        await _ended(process)
    if process.returncode:
        last = said.decode("utf-8", "replace").strip().rpartition("\n")[2]
        if os.strerror(errno.ENOSPC) in last:
            raise _no_space()
        raise _failed(last)


def _failed(reason: str) -> BundleError:
    log.warning("diagnostics_failed", reason=reason)
    return BundleError("diagnostics", f"{reason[:200]}; see the log")


def _no_space() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def _ended(process: Process) -> None:
    """End what may still run, and wait until it has: a server that stops cancels twice, and it must write no more."""
    if process.returncode is None:
        with suppress(ProcessLookupError):  # it has just ended, and nobody has told yet
            os.killpg(process.pid, signal.SIGKILL)
    cancelled = None
    while process.returncode is None:
        try:
            await process.wait()
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
