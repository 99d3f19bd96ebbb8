"""Calls that may never return: into the kernel, a driver, a name server."""

import asyncio
import errno
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

_T = TypeVar("_T")


class OwnThread:
    """Runs one call at a time, in a daemon thread made for it. Raises OSError where the system has no more threads.

    Not the loop's executor: leaving the interpreter waits for that one, and its few threads are everybody's.
    """

    def __init__(self, name: str) -> None:
        self.busy = False  # a call has yet to return: no other may be started beside it
        self._name = name

    def start(self, call: Callable[[], object]) -> None:
        """Run ``call``, which must not raise, and wait for nothing."""

        def work() -> None:
            try:
                call()
            finally:
                self.busy = False

        self._begin(work)

    async def run(self, call: Callable[[], _T], undo: Callable[[_T], object]) -> _T:
        """Return what ``call`` returns, or raise what it raises; cancelled, return at once.

        When nobody waits any more at its end, ``undo`` is called with its result, in a thread as well.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()

        def succeed(result: _T) -> None:
            self.busy = False
            if future.done():
                self.start(partial(undo, result))
            else:
                future.set_result(result)

        def fail(error: BaseException) -> None:
            self.busy = False
            if not future.done():
                future.set_exception(error)

        def work() -> None:
            try:
                result = call()
            except BaseException as caught:  # noqa: BLE001 - it is raised where the result is awaited
                _cross(loop, partial(fail, caught), lambda: None)
            else:
                _cross(loop, partial(succeed, result), partial(undo, result))

        self._begin(work)
        return await future

    def _begin(self, work: Callable[[], None]) -> None:
        assert not self.busy
        self.busy = True
        try:
            threading.Thread(target=work, name=self._name, daemon=True).start()
        except RuntimeError as error:
            self.busy = False
            raise OSError(errno.EAGAIN, f"no thread for {self._name}") from error


def _cross(loop: asyncio.AbstractEventLoop, word: Callable[[], None], otherwise: Callable[[], object]) -> None:
    try:
        loop.call_soon_threadsafe(word)
    except RuntimeError:  # the loop is closed
        otherwise()
