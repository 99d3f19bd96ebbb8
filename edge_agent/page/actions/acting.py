"""What all actions have in common: the manager's session, a body, a line in the audit, an answer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from edge_agent.errors import StorageError
from edge_agent.page.guard import address_of
from edge_agent.page.language import language_of
from edge_agent.page.manager.session import required
from edge_agent.page.parts import PARTS, Parts
from edge_agent.page.sources import Reader
from edge_agent.page.words import Words, words

# A disk that takes nothing: whoever waits in front of the page is told so, and the tills wait on.
KEEPING_S = 5.0

Body = TypeVar("Body", bound=msgspec.Struct)


class Failed(Exception):  # noqa: N818 - what an action says, not a defect
    """An action that was refused or failed. ``error``: a stable code, and the key of its sentence."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error


@dataclass(slots=True)
class Asked:
    """One action somebody asks for. ``outcome`` (done, refused, failed) and ``detail``: what the audit says of it."""

    request: web.Request
    parts: Parts
    reader: Reader
    outcome: str = "done"
    detail: str = ""

    @property
    def words(self) -> Words:
        """The texts of whoever asks."""
        return words(self.reader.language)


# Returns what was done, in words, or an answer of another kind. Raises Failed, StorageError, TimeoutError.
Act = Callable[[Asked, Body], Awaitable[str | web.StreamResponse]]


def action(what: str, body_type: type[Body]) -> Callable[[Act[Body]], Handler]:
    """Make a handler of an action: only with the manager's session, and with a line in the audit however it ends."""
    decoder = msgspec.json.Decoder(body_type)

    def handler_of(act: Act[Body]) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            required(request)
            parts = request.app[PARTS]
            asked = Asked(request, parts, Reader(language_of(request, parts.sources), is_manager=True))
            try:
                answer = await act(asked, await _body(request, decoder))
            except Failed as failed:
                asked.outcome = "refused" if failed.status < web.HTTPInternalServerError.status_code else "failed"
                answer = _refusal(asked, failed)
            except BaseException:
                asked.outcome = "failed"
                raise
            finally:
                await parts.audit.note(what, asked.outcome, address_of(request), asked.detail)
                parts.feed.changed()
            if isinstance(answer, str):
                return web.Response(body=msgspec.json.encode({"sentence": answer}), content_type="application/json")
            return answer

        return handler

    return handler_of


async def kept(writing: Awaitable[None]) -> None:
    """Wait for something to be on disk. Raises Failed where the disk takes nothing."""
    try:
        async with asyncio.timeout(KEEPING_S):
            await writing
    except (StorageError, TimeoutError) as error:
        raise Failed(web.HTTPInsufficientStorage.status_code, "storage") from error


async def _body(request: web.Request, decoder: msgspec.json.Decoder[Body]) -> Body:
    """Return what was sent; nothing is as good as ``{}``."""
    try:
        return decoder.decode(await request.read() or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failed(web.HTTPBadRequest.status_code, "body") from error


def _refusal(asked: Asked, failed: Failed) -> web.Response:
    sentence = asked.words.say(f"actions.failed.{failed.error}")
    body = msgspec.json.encode({"error": failed.error, "sentence": sentence})
    return web.Response(body=body, status=failed.status, content_type="application/json")
