"""The page's frame and its files: what a browser is given, before any section has come."""

import re
from collections.abc import AsyncIterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from edge_agent.page import html
from edge_agent.page.feed import HEARTBEAT_S
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.words import LANGUAGES, words
from edge_agent.simulator.virtual_store import AGENT_TOML, STORE_TOML
from tests.support.generation import configure
from tests.support.sources import sources

HOSTILE_NAME = "<script>alert(1)</script>"
HEAVIEST_BYTES = 51 * 1024  # of 58 KB that a full day may weigh: the sections of a store with six devices take 7
TEXT_EVENTS = {"hello", "heartbeat"}  # of the feed itself, beside its sections


class Elements(HTMLParser):
    """Every element of a document with its attributes, and what is written inside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            self.inline += data

    def values(self, name: str) -> list[str]:
        return [value for _, attributes in self.found if (value := attributes.get(name)) is not None]


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Sources]:
    agent = AGENT_TOML + 'support_phone = "400-000-0000"\n'
    store = STORE_TOML.replace("人民广场店", HOSTILE_NAME)
    async with sources(configure(tmp_path, agent=agent, store=store)) as found:
        yield found


def scripts() -> dict[str, str]:
    return {name: body.decode() for name, (body, _) in html.assets().items() if name.endswith(".js")}


def code_of(script: str) -> str:
    """Return a script without its comments."""
    return re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", script, flags=re.DOTALL)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_headline_is_there_without_scripts(page: Sources, language: str) -> None:
    text = unescape(html.page(page, Reader(language)))
    say = words(language).say
    assert f'<html lang="{say("page.lang")}"' in text
    assert any(f'<h1 id="word">{say(f"hero.level.{level}")}</h1>' in text for level in ("ok", "attention", "action"))
    assert 'href="tel:400-000-0000"' in text
    assert say("page.noscript") in text


async def test_a_shops_name_stays_text(page: Sources) -> None:
    text = html.page(page, Reader("zh"))
    assert HOSTILE_NAME not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 2  # in the title and in the head


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_brings_no_inline_code_and_nothing_from_elsewhere(page: Sources, language: str) -> None:
    elements = Elements(html.page(page, Reader(language)))
    assert elements.inline.strip() == ""
    names = {name for _, attributes in elements.found for name in attributes}
    assert not {name for name in names if name == "style" or name.startswith("on")}
    assert not [value for name in ("src", "href") for value in elements.values(name) if "//" in value]
    assert not [name for name, (body, _) in html.assets().items() if re.search(rb"(?:url|import)\W+\w+://", body)]


async def test_no_two_elements_share_an_id(page: Sources) -> None:
    ids = Elements(html.page(page, Reader("zh"))).values("id")
    assert sorted(ids) == sorted(set(ids))


async def test_every_label_points_at_what_is_there(page: Sources) -> None:
    elements = Elements(html.page(page, Reader("zh")))
    pointed = [
        target
        for name in ("for", "aria-labelledby", "aria-describedby")
        for value in elements.values(name)
        for target in value.split()
    ] + [value.removeprefix("#") for value in elements.values("href") if value.startswith("#")]
    assert set(pointed) <= set(elements.values("id"))


async def test_every_file_asked_for_exists_and_every_file_is_asked_for(page: Sources) -> None:
    text = html.page(page, Reader("zh")) + html.help_sheet(page, Reader("zh"), "http://192.168.1.20:8080/")
    prefix = f"/static/{html.assets_hash()}/"
    asked = {value.removeprefix(prefix) for value in re.findall(r'"(/static/[^"]+)"', text)}
    code = "".join(scripts().values())
    asked |= set(re.findall(r'(?:from|import) "\./([^"]+)"', code))
    favicons = {f"{level}.svg" for level in ("ok", "attention", "action", "lost")}  # hero.js: by the level
    assert asked | favicons == set(html.assets())


async def test_scripts_touch_only_what_the_page_has(page: Sources) -> None:
    ids = set(Elements(html.page(page, Reader("zh"))).values("id"))
    for name, script in scripts().items():
        asked = set(re.findall(r'\b(?:by|copy)\("([^"]+)"\)', script))
        assert asked <= ids, name


@pytest.mark.parametrize("name", sorted(scripts()))
def test_a_script_has_no_words_of_its_own(name: str) -> None:
    code = code_of(scripts()[name])
    assert not re.search(r"[\u3000-\u9fff\uff00-\uffef]", code)
    texts = re.findall(r"\"((?:[^\"\\\n])*)\"|`([^`]*)`", code)
    said = [text for pair in texts for text in pair if re.search(r"[A-Z][a-z]+ [a-z]+ [a-z]+", text)]
    assert said == []


@pytest.mark.parametrize("name", sorted(scripts()))
def test_a_script_never_writes_markup(name: str) -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|\.style\b", scripts()[name])


def test_the_page_listens_to_everything_that_is_sent() -> None:
    named = set(re.findall(r'"(\w+)"', scripts()["stream.js"].rpartition("const NAMES")[2]))
    view = (Path(html.__file__).parent / "view.py").read_text("utf-8")
    sent = set(re.findall(r'^\s+"(\w+)":', view, flags=re.MULTILINE))
    assert sent
    assert named == sent | TEXT_EVENTS


def test_silence_is_longer_than_two_heartbeats() -> None:
    found = re.search(r"SILENCE_MS = ([\d_]+)", scripts()["stream.js"])
    assert found
    assert int(found[1]) > 2 * HEARTBEAT_S * 1000


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_stays_light(page: Sources, language: str) -> None:
    frame = len(html.page(page, Reader(language)).encode())
    loaded = {name: len(body) for name, (body, _) in html.assets().items() if name != "help.css"}
    favicons = sorted(size for name, size in loaded.items() if name.endswith(".svg"))
    files = sum(loaded.values()) - sum(favicons[:-1])  # a browser shows one of them
    assert frame + files <= HEAVIEST_BYTES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_page_is_shown(language: str) -> None:
    folder = Path(html.__file__).parent / "templates"
    templates = "".join(file.read_text("utf-8") for file in sorted(folder.iterdir()))
    unused = [key for key in words(language).table("page") if not re.search(rf"\bt\.{key}\b|page\.{key}\b", templates)]
    assert unused == []
