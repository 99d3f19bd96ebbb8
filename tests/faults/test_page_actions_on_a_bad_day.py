"""The manager's actions where the disk is full, and for somebody who goes in the middle or takes nothing."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from edge_agent.page.actions import acting, diagnostics, download
from edge_agent.page.language import box_language
from tests.support.disk import small_disk, take_all
from tests.support.generation import configure
from tests.support.manager import Manager, signed_in
from tests.support.page import Page, served
from tests.support.storage import until

BUNDLE_BYTES = 32 * 1024 * 1024  # more than all buffers between two ends hold


@pytest.fixture(autouse=True)
def no_runtime_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """The state directory, on a file system of its own."""
    with small_disk(tmp_path / "state") as found:
        yield found


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with served(configure(tmp_path)) as found:
        yield found


@pytest.fixture
async def manager(page: Page) -> AsyncIterator[Manager]:
    async with signed_in(page) as manager:
        yield manager


def broken_off(page: Page) -> list[str]:
    return [e["outcome"] for e in page.log if e["event"] == "audit" and e["detail"] == "broken_off"]


async def test_a_full_disk_is_told_and_what_was_stays(
    disk: Path, page: Page, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "KEEPING_S", 0.5)
    take_all(disk)
    code, answer = await manager.do("diagnostics")
    assert (code, answer["error"]) == (507, "storage")
    assert "disk" in answer["sentence"]
    assert not (disk / diagnostics.FOLDER).exists()
    # What is kept back for orders takes a manager's word, too, until nothing is left of it.
    spoken = box_language(page.sources)
    for wanted in ("en", "zh") * 20:
        take_all(disk)
        code, answer = await manager.do("language", language=wanted)
        if code != 200:
            break
        spoken = wanted
    assert (code, answer["error"]) == (507, "storage")
    assert box_language(page.sources) == spoken, "what was"
    (disk / "filler").unlink()
    monkeypatch.setattr(acting, "KEEPING_S", 20.0)  # the storage looks for room now and then
    assert (await manager.do("language", language=wanted))[0] == 200
    assert box_language(page.sources) == wanted


@pytest.fixture
def big_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A box whose log is long: the bundle is more than a pipe holds."""

    async def made(_config: object) -> BinaryIO:
        bundle = tmp_path / "bundle.tar.gz"
        bundle.touch()
        os.truncate(bundle, BUNDLE_BYTES)
        return bundle.open("rb")

    monkeypatch.setattr(diagnostics, "_made", made)


async def test_a_big_bundle_comes_whole(page: Page, manager: Manager, big_bundle: None) -> None:
    status, _, body = await manager.post("diagnostics")
    assert (status, len(body)) == (200, BUNDLE_BYTES)


async def test_who_goes_in_the_middle_of_the_download_is_in_the_audit(
    page: Page, manager: Manager, big_bundle: None
) -> None:
    async with manager.asking("diagnostics") as answer:
        await answer.content.readexactly(100_000)
        answer.close()
    await until(lambda: broken_off(page) == ["failed"])


async def test_who_takes_nothing_does_not_keep_the_bundle_for_ever(
    page: Page, manager: Manager, big_bundle: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TAKES_S", 0.3)
    async with manager.asking("diagnostics") as answer:
        await answer.content.readexactly(1_000)  # and no more
        await until(lambda: broken_off(page) == ["failed"])
        answer.close()


async def test_a_box_that_is_stopped_meanwhile_ends_it_and_leaves_nothing(tmp_path: Path) -> None:
    config = configure(tmp_path)
    folder = config.agent.agent.state_dir / diagnostics.FOLDER
    async with asyncio.TaskGroup() as group, served(config) as page, signed_in(page) as manager:
        asking = group.create_task(manager.post("diagnostics"))
        await until(folder.exists)
        asking.cancel()
    await until(lambda: not folder.exists())  # the server does not wait for the last handler, the process does
