"""The box's language: what it says to whoever names none of their own, head office included."""

from typing import Literal

import msgspec

from edge_agent.page.actions.acting import Asked, kept
from edge_agent.page.language import KEY, PART
from edge_agent.page.words import words
from edge_agent.shop.outcome import Outcome, StateChange


class Speak(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which language."""

    language: Literal["zh", "en"]


async def speak(asked: Asked, body: Speak) -> str:
    """Set the box's language for good; said in that language."""
    sources = asked.parts.sources
    asked.detail = body.language
    await kept(sources.storage.commit(Outcome(state=(StateChange(PART, KEY, body.language.encode()),))))
    sources.health.news()  # the health message speaks it, too
    return words(body.language).say("actions.language_set")
