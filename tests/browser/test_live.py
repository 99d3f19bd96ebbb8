"""The page follows the store by itself: a device that fails, an agent that dies, a browser without scripts."""

import time

from playwright.async_api import Browser, expect

from edge_agent.simulator.virtual_store import AGENT_TOML
from tests.browser.visitor import WORDS, Visitor
from tests.support.shop import ShopUnderTest
from tests.support.till import Terminal

SOON_MS = 6_000  # two seconds are promised on a machine that does nothing else; here all cores are busy


async def test_the_page_follows_by_itself(shop: ShopUnderTest, visitor: Visitor) -> None:
    """A device goes and comes back, then the agent does; nobody loads the page anew."""
    terminal = Terminal(shop.store.port)
    terminal.plug()
    await shop.central()
    agent, url = await shop.agent()
    await shop.until_up()
    await visitor.open(url)
    await visitor.sees("ok")
    await visitor.page.evaluate("window.neverReloaded = true")
    for unplug, level in ((terminal.unplug, "action"), (terminal.plug, "ok")):
        began = time.monotonic()
        unplug()
        await expect(visitor.page.locator("#word")).to_have_text(WORDS["zh"][level], timeout=SOON_MS)
        print(f"{level} after {time.monotonic() - began:.2f} s")  # noqa: T201 - pytest shows it when asked
    assert await visitor.favicon() == "ok"

    visitor.expects("net::ERR_")  # as the browser says that nobody answers
    await agent.kill()
    lost = visitor.page.locator("#lost")
    await expect(lost).to_be_visible()  # after some seconds: a restart is nobody's news
    assert await visitor.favicon() == "lost"
    assert await visitor.barriers() == ""
    shop.store.configure(AGENT_TOML.replace("127.0.0.1:0", url.rstrip("/").removeprefix("http://")))
    await shop.agent()
    await expect(lost).to_be_hidden()
    await visitor.sees("ok")
    assert await visitor.favicon() == "ok"
    assert await visitor.page.evaluate("window.neverReloaded")
    terminal.close()


async def test_without_scripts(shop: ShopUnderTest, browser: Browser) -> None:
    _, url = await shop.agent()
    await shop.until_status(lambda status: status["level"] == "action")
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{url}?lang=en")
    await expect(page.locator("#word")).to_have_text(WORDS["en"]["action"])
    await expect(page.locator("#sentence")).to_contain_text("1号收银小票")
    await expect(page.locator("#steps li").first).to_be_visible()
    await context.close()
