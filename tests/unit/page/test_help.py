"""The printable help: everything a manager needs when the page itself does not help, in both languages."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge_agent.page import html
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.words import LANGUAGES, words
from edge_agent.simulator.virtual_store import AGENT_TOML, STORE_TOML
from tests.support.generation import configure
from tests.support.sources import sources

ADDRESS = "http://192.168.1.20:8080/"


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Sources]:
    agent = AGENT_TOML + 'support_phone = "400-000-0000"\n'
    store = STORE_TOML.replace("人民广场店", "<b>人民广场店</b>")
    async with sources(configure(tmp_path, agent=agent, store=store)) as found:
        yield found


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_says_whom_to_call_from_where(page: Sources, language: str) -> None:
    text = html.help_sheet(page, Reader(language), ADDRESS)
    assert f'lang="{words(language).say("page.lang")}"' in text
    for needed in ("400-000-0000", "sh-0001", ADDRESS, "edge-agent pair", "&lt;b&gt;人民广场店&lt;/b&gt;"):
        assert needed in text
    for level in ("ok", "attention", "action"):
        assert words(language).say(f"hero.level.{level}") in text
        assert f'<use href="#i-{level}"/>' in text
        assert f'<symbol id="i-{level}"' in text


async def test_it_has_no_inline_code_and_every_file_it_asks_for(page: Sources) -> None:
    text = html.help_sheet(page, Reader("en"), ADDRESS)
    assert re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", text) is None
    files = re.findall(rf"/static/{html.assets_hash()}/([\w.]+)", text)
    assert sorted(files) == ["help.css", "ok.svg"]
    assert set(files) <= html.assets().keys()


async def test_without_a_telephone_number_it_says_whom_to_ask(tmp_path: Path) -> None:
    async with sources(configure(tmp_path)) as page:
        assert "ask head office" in html.help_sheet(page, Reader("en"), ADDRESS)
