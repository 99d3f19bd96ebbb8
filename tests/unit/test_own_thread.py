"""Threads for calls that may never return."""

import asyncio
import threading

import pytest

from edge_agent.own_thread import OwnThread


async def test_one_that_the_system_has_no_thread_for_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")  # what CPython says of EAGAIN

    own = OwnThread("busy")
    with monkeypatch.context() as system:
        system.setattr(threading.Thread, "start", refused)
        with pytest.raises(OSError, match="no thread for busy"):
            await own.run(lambda: 1, lambda _: None)
    assert await own.run(lambda: 2, lambda _: None) == 2


async def test_cancelled_it_returns_at_once_and_undoes_what_comes_later() -> None:
    go_on, undone = threading.Event(), threading.Event()
    own = OwnThread("slow")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await own.run(lambda: go_on.wait(30), lambda _: undone.set())
    assert own.busy
    go_on.set()
    assert await asyncio.to_thread(undone.wait, 10)
