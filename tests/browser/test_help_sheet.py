"""The printed help: one sheet of A4 in each language, and readable on a small phone before it is printed."""

import re
from itertools import product
from pathlib import Path

import pytest

from edge_agent.simulator.virtual_store import AGENT_TOML
from tests.browser.visitor import DESKTOP, LANGUAGES, SMALL_PHONE, Visitor
from tests.support.generation import configure
from tests.support.page import served

LONG = 'support_phone = "400-000-0000 ext. 2 (8:00-22:00)"\n'


async def test_it_fits_on_one_sheet_and_on_a_small_phone(
    tmp_path: Path, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    agent = AGENT_TOML.replace("sh-0001", "sh-0001-peoples-square") + LONG
    async with served(configure(tmp_path, agent=agent)) as page:
        for language in LANGUAGES:
            await visitor.page.goto(f"{page.url}help?lang={language}")
            for size, dark in product((SMALL_PHONE, DESKTOP), (False, True)):
                await visitor.look(size, dark=dark)
                assert await visitor.barriers() == ""
                assert await visitor.overflow() == 0
            printed = await visitor.page.pdf(prefer_css_page_size=True)
            assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
            assert (b"/MediaBox [0 0 594.95996 841.91998]" in printed) or (b"/MediaBox [0 0 595" in printed)
