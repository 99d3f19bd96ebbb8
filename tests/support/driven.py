"""An asynchronous context, driven step by step from code that is not asynchronous: a hypothesis state machine."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Driven(Generic[T]):
    """Enters ``opened()`` on a loop in a thread of its own; ``do`` runs steps there, one at a time."""

    def __init__(self, opened: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._ready: Future[tuple[T, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live(opened)), daemon=True)
        self._thread.start()
        self._thing, self._loop, self._over = self._ready.result()

    def do(self, step: Callable[[T], Awaitable[R]]) -> R:
        """Return what a step returns, or raise what it raises."""

        async def run() -> R:
            return await step(self._thing)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def close(self) -> None:
        """Leave the context."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _live(self, opened: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        over = asyncio.Event()
        try:
            async with opened() as thing:
                self._ready.set_result((thing, asyncio.get_running_loop(), over))
                await over.wait()
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            raise
