"""Somebody at the page: what they see, and what their browser complains of."""

from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.async_api import ConsoleMessage, Page, Request, expect

CHROMIUM = Path("/usr/bin/chromium")
SHOPS_NAME, EVIL_HOST = "box.example", "evil.example"  # both lead to this machine; the box knows the one
# Root in a container has no sandbox to give; the background's rules would slow timers of a page nobody sees.
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-background-timer-throttling")

LANGUAGES = ("zh", "en")
WORDS = {
    "zh": {"ok": "一切正常", "attention": "需要留意", "action": "需要处理"},
    "en": {"ok": "All good", "attention": "Keep an eye on this", "action": "Action needed"},
}
PHONE, SMALL_PHONE, DESKTOP = (390, 844), (320, 568), (1280, 800)


class Visitor:
    """A page in a browser. Whatever its console, its scripts or its network complain of is kept."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._complaints: list[str] = []
        self._expected: tuple[str, ...] = ()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._complaints.append(f"error: {error}"))
        page.on("requestfailed", self._failed)

    def expects(self, *texts: str) -> None:
        """Say what the browser will rightly complain of from now on: parts of its sentences."""
        self._expected += texts

    def complaints(self) -> list[str]:
        """Return what the browser complained of and nobody expected. A broken content policy is told here too."""
        return [one for one in self._complaints if not any(text in one for text in self._expected)]

    async def open(self, url: str, language: str = "zh") -> None:
        """Open the page, and wait until its live events have come."""
        await self.page.goto(f"{url}?lang={language}")
        await expect(self.page.locator("#devices")).to_be_visible()

    async def sees(self, level: str, language: str = "zh") -> None:
        """Wait for a headline."""
        await expect(self.page.locator("#word")).to_have_text(WORDS[language][level])

    async def look(self, size: tuple[int, int], *, dark: bool = False) -> None:
        """Hold it on a screen of this size."""
        await self.page.set_viewport_size({"width": size[0], "height": size[1]})
        await self.page.emulate_media(color_scheme="dark" if dark else "light", reduced_motion="reduce")

    async def barriers(self) -> str:
        """Return what axe finds: barriers for people who see, hear or move differently."""
        if not await self.page.evaluate("Boolean(window.axe)"):
            await self.page.evaluate(AXE_SCRIPT)
        found = AxeResults(await self.page.evaluate("axe.run({resultTypes: ['violations']})"))
        return str(found.generate_report()) if found.violations_count else ""

    async def overflow(self) -> int:
        """Return by how many pixels the page is wider than its screen."""
        wider: int = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return wider

    async def favicon(self) -> str:
        """Return the level whose icon the tab shows."""
        href = await self.page.locator("link[rel=icon]").get_attribute("href")
        return Path(href or "").stem

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complaints.append(f"{message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # live events that end with the page, a file that is saved
            self._complaints.append(f"failed: {request.method} {request.url} {request.failure}")
