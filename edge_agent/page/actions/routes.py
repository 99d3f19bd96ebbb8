"""The actions' addresses, ``/api/actions/…``: each by POST with the manager's session and its CSRF token."""

from aiohttp import web

ROUTES = web.RouteTableDef()
