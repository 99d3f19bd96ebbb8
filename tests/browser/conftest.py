"""Debian's Chromium, started once, and a store for it to look at."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.browser.visitor import CHROMIUM, EVIL_HOST, FLAGS, SHOPS_NAME, Visitor
from tests.support.shop import ShopUnderTest, shop_under_test

PATIENCE_MS = 20_000  # everything is waited for as a condition; this only ends a test that would otherwise hang


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run every walk in the browser's own loop: it outlives the tests."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed: sudo apt-get install chromium")
    names = ",".join(f"MAP {name} 127.0.0.1" for name in (SHOPS_NAME, EVIL_HOST))
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, f"--host-resolver-rules={names}"]
        )
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser) -> AsyncIterator[Visitor]:
    """Somebody with a browser of their own: no cookies, nothing kept. What went wrong in it fails the test."""
    context = await browser.new_context(accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    someone = Visitor(await context.new_page())
    yield someone
    await context.close()
    assert someone.complaints() == []


@pytest_asyncio.fixture(loop_scope="session")
async def shop(tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with shop_under_test(tmp_path) as running:
        yield running
