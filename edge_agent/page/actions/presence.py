"""Pause presence for an hour, or let it go on before."""

import msgspec
from aiohttp import web

from edge_agent.page.actions.acting import Asked, Failed, kept
from edge_agent.page.times import when


class Presence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``paused``: whether it shall be paused, for an hour from now, or go on."""

    paused: bool


async def presence(asked: Asked, body: Presence) -> str:
    """Pause presence, or let it go on; return until when it is paused."""
    sources = asked.parts.sources
    people = sources.generation.shop.people
    asked.detail = "pause" if body.paused else "resume"
    if not people.has_scanners:
        raise Failed(web.HTTPConflict.status_code, "no_scanner")
    say = asked.words.say
    if not body.paused:
        was_paused = people.paused_until_ms(sources.clock.now()) is not None
        await kept(sources.generation.resume_presence())
        return say("actions.resumed" if was_paused else "actions.not_paused")
    await kept(sources.generation.pause_presence())
    now = sources.clock.now()
    until_ms = people.paused_until_ms(now) or now.wall_ms
    return say("actions.paused", time=when(until_ms, now, sources.config.store.zone, asked.reader.language))
