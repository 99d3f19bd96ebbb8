"""A file to download, sent piece by piece to whoever asked for it."""

import asyncio
from collections.abc import AsyncIterator
from typing import BinaryIO

import structlog
from aiohttp import web

from edge_agent.errors import StorageError
from edge_agent.page.actions.acting import Asked

log = structlog.get_logger()

PIECE_BYTES = 64 * 1024
TAKES_S = 30.0  # a telephone in a cellar takes 64 KB in that time; who does not is not there any more


async def send(asked: Asked, pieces: AsyncIterator[bytes], name: str, content_type: str) -> web.StreamResponse:
    """Send pieces as one file; ``name``: as it is saved, ASCII without quotes.

    Whoever goes in the middle has broken it off: no error, but in the audit. Where the pieces end in an error the
    connection does, so that nobody takes a part of the file for the whole.
    """
    headers = {"Content-Type": content_type, "Content-Disposition": f'attachment; filename="{name}"'}
    response = web.StreamResponse(headers=headers | {"Cache-Control": "no-store"})
    try:
        await response.prepare(asked.request)
        async for piece in pieces:
            async with asyncio.timeout(TAKES_S):
                await response.write(piece)
        await response.write_eof()
    except StorageError as error:
        log.warning("download_failed", name=name, reason=str(error))
        _break_off(asked, "disk")
    except (TimeoutError, ConnectionError):
        _break_off(asked, "broken_off")
    return response


async def pieces_of(file: BinaryIO) -> AsyncIterator[bytes]:
    """Yield a file's bytes, from memory where it was written just now."""
    while piece := file.read(PIECE_BYTES):
        yield piece


def _break_off(asked: Asked, why: str) -> None:
    asked.outcome, asked.detail = "failed", why
    if asked.request.transport is not None:
        asked.request.transport.abort()
