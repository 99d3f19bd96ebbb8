"""The bundle for support, for the manager to download."""

import asyncio
import shutil
from pathlib import Path
from typing import BinaryIO

import msgspec
import structlog
from aiohttp import web

from edge_agent import support_bundle
from edge_agent.config import Config
from edge_agent.errors import StorageError
from edge_agent.page.actions.acting import Asked, Failed
from edge_agent.page.actions.download import pieces_of, send
from edge_agent.support_bundle import BundleError

log = structlog.get_logger()

FOLDER = "diagnostics"  # in the state directory: a bundle while it is made, for this user only
_STATUS = {"slow": web.HTTPGatewayTimeout.status_code, "diagnostics": web.HTTPInternalServerError.status_code}

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
    with bundle:
        name = support_bundle.name_of(sources.config, sources.clock.now().wall_ms)
        return await send(asked, pieces_of(bundle), name, "application/gzip")


async def _made(config: Config) -> BinaryIO:
    """Return the bundle, open and already deleted: no fault from here on can leave it behind.

    Threads touch the disk: support is called when it hangs, and the tills must not wait for it here.
    """
    folder = config.agent.agent.state_dir / FOLDER
    bundle = folder / "bundle.tar.gz"
    try:
        await asyncio.to_thread(_empty, folder)
        await support_bundle.make(config, bundle)
        return await asyncio.to_thread(bundle.open, "rb")
    except BundleError as error:
        raise Failed(_STATUS[error.reason], error.reason) from error
    except (OSError, StorageError) as error:
        if isinstance(error, OSError):
            log.warning("diagnostics_failed", reason=error.strerror or str(error))
        raise Failed(web.HTTPInsufficientStorage.status_code, "storage") from error
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _empty(folder: Path) -> None:
    """Make an empty folder; one may be left of an agent that was killed. Raises OSError."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
