"""The door's addresses: ``/api/session``, ``/api/login``, ``/api/logout``, ``/api/pair``, ``/api/pairing``."""

from collections.abc import Awaitable
from typing import TypeVar

import msgspec
from aiohttp import web

from edge_agent.errors import StorageError
from edge_agent.page.guard import address_of, is_control
from edge_agent.page.manager.door import (
    PAIRING_MS,
    BackOffError,
    Session,
    UnusableCodeError,
    WrongCodeError,
)
from edge_agent.page.manager.refusal import refusal
from edge_agent.page.manager.session import COOKIE, required, session_of
from edge_agent.page.parts import PARTS

ROUTES = web.RouteTableDef()

# A shop's day. The box ends a session itself, and sooner; a cookie that outlives it opens nothing.
COOKIE_S = 12 * 3600

T = TypeVar("T", bound=msgspec.Struct)


class _Login(msgspec.Struct):
    code: str


class _Pair(msgspec.Struct):
    pairing: str
    code: str


@ROUTES.get("/api/session")
async def session(request: web.Request) -> web.Response:
    """Return whether whoever asks has given the code, and what an action needs then."""
    return _told(request, session_of(request))


@ROUTES.post("/api/login")
async def login(request: web.Request) -> web.Response:
    """Begin a session for ``{"code": …}``."""
    given = await _body(request, _Login)
    door = request.app[PARTS].door
    if not door.has_code:
        raise refusal(request, web.HTTPForbidden, "no_code")
    return await _entered(request, "login", door.open(given.code, address_of(request)))


@ROUTES.post("/api/pair")
async def pair(request: web.Request) -> web.Response:
    """Set the manager's code with the one-time code, ``{"pairing": …, "code": …}``, and begin a session."""
    given = await _body(request, _Pair)
    door = request.app[PARTS].door
    return await _entered(request, "pair", door.set_code(given.pairing, given.code, address_of(request)))


@ROUTES.post("/api/logout")
async def logout(request: web.Request) -> web.Response:
    """End the session."""
    parts = request.app[PARTS]
    parts.door.close(required(request))
    await parts.audit.note("logout", "done", address_of(request))
    parts.feed.changed()
    answer = _told(request, None)
    answer.del_cookie(COOKIE, path="/")
    return answer


@ROUTES.post("/api/pairing")
async def pairing(request: web.Request) -> web.Response:
    """Return a new one-time code, to this box's own user alone."""
    if not is_control(request):
        raise web.HTTPForbidden(text="only over the control socket: edge-agent pair\n")
    parts = request.app[PARTS]
    code = parts.door.pairing_code()
    await parts.audit.note("pairing", "done", "control")
    return web.json_response({"code": code, "minutes": PAIRING_MS // 60_000})


async def _entered(request: web.Request, what: str, entering: Awaitable[Session]) -> web.Response:
    """Return the answer to whoever has come in, with the cookie. Raises what the door says to those who have not."""
    audit, client = request.app[PARTS].audit, address_of(request)
    try:
        opened = await entering
    except BackOffError as error:  # not for the audit: one could push all else out of it
        refused = refusal(request, web.HTTPTooManyRequests, "back_off", seconds=error.seconds)
        refused.headers["Retry-After"] = str(error.seconds)
        raise refused from None
    except WrongCodeError:
        await audit.note(what, "refused", client, "wrong_code")
        raise refusal(request, web.HTTPForbidden, f"wrong_{what}") from None
    except UnusableCodeError as error:
        await audit.note(what, "refused", client, error.reason)
        raise refusal(request, web.HTTPBadRequest, error.reason) from None
    except StorageError as error:
        await audit.note(what, "failed", client, str(error))
        raise refusal(request, web.HTTPInsufficientStorage, "not_kept") from None
    if (earlier := session_of(request)) is not None:
        request.app[PARTS].door.close(earlier)  # the browser forgets it with the new cookie
    await audit.note(what, "done", client)
    request.app[PARTS].feed.changed()
    answer = _told(request, opened)
    answer.set_cookie(
        COOKIE, opened.token, max_age=COOKIE_S, path="/", httponly=True, samesite="Strict", secure=request.secure
    )
    return answer


def _told(request: web.Request, opened: Session | None) -> web.Response:
    door = request.app[PARTS].door
    return web.json_response(
        {
            "signed_in": opened is not None,
            "code_set": door.has_code,
            "csrf": opened.csrf if opened else None,
            "seconds_left": door.seconds_left(opened) if opened else 0,
        }
    )


async def _body(request: web.Request, shape: type[T]) -> T:
    """Return what was posted. Raises HTTPBadRequest for what has another shape."""
    try:
        return msgspec.json.decode(await request.read(), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise refusal(request, web.HTTPBadRequest, "not_understood") from None
