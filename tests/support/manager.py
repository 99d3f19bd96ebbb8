"""The store manager: somebody at the page who has given the code."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from edge_agent.page.control import control_socket
from edge_agent.sockets import short_path
from tests.support.page import Page

CODE = "274913"


class Manager:
    """A browser's session. ``csrf``: as every action sends it."""

    def __init__(self, session: aiohttp.ClientSession, url: str, csrf: str) -> None:
        self.session = session
        self.url = url
        self.csrf = csrf

    @asynccontextmanager
    async def asking(
        self, action: str, body: object = None, *, raw: bytes | None = None, csrf: str = ""
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask for an action; its answer may still be on its way."""
        headers = {"Content-Type": "application/json", "X-CSRF-Token": csrf or self.csrf}
        data = json.dumps(body or {}).encode() if raw is None else raw
        async with self.session.post(f"{self.url}api/actions/{action}", data=data, headers=headers) as answer:
            yield answer

    async def post(self, action: str, body: object = None, *, raw: bytes | None = None, csrf: str = "") -> Any:
        """Return status, headers and body of an action's answer."""
        async with self.asking(action, body, raw=raw, csrf=csrf) as answer:
            return answer.status, answer.headers, await answer.read()

    async def do(self, action: str, spoken: str = "en", /, **body: object) -> tuple[int, dict[str, str]]:
        """Return status and JSON of an action's answer, in a language."""
        status, _, answer = await self.post(f"{action}?lang={spoken}", body)
        return status, json.loads(answer)

    async def section(self, name: str, language: str = "en") -> AsyncIterator[Any]:
        """Yield a section of the live page, now and whenever it has changed."""
        event = ""
        async with self.session.get(f"{self.url}api/events?lang={language}") as stream:
            async for line in stream.content:
                field, _, value = line.decode().strip().partition(": ")
                if field == "event":
                    event = value
                elif field == "data" and event == name:
                    yield json.loads(value)


@asynccontextmanager
async def signed_in(page: Page) -> AsyncIterator[Manager]:
    """Pair with a one-time code, as an installer and a manager do, and stay signed in."""
    with short_path(control_socket(page.sources.config.agent.agent.state_dir)) as socket:
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(socket)) as box,
            box.post("http://localhost/api/pairing", json={}) as answer,
        ):
            one_time = (await answer.json())["code"]
    origin = {"Origin": page.url.rstrip("/")}
    async with aiohttp.ClientSession(headers=origin, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.post(f"{page.url}api/pair", json={"pairing": one_time, "code": CODE}) as answer:
            assert answer.status == 200, await answer.text()
            told = await answer.json()
        yield Manager(session, page.url, told["csrf"])
