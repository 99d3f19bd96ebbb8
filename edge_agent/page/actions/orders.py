"""A business day's orders as a table to download."""

from typing import Annotated

import msgspec
from aiohttp import web

from edge_agent.page.actions.acting import Asked, Failed
from edge_agent.page.actions.download import send
from edge_agent.page.actions.orders_csv import orders_csv


class Orders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``day``: an ISO 8601 business day; none: the one that runs."""

    day: Annotated[str, msgspec.Meta(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")] = ""


async def orders(asked: Asked, body: Orders) -> web.StreamResponse:
    """Send the orders of a day that this box has books of."""
    sources = asked.parts.sources
    day = body.day or sources.generation.shop.counts(sources.clock.now()).business_day
    asked.detail = day
    try:
        pieces = orders_csv(sources, day, asked.reader.language)
    except KeyError:
        raise Failed(web.HTTPNotFound.status_code, "day") from None
    name = f"{sources.config.agent.agent.store}-orders-{day}.csv"
    return await send(asked, pieces, name, "text/csv; charset=utf-8")
