"""What only the manager sees beside amounts: who did what on this page."""

import msgspec

from edge_agent.clock import Moment
from edge_agent.page.guard import is_loopback
from edge_agent.page.manager.audit import Audit, Entry
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.times import when
from edge_agent.page.words import Words, words


class Done(msgspec.Struct, frozen=True):
    """One line of the audit, in words."""

    time: str
    text: str


def manager(sources: Sources, audit: Audit, reader: Reader, now: Moment) -> tuple[Done, ...]:
    """Return the newest lines of the audit; none without the manager's code."""
    if not reader.is_manager:
        return ()
    zone = sources.config.store.zone
    return tuple(
        Done(when(entry.wall_ms, now, zone, reader.language), _line(entry, words(reader.language)))
        for entry in audit.entries()
    )


def _line(entry: Entry, texts: Words) -> str:
    """Return what was done, with what outcome, by whom; codes that have no words stand for themselves."""
    if entry.client in ("", "control"):
        who = texts.say("manager.who.control")
    elif is_loopback(entry.client):
        who = texts.say("manager.who.box")
    else:
        who = texts.say("manager.who.address", address=entry.client)
    what = texts.table("manager.did").get(entry.what, entry.what)
    line = texts.say(f"manager.outcome.{entry.outcome}", what=what, who=who)
    if not entry.detail:
        return line
    detail = texts.table("manager.detail").get(entry.detail, entry.detail)
    return texts.say("manager.detail.text", line=line, detail=detail)
