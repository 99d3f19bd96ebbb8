"""The manager's session as a request carries it: the cookie, and the token of every action."""

import hmac

from aiohttp import web

from edge_agent.page.guard import address_of
from edge_agent.page.manager.door import Session
from edge_agent.page.manager.refusal import refusal
from edge_agent.page.parts import PARTS

COOKIE = "session"
CSRF_HEADER = "X-CSRF-Token"


def session_of(request: web.Request) -> Session | None:
    """Return the session of whoever asks, if they gave the code."""
    token = request.cookies.get(COOKIE)
    return request.app[PARTS].door.session(token) if token else None


def required(request: web.Request) -> Session:
    """Return the session of an action, which thereby lasts on. Raises HTTPForbidden: no session, or no CSRF token."""
    session = session_of(request)
    given = request.headers.get(CSRF_HEADER, "")
    if session is None:
        raise _refused(request, "no_session")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), session.csrf.encode()):
        raise _refused(request, "no_csrf")
    request.app[PARTS].door.used(session)
    return session


def _refused(request: web.Request, error: str) -> web.HTTPError:
    what = request.path.rpartition("/")[2]
    request.app[PARTS].audit.refused(what, address_of(request), error)
    return refusal(request, web.HTTPForbidden, error)
