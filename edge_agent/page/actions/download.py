"""A file to download, sent bit by bit to whoever asked for it."""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import BinaryIO

from aiohttp import web

from edge_agent.page.actions.acting import Asked

CHUNK_BYTES = 64 * 1024
TAKES_S = 30.0  # a telephone in a cellar takes 64 KB in that time; who does not is not there any more


async def send(asked: Asked, file: BinaryIO, name: str, content_type: str) -> web.StreamResponse:
    """Send a file from where it stands to its end. ``name``: as it is saved, ASCII without quotes."""
    return await send_all(asked, iter(partial(file.read, CHUNK_BYTES), b""), name, content_type)


async def send_all(asked: Asked, parts: Iterable[bytes], name: str, content_type: str) -> web.StreamResponse:
    """Send parts as one file. Whoever goes in the middle has broken it off; that is no error, but in the audit."""
    headers = {
        "Content-Type": content_type,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    response = web.StreamResponse(headers=headers)
    try:
        await response.prepare(asked.request)
        for part in parts:
            async with asyncio.timeout(TAKES_S):
                await response.write(part)
        await response.write_eof()
    except (TimeoutError, ConnectionError):
        asked.outcome, asked.detail = "failed", "broken off"
        if asked.request.transport is not None:
            asked.request.transport.abort()
    return response
