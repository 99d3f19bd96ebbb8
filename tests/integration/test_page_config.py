"""The page while head office changes the settings: new names without a reload, a test under way that says so."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.config import Config, load
from edge_agent.page.actions.checks import Checks
from edge_agent.page.sections.recent import recent
from edge_agent.page.sections.unread import unread
from edge_agent.page.sources import Reader
from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support import golden
from tests.support.broker import until
from tests.support.events import streaming
from tests.support.generation import configure
from tests.support.page import Page, served
from tests.support.slips import receipt, sale
from tests.support.storage import of

TILL = "till-1-printer"
MANAGER = Reader("en", is_manager=True)
OLD, NEW = "1号收银小票", "门口收银小票"
RENAMED = STORE_TOML.replace(OLD, NEW).replace("1号收银台", "门口收银台").replace("人民广场店", "南京路店")


@pytest.fixture(autouse=True)
def no_runtime_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with served(configure(tmp_path), devices=True) as found:
        yield found


def renamed(folder: Path) -> Config:
    assert RENAMED.count(NEW) == 1
    (folder / "store.toml").write_text(RENAMED, "utf-8")
    return replace(load(folder / "agent.toml"), version=42)


async def test_an_open_page_shows_the_new_names_without_a_reload(page: Page, tmp_path: Path) -> None:
    await page.record(receipt(sale()))
    async with streaming(page.url) as stream:
        await stream.until(lambda: "1号收银台" in str(stream.sections.get("recent")))
        assert OLD in str(stream.sections["devices"])
        await page.shop.generations.change(renamed(tmp_path))
        page.shop.health.news()
        await stream.until(lambda: NEW in str(stream.sections["devices"]))
        await stream.until(lambda: "门口收银台" in str(stream.sections["recent"]))
        await stream.until(lambda: stream.sections["hero"]["store_name"] == "南京路店")
        assert not [name for name, said in stream.sections.items() if OLD in str(said) or "1号收银台" in str(said)]
        assert "hello" in stream.sections
        assert stream.heard["hello"] == 1, "the same stream all the time"
    status = await page.status()
    assert (status["store"]["name"], status["devices"][0]["name"]) == ("南京路店", NEW)


async def test_what_is_kept_of_sections_is_made_anew(page: Page, tmp_path: Path) -> None:
    await page.shop.storage.commit(of(golden.draft("o2o.order.unparsed.v1")))
    now = page.shop.clock.now()
    before = await recent(page.sources, MANAGER, now), await unread(page.sources, MANAGER, now)
    assert [OLD in str(section) for section in before] == [True, True]
    await page.shop.generations.change(renamed(tmp_path))
    after = await recent(page.sources, MANAGER, now), await unread(page.sources, MANAGER, now)
    assert [NEW in str(section) for section in after] == [True, True]
    assert OLD not in str(after)


async def test_a_test_under_way_says_that_settings_came_in_between(page: Page, tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        checks = Checks(page.sources, group)
        checks.start(TILL)
        await page.shop.generations.change(renamed(tmp_path))
        await until(lambda: checks.section(MANAGER)[0].state == "failed")
        (check,) = checks.section(MANAGER)
        assert (check.seconds_left, check.sentence) == (
            0, f"New settings from head office came in between. Test {OLD} again."
        )  # fmt: skip
        checks.start(TILL)
        assert (checks.section(MANAGER)[0].state, checks.section(MANAGER)[0].sentence.count(NEW)) == ("waiting", 1)
        checks.stop()


async def test_what_was_tested_and_is_gone_is_not_shown(page: Page, tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        checks = Checks(page.sources, group)
        checks.start(TILL)
        (tmp_path / "store.toml").write_text(STORE_TOML.partition("[[device]]")[0], "utf-8")
        await page.shop.generations.change(load(tmp_path / "agent.toml"))
        assert checks.section(MANAGER) == ()
        with pytest.raises(KeyError):
            checks.start(TILL)
