"""The actions' addresses, ``/api/actions/…``: each by POST with the manager's session and its CSRF token.

Each answers ``{"sentence": words}``, or a file to download; where it fails ``{"error": code, "sentence": words}``.
"""

import msgspec
from aiohttp import web

from edge_agent.page.actions.acting import Asked, Failed, action
from edge_agent.page.actions.diagnostics import Diagnostics, diagnostics
from edge_agent.page.actions.orders import Orders, orders
from edge_agent.page.actions.presence import Presence, presence
from edge_agent.page.actions.speak import Speak, speak
from edge_agent.page.actions.upload import Upload, upload

ROUTES = web.RouteTableDef()


class CheckBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which device is to be checked, by its id."""

    device: str


async def check(asked: Asked, body: CheckBody) -> str:
    """Begin a guided check; how it stands is told by the section ``checks``."""
    try:
        asked.parts.checks.start(body.device)
    except KeyError:
        raise Failed(web.HTTPNotFound.status_code, "device") from None
    asked.detail = asked.parts.sources.generation.devices[body.device].settings.name
    return asked.words.say("actions.checking")


ROUTES.post("/api/actions/check")(action("check", CheckBody)(check))
ROUTES.post("/api/actions/upload")(action("upload", Upload)(upload))
ROUTES.post("/api/actions/presence")(action("presence", Presence)(presence))
ROUTES.post("/api/actions/orders")(action("orders", Orders)(orders))
ROUTES.post("/api/actions/diagnostics")(action("diagnostics", Diagnostics)(diagnostics))
ROUTES.post("/api/actions/language")(action("language", Speak)(speak))
