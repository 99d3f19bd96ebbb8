"""A disk that hangs: the page goes on telling what needs no disk, and comes back by itself."""

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.health import Condition, Level
from edge_agent.page.manager.audit import PART
from edge_agent.page.status import health_message
from tests.support.broker import until
from tests.support.events import streaming
from tests.support.generation import configure
from tests.support.manager import signed_in
from tests.support.page import Page, served
from tests.support.slips import receipt, sale

TOLD_S = 20.0  # the disk hangs for longer
GONE = Condition("device_missing", Level.ACTION, "1号收银小票: /dev/x: is it plugged in?")


@pytest.fixture
async def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Page]:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setattr("edge_agent.page.view.DISK_S", 0.5)
    monkeypatch.setattr("edge_agent.storage.store.ANSWERS_S", 0.2)
    monkeypatch.setattr("edge_agent.sync.sync.DISK_ANSWERS_S", 0.2)
    async with served(configure(tmp_path)) as found:
        await found.record(receipt(sale()))  # what waits is read from the disk
        yield found


@contextmanager
def hanging(page: Page, group: asyncio.TaskGroup) -> Iterator[None]:
    """Have the disk answer nothing while the context lasts."""
    going_on = threading.Event()
    group.create_task(page.shop.storage._thread.run(lambda _: going_on.wait(60)))
    try:
        yield
    finally:
        going_on.set()


async def test_the_headline_still_tells_of_a_device_that_fails(page: Page) -> None:
    async with asyncio.TaskGroup() as group, streaming(page.url) as stream:
        await stream.until(lambda: "manager" in stream.sections)
        with hanging(page, group):
            await asyncio.sleep(0)
            page.shop.health.report("device/till-1-printer", GONE)
            await stream.until(lambda: stream.sections["hero"]["level"] == "action")
        await stream.until(lambda: stream.sections["link"].get("waiting") is not None)


async def test_whoever_comes_meanwhile_is_told_what_is_known(page: Page) -> None:
    async with asyncio.TaskGroup() as group:
        with hanging(page, group):
            await asyncio.sleep(0)
            async with streaming(page.url) as stream:
                await stream.until(lambda: "manager" in stream.sections)
                assert stream.sections["hero"]["level"] == "ok"
                assert stream.sections["recent"] == {"failed": True}


async def test_the_status_is_told_all_the_same(page: Page) -> None:
    async with asyncio.TaskGroup() as group:
        with hanging(page, group):
            await asyncio.sleep(0)
            async with asyncio.timeout(TOLD_S):
                status = await page.status()
            assert status["level"] == "ok"
            assert status["sync"]["waiting"] == sum(status["sync"]["waiting_by_stream"].values()) > 0
            async with asyncio.timeout(TOLD_S):
                assert (await health_message(page.sources))["level"] == "ok"


async def test_the_manager_comes_in_and_acts_all_the_same(page: Page) -> None:
    async with signed_in(page) as manager, asyncio.TaskGroup() as group:
        with hanging(page, group):
            await asyncio.sleep(0)
            for _ in range(2):
                async with asyncio.timeout(TOLD_S):
                    status, _ = await manager.do("check", device="till-1-printer")
                assert status == 200
        await until(lambda: len(page.shop.storage.state(PART)) == 4)  # with the one-time code, and who paired


async def test_a_bundle_for_support_holds_up_nobody(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, going_on, waited = threading.Event(), threading.Event(), []

    def hangs(_folder: Path) -> None:
        asked.set()
        waited.append(going_on.wait(5))
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    async with signed_in(page) as manager, asyncio.TaskGroup() as group:
        monkeypatch.setattr("edge_agent.support_bundle.shutil.disk_usage", hangs)
        bundle = group.create_task(manager.do("diagnostics"))
        await until(asked.is_set)
        assert (await page.get("healthz"))[0] == 200
        going_on.set()
    assert (waited, bundle.result()[0]) == ([True], 507)
