"""The box itself: its clock, its configuration, its software."""

from datetime import datetime

import msgspec

from edge_agent import __version__
from edge_agent.clock import Moment, TimeQuality
from edge_agent.page import pushes
from edge_agent.page.language import box_language
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.times import lasting, when
from edge_agent.page.words import words

STEP_TOLD_MS = 24 * 3_600_000  # a step of the clock explains odd times of the day it happened on


class Box(msgspec.Struct, frozen=True):
    """Each in words. ``clock_note``: empty while the clock is right. ``presence_pause``: empty while none is on.

    ``configuration_news``: what becomes of head office's last push; ``configuration_note``: why it came to nothing;
    one of the two is empty, both where none came.
    ``language``: what the box says to whoever names no language of their own.
    """

    clock: str
    clock_note: str
    configuration: str
    configuration_news: str
    configuration_note: str
    version: str
    running_since: str
    presence_pause: str
    language: str


def box(sources: Sources, reader: Reader, now: Moment) -> Box:
    """Return how the box itself is."""
    texts, zone, reported = words(reader.language), sources.config.store.zone, sources.reported()
    say, came_to_nothing = texts.say, reported.phase in ("rejected", "rolled_back")
    news = pushes.note(reported, texts, lambda at: when(round(at.timestamp() * 1000), now, zone, reader.language))
    # By the uptime: the clock may have been wrong when the agent began, and have been set since.
    started_ms = now.wall_ms - (now.uptime_ms - sources.clock.started_ms)
    paused_until_ms = sources.generation.shop.people.paused_until_ms(now)
    return Box(
        clock=datetime.fromtimestamp(now.wall_ms / 1000, zone).strftime("%Y-%m-%d %H:%M"),
        clock_note=_clock_note(sources, reader, now),
        configuration=pushes.running(reported, texts),
        configuration_news="" if came_to_nothing else news,
        configuration_note=news if came_to_nothing else "",
        version=__version__,
        running_since=say("box.since", time=when(started_ms, now, zone, reader.language)),
        presence_pause=say("box.paused", time=when(paused_until_ms, now, zone, reader.language))
        if paused_until_ms
        else "",
        language=box_language(sources),
    )


def _clock_note(sources: Sources, reader: Reader, now: Moment) -> str:
    say = words(reader.language).say
    if now.quality is TimeQuality.UNSYNCED:
        return say("box.clock_unsynced")
    step = sources.clock.last_step
    if step is None or now.uptime_ms - step.at.uptime_ms >= STEP_TOLD_MS:
        return ""
    time = when(step.at.wall_ms, now, sources.config.store.zone, reader.language)
    key = "box.clock_forward" if step.step_ms > 0 else "box.clock_back"
    return say(key, time=time, lasting=lasting(abs(step.step_ms), reader.language))
