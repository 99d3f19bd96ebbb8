"""`make screenshots`: the pictures in docs/images, taken of a virtual store that has really had a day.

Its shop hours pass in seconds: till and agent see the same wall clock, which goes on an hour after each batch of
receipts (libfaketime). What the pictures show has been printed, read, recorded and counted as in any store.
"""

import asyncio
import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.async_api import Browser, async_playwright

from edge_agent.clock import Clock
from edge_agent.simulator.virtual_store import AGENT_TOML, STORE_TOML
from tests.browser.test_manager import CODE, one_time_code, pair
from tests.browser.visitor import CHROMIUM, DESKTOP, FLAGS, PHONE, Visitor
from tests.support import faketime
from tests.support.shop import ShopUnderTest, shop_under_test
from tests.support.till import Terminal

IMAGES = Path(__file__).parents[2] / "docs" / "images"
MAX_BYTES = 150_000
SCANNER_TOML = """
[[device]]
id = "till-1-scanner"
name = "1号扫码枪"
kind = "serial"
touchpoint = "till-1"
port = "scanner"
decoder = "scanner"
"""
ZONE = ZoneInfo("Asia/Shanghai")
OPENS = 9
RECEIPTS = (3, 6, 9, 17, 21, 12, 8, 9, 14, 7)  # an hour each: a lunch, and people on their way home


class Wall:
    """The wall clock of all processes started from now on."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(OPENS)
        os.environ.update(faketime.environment(file))

    def set(self, hour: int) -> None:
        """Make it 24 minutes past an hour of today, in the store."""
        now = datetime.fromtimestamp(Clock().now().wall_ms / 1000, UTC).astimezone(ZONE)
        wanted = now.replace(hour=hour, minute=24, second=0)
        other = self._file.with_suffix(".new")
        other.write_text(f"{(wanted - now) / timedelta(seconds=1):+f}\n")
        other.replace(self._file)  # never half a file for the reader


async def a_day(shop: ShopUnderTest, wall: Wall, scanner: Terminal) -> None:
    """Have the shop open, sell and serve until the evening."""
    for hour, receipts in enumerate(RECEIPTS, OPENS):
        wall.set(hour)
        await scanner.write(b"6901234567892\r" * (receipts // 3))
        await shop.sell(receipts)
        await shop.until_recorded()


async def take(browser: Browser, folder: Path) -> None:
    """Take all pictures of one store."""
    agent = f'{AGENT_TOML}support_phone = "400-000-0000"\n'
    async with shop_under_test(folder, agent=agent, store_toml=STORE_TOML + SCANNER_TOML) as shop:
        scanner = Terminal(folder / "scanner")
        scanner.plug()
        await shop.central()
        wall = Wall(folder / "wall-clock")  # the till's and the agent's; head office has its own
        _, url = await shop.agent()
        await a_day(shop, wall, scanner)
        await shop.register("--interval=60")
        await shop.until_up()
        await picture(browser, url, "ok-phone-dark-en", PHONE, "en", dark=True)
        await picture(browser, f"{url}", "ok-desktop-zh", DESKTOP, "zh", code=await one_time_code(shop))
        await picture(browser, f"{url}help", "help-zh", (720, 900), "zh")
        scanner.unplug()
        await shop.until_status(lambda status: status["level"] == "action")
        await picture(browser, url, "action-phone-zh", PHONE, "zh")


async def picture(
    browser: Browser, url: str, name: str, size: tuple[int, int], language: str, *, dark: bool = False, code: str = ""
) -> None:
    """Take one picture, with the manager signed in by a one-time ``code`` if there is one."""
    context = await browser.new_context()
    someone = Visitor(await context.new_page())
    await someone.look(size, dark=dark)
    await someone.page.goto(f"{url}?lang={language}", wait_until="load")
    if not url.endswith("help"):
        await someone.page.locator("#devices").wait_for()
    if code:
        await someone.page.click("#sign-in")
        await pair(someone.page, code, CODE)
        await someone.page.locator("#manager").wait_for()
        await someone.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        await someone.page.wait_for_timeout(1500)
    path = IMAGES / f"{name}.png"
    await someone.page.screenshot(path=path)
    if path.stat().st_size > MAX_BYTES:
        raise SystemExit(f"{path.name} has {path.stat().st_size} bytes, more than {MAX_BYTES}")
    await context.close()


async def main() -> None:
    """Start a browser, on the real clock, and a store, on its own."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with tempfile.TemporaryDirectory() as folder:
            await take(browser, Path(folder))
        await browser.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
