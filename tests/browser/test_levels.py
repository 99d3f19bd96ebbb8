"""All three levels, made for real, in every language and light, on a phone and at the till."""

from itertools import product

from playwright.async_api import expect

from tests.browser.visitor import DESKTOP, LANGUAGES, PHONE, SMALL_PHONE, WORDS, Visitor
from tests.support.shop import ShopUnderTest


async def test_every_level_in_every_look(shop: ShopUnderTest, visitor: Visitor) -> None:
    await shop.central()
    _, url = await shop.agent()
    await shop.sell(8)
    register = await shop.register()
    await shop.until_up()
    await visitor.open(url)
    await visitor.sees("ok")
    await every_look(visitor, url, "ok")

    shop.store.broker.stop()
    await visitor.sees("attention", LANGUAGES[-1])
    await every_look(visitor, url, "attention")

    await register.stop()
    await visitor.sees("action", LANGUAGES[-1])
    await every_look(visitor, url, "action")


async def every_look(visitor: Visitor, url: str, level: str) -> None:
    """Look at the page as it is, in all languages, lights and sizes."""
    for language in LANGUAGES:
        await visitor.open(url, language)
        await visitor.sees(level, language)
        store = await visitor.page.locator("#store-name").inner_text()
        await expect(visitor.page).to_have_title(f"{WORDS[language][level]} · {store}")
        assert await visitor.favicon() == level
        for size, dark in product((SMALL_PHONE, PHONE, DESKTOP), (False, True)):
            look = f"{level} {language} {size} {'dark' if dark else 'light'}"
            await visitor.look(size, dark=dark)
            assert await visitor.overflow() <= 0, look
            if size != PHONE:  # laid out as the smaller one is
                assert await visitor.barriers() == "", look
