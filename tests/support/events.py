"""The page's live events as a browser takes them: a real client, the newest of each section."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

WAIT_S = 20.0  # for what takes a second on a machine that has nothing else to do


class Stream:
    """One open stream. ``sections``: the newest of each; ``heard``: how often each came; ``ended``: by the server."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.sections: dict[str, Any] = {}
        self.heard: Counter[str] = Counter()
        self.order: list[str] = []
        self.ended = False
        self._news = asyncio.Event()

    async def read(self) -> None:
        """Take events until the stream ends."""
        name = ""
        with suppress(aiohttp.ClientError):
            async for raw in self.response.content:
                field, _, value = raw.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field in ("data", "data:"):
                    self.sections[name] = json.loads(value) if value else None
                    self.heard[name] += 1
                    self.order.append(name)
                    self._news.set()
        self.ended = True
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until what was heard meets a condition."""
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def streaming(url: str, **headers: str) -> AsyncIterator[Stream]:
    """Open the stream of the page at ``url`` and take its events."""
    timeout = aiohttp.ClientTimeout(total=None)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(url + "api/events", headers=headers) as response,
        asyncio.TaskGroup() as group,
    ):
        assert response.status == 200, response.status
        stream = Stream(response)
        reading = group.create_task(stream.read())
        yield stream
        reading.cancel()
