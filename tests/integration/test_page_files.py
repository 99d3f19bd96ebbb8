"""The page's files over HTTP: kept for a year by their version, and none but those that ship."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from edge_agent.page import html
from edge_agent.simulator.virtual_store import AGENT_TOML
from tests.support.generation import configure
from tests.support.page import Page, served


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with served(configure(tmp_path, agent=AGENT_TOML)) as found:
        yield found


async def fetched(page: Page, path: str) -> tuple[int, str, str]:
    """Return the status, how long the answer may be kept, and its type."""
    async with aiohttp.ClientSession() as session, session.get(page.url + path) as response:
        return response.status, response.headers["Cache-Control"], response.headers["Content-Type"]


async def test_only_files_of_the_running_version_are_kept(page: Page) -> None:
    version = html.assets_hash()
    for name, (_, content_type) in html.assets().items():
        status, caching, served_as = await fetched(page, f"static/{version}/{name}")
        assert (status, served_as) == (200, content_type)
        assert "immutable" in caching
    assert await fetched(page, "static/older/page.js") == (200, "no-store", "text/javascript; charset=utf-8")


@pytest.mark.parametrize("path", ["x/../html.py", "x/..%2fhtml.py", "x/%2e%2e%2fhtml.py", "x/none.js", "page.js"])
async def test_no_path_leads_to_the_disk(page: Page, path: str) -> None:
    code, text = await page.get(f"static/{path}")
    assert code == 404
    assert "def " not in text
