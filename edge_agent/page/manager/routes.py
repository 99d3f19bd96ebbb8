"""The door's addresses: ``/api/session``, ``/api/login``, ``/api/logout``, ``/api/pair``, ``/api/pairing``."""

from aiohttp import web

ROUTES = web.RouteTableDef()
