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
from typing import BinaryIO

import msgspec
import structlog
from aiohttp import web

from edge_agent.config import Config
from edge_agent.contract.events import iso_time
from edge_agent.page.actions.acting import Asked, Failed
from edge_agent.page.actions.download import pieces_of, send

log = structlog.get_logger()

FOLDER = "diagnostics"  # in the state directory: a bundle while it is made, for this user only
# Reading the journal may take 20 s, and asking the devices some seconds each.
MAKING_S = 60.0
# A bundle has a megabyte at most. Where there is no more than some of them, what there is belongs to orders.
ROOM_BYTES = 4 * 1024 * 1024
NICE = 10  # about a tenth of a core where the tills want it, see sched(7)

ONE_AT_A_TIME = web.AppKey("diagnostics", asyncio.Lock)


class Diagnostics(msgspec.Struct, frozen=True):
    """Nothing needs to be said."""


async def diagnostics(asked: Asked, body: Diagnostics) -> web.StreamResponse:
    """Make the bundle and send it. Nothing of it stays on the disk, also if whoever asked has gone."""
    del body
    sources = asked.parts.sources
    one_at_a_time = asked.request.app[ONE_AT_A_TIME]
    if one_at_a_time.locked():
        raise Failed(web.HTTPConflict.status_code, "busy")
    async with one_at_a_time:
        bundle = await _made(sources.config)
    day = iso_time(sources.clock.now().wall_ms, sources.config.store.zone)[:10]
    with bundle:
        name = f"{sources.config.agent.agent.store}-diagnostics-{day}.tar.gz"
        return await send(asked, pieces_of(bundle), name, "application/gzip")


async def _made(config: Config) -> BinaryIO:
    """Return the bundle, open and already deleted: no fault from here on can leave it behind.

    Threads touch the disk: support is called when it hangs, and the tills must not wait for it here.
    """
    folder = config.agent.agent.state_dir / FOLDER
    bundle = folder / "bundle.tar.gz"
    try:
        await asyncio.to_thread(_make_room, folder)
        await _make(bundle, config.agent_file)
        return await asyncio.to_thread(bundle.open, "rb")
    except OSError as error:
        log.warning("diagnostics_failed", reason=error.strerror or str(error))
        raise Failed(web.HTTPInsufficientStorage.status_code, "storage") from error
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _make_room(folder: Path) -> None:
    """Make an empty folder. Raises OSError: there is no room for a bundle."""
    shutil.rmtree(folder, ignore_errors=True)  # of an agent that was killed
    if shutil.disk_usage(folder.parent).free < ROOM_BYTES:
        raise _no_space()
    folder.mkdir(mode=0o700)


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
        raise Failed(web.HTTPGatewayTimeout.status_code, "slow") from None
    finally:
        await _ended(process)
    if process.returncode:
        last = said.decode("utf-8", "replace").strip().rpartition("\n")[2]
        if os.strerror(errno.ENOSPC) in last:
            raise _no_space()
        raise _failed(last)


def _failed(reason: str) -> Failed:
    log.warning("diagnostics_failed", reason=reason)
    return Failed(web.HTTPInternalServerError.status_code, "diagnostics")


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
