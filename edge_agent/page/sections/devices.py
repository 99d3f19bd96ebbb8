"""The devices by the shop's own names."""

from datetime import datetime

import msgspec

from edge_agent.clock import Moment
from edge_agent.config.devices import DeviceSettings, LineSettings, TagReaderSettings
from edge_agent.generation import STARTING, RunningDevice
from edge_agent.generation.activity import BUCKET_MS, BUCKETS
from edge_agent.page import advice
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.times import when
from edge_agent.page.words import words


class Device(msgspec.Struct, frozen=True):
    """One device. ``state``: up, degraded, down; ``kind``, ``state_word``, ``since``, ``last_seen``: in words.

    ``sentence``: what is wrong, or empty. ``activity``: how much it said in each half hour of the last day, oldest
    first; ``activity_words``: the same in a sentence. ``test``: reader, line, or None where it cannot be tested.
    """

    id: str
    name: str
    kind: str
    state: str
    state_word: str
    since: str
    last_seen: str
    sentence: str
    activity: tuple[int, ...]
    activity_words: str
    test: str | None


_FIRST = ("down", "degraded", "up")


def devices(sources: Sources, reader: Reader, now: Moment) -> tuple[Device, ...]:
    """Return every configured device, those that do not work first."""
    shop = advice.situation(sources)
    running = sorted(sources.generation.devices.values(), key=lambda device: _FIRST.index(device.state))
    return tuple(_device(shop, reader, device, now) for device in running)


def _device(shop: advice.Situation, reader: Reader, device: RunningDevice, now: Moment) -> Device:
    say, settings, seen = words(reader.language).say, device.settings, device.seen(now)
    last_seen_ms = seen.last_seen_ms
    return Device(
        id=settings.id,
        name=settings.name,
        kind=_kind(settings, reader.language),
        state=device.state,
        state_word=say(f"devices.state.{STARTING if device.reason == STARTING else device.state}"),
        since=say("devices.since", time=when(device.since_ms(now), now, shop.zone, reader.language)),
        last_seen="" if last_seen_ms is None else when(last_seen_ms, now, shop.zone, reader.language),
        sentence=advice.worst(shop, lambda reported: advice.device_of(reported) == settings.id, reader.language),
        activity=seen.counts,
        activity_words=_activity(seen.counts, shop, reader.language, now),
        test=_test(settings),
    )


def _kind(settings: DeviceSettings, language: str) -> str:
    """Return what a device is in words: a line by what speaks on it."""
    kinds = words(language).table("devices.kind")
    return kinds.get(settings.decoder if isinstance(settings, LineSettings) else settings.kind, kinds["other"])


def _activity(counts: tuple[int, ...], shop: advice.Situation, language: str, now: Moment) -> str:
    say, most = words(language).say, max(counts)
    if not most:
        return say("devices.silent")
    begins_ms = (now.wall_ms // BUCKET_MS - BUCKETS + 1 + counts.index(most)) * BUCKET_MS
    begins, ends = (datetime.fromtimestamp(ms / 1000, shop.zone) for ms in (begins_ms, begins_ms + BUCKET_MS))
    return say("devices.said", count=sum(counts), begins=f"{begins:%H:%M}", ends=f"{ends:%H:%M}", most=most)


def _test(settings: DeviceSettings) -> str | None:
    if isinstance(settings, TagReaderSettings):
        return "reader"
    return "line" if isinstance(settings, LineSettings) else None
