"""The manager at the page: the first code, what only they see, what they can do, and wrong codes."""

import asyncio
import csv
import io
import re
import tarfile
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from edge_agent.clock import Clock
from edge_agent.commands import pair as installers
from edge_agent.page.manager.door import SESSION_MS
from edge_agent.page.money import money
from edge_agent.simulator import central_reading
from edge_agent.simulator.virtual_store import AGENT_TOML, PEOPLE_TOML, STORE_TOML
from tests.browser.visitor import PHONE, SHOPS_NAME, Visitor
from tests.support.command import edge_agent
from tests.support.generation import configure
from tests.support.page import served
from tests.support.shop import ShopUnderTest
from tests.support.slips import receipt, sale

CODE = "480715"


async def one_time_code(shop: ShopUnderTest) -> str:
    """Return what an installer reads off the terminal."""
    done = await asyncio.to_thread(edge_agent, "pair", "--config", shop.store.config)
    assert done.code == 0, done.err
    found = re.search(r"\b\d{4} \d{4}\b", done.out)
    assert found, done.out
    return found[0]


async def pair(page: Page, one_time: str, code: str) -> None:
    """Fill in the form of the first code."""
    await page.fill("#pairing", one_time)
    await page.fill("#new-code", code)
    await page.fill("#again", code)
    await page.click("#pair button.main")


async def do(page: Page, button: Locator) -> str:
    """Press a button of the manager's, and return what the page says to it."""
    await page.evaluate("document.getElementById('answer').textContent = ''")
    await button.click()
    await expect(page.locator("#answer")).not_to_be_empty()
    assert await page.locator("#answer").get_attribute("data-state") == "up"
    return await page.locator("#answer").inner_text()


async def test_the_managers_day(shop: ShopUnderTest, visitor: Visitor) -> None:
    shop.store.configure(store=STORE_TOML + PEOPLE_TOML)
    await shop.bluez()
    await shop.central()
    _, url = await shop.agent()
    await shop.sell(6)
    await shop.until_equal()
    page = visitor.page
    await visitor.look(PHONE)
    await visitor.open(url, "en")
    before = await page.locator("body").inner_text()
    assert [secret for secret in ("¥", "cashier") if secret in before] == [], "amounts and names are behind the code"

    visitor.expects("status of 403")  # the browser's own word for a wrong code
    one_time = await one_time_code(shop)
    await page.click("#sign-in")
    await pair(page, "0000 0000" if one_time != "0000 0000" else "1111 1111", CODE)
    await expect(page.locator("#pair-error")).to_contain_text("not the one-time code")
    await pair(page, one_time, CODE)
    await expect(page.locator("#manager")).to_be_visible()
    await expect(page.locator("#today .figures")).to_contain_text(money(sold(shop), "CNY", "en"))
    await expect(page.locator("#events")).to_contain_text("cashier")
    assert await visitor.barriers() == ""

    await do(page, page.locator("[data-action=upload]"))
    pause = page.locator("[data-action=presence]")
    await do(page, pause)
    await expect(page.locator("[data-slot=presence_pause]")).not_to_be_empty()
    await do(page, pause)
    await expect(page.locator("[data-slot=presence_pause]")).to_be_empty()
    await check_the_till(shop, page)
    await read_the_diagnostics(shop, page)
    await add_up_the_orders(shop, page)
    await do(page, page.locator("[data-action=language][data-to=en]"))
    await expect(page.locator("[data-action=language][data-to=en]")).to_have_attribute("aria-pressed", "true")
    await page.click("#audit summary")
    assert await page.locator("#audit li").count() >= 8, "each of it left its line"
    assert await visitor.overflow() <= 0
    assert await visitor.barriers() == ""

    await page.click("#sign-out")
    await expect(page.locator("#manager")).to_be_hidden()
    await expect(page.locator("body")).not_to_contain_text("¥")
    await wrong_codes(visitor)


def sold(shop: ShopUnderTest) -> int:
    """Return what the day came to as head office holds it, in minor units: sales less returns and voids."""
    totals = central_reading.totals(shop.store.database)
    return sum(payable if kind == "sale" else -payable for kind, (_, payable) in totals.items())


async def check_the_till(shop: ShopUnderTest, page: Page) -> None:
    """Test a line with a real receipt."""
    row = page.locator("#device-till-1-printer")
    await row.locator("button").click()
    await expect(row.locator(".check")).to_have_attribute("data-state", "waiting")
    await shop.sell(1)
    await expect(row.locator(".check")).to_have_attribute("data-state", "passed")
    await shop.until_equal()


async def read_the_diagnostics(shop: ShopUnderTest, page: Page) -> None:
    """Download what support gets, and look whether it may see it."""
    async with page.expect_download() as started:
        await page.click("[data-action=diagnostics]")
    download = await started.value
    assert download.suggested_filename.endswith(".tar.gz")
    with tarfile.open(await download.path(), "r:gz") as archive:
        files = {member.name: archive.extractfile(member) for member in archive.getmembers() if member.isfile()}
        told = {name.rpartition("/")[2]: file.read() for name, file in files.items() if file}
    assert b"till-1-printer" in told["status.json"]
    assert CODE.encode() not in b"".join(told.values())
    assert (shop.store.folder / "state/hash.key").read_bytes() not in b"".join(told.values())


async def add_up_the_orders(shop: ShopUnderTest, page: Page) -> None:
    """Download the day's orders as a spreadsheet, and add them up as an accountant does."""
    async with page.expect_download() as started:
        await page.click("#orders button")
    download = await started.value
    text = Path(await download.path()).read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["Receipt number"] for row in rows} == shop.printed.keys()
    assert sum(Decimal(row["Payable"]) for row in rows) * 100 == sold(shop)


async def wrong_codes(visitor: Visitor) -> None:
    """Try codes until the box wants a pause, which it tells in seconds."""
    page = visitor.page
    visitor.expects("status of 429")
    await page.click("#sign-in")
    error = page.locator("#login-error")
    for wrong in range(6):
        await page.evaluate("document.getElementById('login-error').textContent = ''")
        await page.fill("#code", f"90071{wrong}")
        await page.click("#login button.main")
        await expect(error).not_to_be_empty()
    await expect(error).to_contain_text(re.compile(r"\d+ seconds"))


async def test_on_the_shops_network_by_keyboard_alone(shop: ShopUnderTest, visitor: Visitor) -> None:
    """Over plain http by the shop's name for the box, where browsers leave much out; of two screens one signs out."""
    shop.store.configure(f'{AGENT_TOML}allowed_hosts = ["{SHOPS_NAME}"]\n')
    await shop.central()
    _, own = await shop.agent()
    url = own.replace("127.0.0.1", SHOPS_NAME)
    await shop.sell(3)
    await shop.until_equal()
    one_time = await one_time_code(shop)
    page, keys = visitor.page, visitor.page.keyboard
    await visitor.open(url)
    await tab_to(page, "#sign-in")
    await keys.press("Enter")
    for text in (one_time, CODE, CODE):
        await keys.type(text)
        await keys.press("Tab")
    await keys.press("Enter")
    await expect(page.locator("#manager")).to_be_visible()
    await tab_to(page, "[data-action=upload]")
    await keys.press("Space")
    await expect(page.locator("#answer")).not_to_be_empty()

    other = await page.context.new_page()
    await other.goto(url)
    await other.click("#sign-out")
    await expect(page.locator("body")).not_to_contain_text("¥")
    await other.close()


async def test_a_session_that_nobody_ends(tmp_path: Path, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who signed in has gone away: a quarter of an hour later the next order shows no amount any more."""
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    config = configure(tmp_path)
    async with served(config) as box:
        await box.record(receipt(sale("20261122000137")))
        await visitor.open(box.url)
        pairing = await asyncio.to_thread(installers.pair, config)
        assert pairing
        await visitor.page.click("#sign-in")
        await pair(visitor.page, pairing.code, CODE)
        await expect(visitor.page.locator("#events li", has_text="¥")).to_have_count(1)
        uptime = Clock.read_uptime_ms
        monkeypatch.setattr(Clock, "read_uptime_ms", lambda clock: uptime(clock) + SESSION_MS)
        await box.record(receipt(sale("20261122000138")))
        await expect(visitor.page.locator("#events li", has_text="000138")).to_have_count(1)
        await expect(visitor.page.locator("body")).not_to_contain_text("¥")
        await visitor.page.goto("about:blank")  # before the box goes


async def test_a_session_that_ends_while_the_box_is_away(
    tmp_path: Path, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The box was switched off with the manager signed in: a quarter of an hour later no amount is on the screen."""
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    config = configure(tmp_path)
    await visitor.page.clock.install()
    async with served(config) as box:
        await box.record(receipt(sale("20261122000137")))
        await visitor.open(box.url)
        pairing = await asyncio.to_thread(installers.pair, config)
        assert pairing
        await visitor.page.click("#sign-in")
        await pair(visitor.page, pairing.code, CODE)
        amounts = visitor.page.get_by_text("¥").locator("visible=true").first
        await expect(amounts).to_be_visible()
        visitor.expects("net::ERR_")  # as the browser says that nobody answers
    await visitor.page.clock.fast_forward(SESSION_MS + 2_000)
    await expect(visitor.page.get_by_text("¥").locator("visible=true")).to_have_count(0)


async def tab_to(page: Page, selector: str) -> None:
    """Press Tab until an element has the focus; it is reached, and seen to be."""
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await page.locator(selector).evaluate("element => element === document.activeElement"):
            outline = await page.locator(selector).evaluate("element => getComputedStyle(element).outlineStyle")
            assert outline != "none", "who uses keys sees where they are"
            return
    raise AssertionError(f"Tab never comes to {selector}")
