"""The two documents a browser opens, rendered from templates: the page's frame and the printable help.

The page's frame has the headline of the moment and every label; sections fill it as they arrive (``static/page.js``).
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from edge_agent import __version__
from edge_agent.page.sections.hero import hero
from edge_agent.page.words import words

if TYPE_CHECKING:
    from jinja2 import Environment

    from edge_agent.page.sources import Reader, Sources

_CONTENT_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_HASH_DIGITS = 12  # 48 bits tell this version's files from every other's


def page(sources: Sources, reader: Reader) -> str:
    """Return the page for a reader."""
    return (
        _environment()
        .get_template("page.html")
        .render(
            hero=hero(sources, reader),
            t=words(reader.language).table("page"),
            phone=sources.config.agent.page.support_phone,
            language=reader.language,
            assets=assets_hash(),
            static=f"/static/{assets_hash()}",
            version=__version__,
        )
    )


def help_sheet(sources: Sources, reader: Reader, address: str) -> str:
    """Return the help of one printed page (A4). ``address``: of the page, as the reader has reached it."""
    agent = sources.config.agent
    return (
        _environment()
        .get_template("help.html")
        .render(
            say=words(reader.language).say,
            language=reader.language,
            store=agent.agent.store,
            store_name=sources.config.store.store.name,
            phone=agent.page.support_phone,
            address=address,
            static=f"/static/{assets_hash()}",
        )
    )


@cache
def assets() -> dict[str, tuple[bytes, str]]:
    """Return every static file (body, content type) by its path below ``/static/``; read once."""
    folder = files("edge_agent.page") / "static"
    return {
        file.name: (file.read_bytes(), _CONTENT_TYPES[file.name.rpartition(".")[2]])
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.rpartition(".")[2] in _CONTENT_TYPES
    }


@cache
def assets_hash() -> str:
    """Return what names this version of the static files: part of their addresses, and of the feed's ``hello``."""
    digest = hashlib.sha256()
    for name, (body, _) in assets().items():
        digest.update(b"%s\0%d\0%s" % (name.encode(), len(body), body))
    return digest.hexdigest()[:_HASH_DIGITS]


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - costs memory only once a page is opened

    return Environment(
        loader=PackageLoader("edge_agent.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
