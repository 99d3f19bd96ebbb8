"""What a store manager reads and does, by condition: one sentence and at most three steps, in the page's words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from edge_agent.clock import Moment
from edge_agent.health import Reported
from edge_agent.page.sources import Sources
from edge_agent.page.times import when
from edge_agent.page.words import words
from edge_agent.shop.stamp import Stamp

MAX_STEPS = 3  # a store manager reads three steps, not ten

_DEVICE, _LAYOUT, _LINK = "device/", "layout/", "link"  # parts of health


class _Advice(NamedTuple):
    """``key``: of the condition's texts; ``steps``: their keys."""

    key: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Situation:
    """What is wrong in a shop, the worst first, and what it takes to say so.

    ``names``: of the devices, by id; ``down_since_ms``: since when (Unix milliseconds) those that do not work have not.
    ``settled``: every device has said whether it works, and the link is up: where nothing is wrong, all is good.
    """

    conditions: Sequence[Reported]
    names: Mapping[str, str]
    down_since_ms: Mapping[str, int]
    now: Moment
    zone: ZoneInfo
    phone: str
    store: str
    settled: bool = True


def situation(sources: Sources) -> Situation:
    """Return the situation of the moment."""
    now = sources.clock.now()
    running = sources.generation.devices
    return Situation(
        conditions=sources.health.conditions(),
        names={device: one.settings.name for device, one in running.items()},
        down_since_ms={device: one.since_ms(now) for device, one in running.items() if one.state != "up"},
        now=now,
        zone=sources.config.store.zone,
        phone=sources.config.agent.page.support_phone,
        store=sources.config.agent.agent.store,
        settled=sources.sync.connected and all(one.state != "down" for one in running.values()),
    )


def headline(shop: Situation, language: str) -> str:
    """Return one sentence on the worst condition, or that all is good."""
    if not shop.conditions:
        return words(language).say("hero.good" if shop.settled else "hero.connecting")
    return sentence(shop, shop.conditions[0], language)


def sentence(shop: Situation, reported: Reported, language: str) -> str:
    """Return the sentence on a condition."""
    # Who has no internet sees it fail in ever new ways: what counts is since when nothing gets through.
    since = reported.wrong_since if reported.part == _LINK else reported.since
    since_ms = shop.down_since_ms.get(_device(reported) or "", Stamp.of(since).right_ms(shop.now))
    return words(language).say(
        f"condition.{_advice(reported, language).key}.sentence",
        name=_name(shop, reported),
        since=when(since_ms, shop.now, shop.zone, language),
        code=reported.condition.code,
    )


def worst(shop: Situation, concerns: Callable[[Reported], bool], language: str) -> str:
    """Return the sentence on the worst condition that concerns something; empty while none does."""
    found = next(filter(concerns, shop.conditions), None)
    return sentence(shop, found, language) if found is not None else ""


def device_sentence(shop: Situation, device: str, language: str) -> str:
    """Return the sentence on what is wrong with a device itself, by its id; empty while nothing is."""
    return worst(shop, lambda reported: _device(reported) == device, language)


def steps(shop: Situation, language: str) -> tuple[str, ...]:
    """Return what to do about the worst condition, in order; nothing where all is good."""
    if not shop.conditions:
        return ()
    say = words(language).say
    keys = _advice(shop.conditions[0], language).steps[:MAX_STEPS]
    return tuple(say(f"step.{key}", support=support(shop.phone, shop.store, language)) for key in keys)


def support(phone: str, store: str, language: str) -> str:
    """Return what somebody who calls support needs: the telephone number, if one is configured, and the store's id."""
    return words(language).say("support.phone_and_store" if phone else "support.store", phone=phone, store=store)


def device_of(reported: Reported) -> str | None:
    """Return the id of the device that a condition is on: its own, or on its receipts."""
    for prefix in (_DEVICE, _LAYOUT):
        if reported.part.startswith(prefix):
            return reported.part.removeprefix(prefix)
    return None


def known_codes() -> frozenset[str]:
    """Return the codes that have texts."""
    return frozenset(_by_code("en"))


@cache
def _by_code(language: str) -> Mapping[str, _Advice]:
    """Return the advice for each code."""
    lists = words(language).lists("condition")
    found: dict[str, _Advice] = {}
    for path, names in lists.items():
        key, _, what = path.rpartition(".")
        if what == "steps":
            found |= dict.fromkeys(lists.get(f"{key}.codes", (key,)), _Advice(key, names))
    return found


def _advice(reported: Reported, language: str) -> _Advice:
    other = "other_device" if _device(reported) else "other_link" if reported.part == _LINK else "other"
    found = _by_code(language)
    return found.get(reported.condition.code, found[other])


def _device(reported: Reported) -> str | None:
    """Return the id of the device that reports a condition of its own."""
    return device_of(reported) if reported.part.startswith(_DEVICE) else None


def _name(shop: Situation, reported: Reported) -> str:
    device = device_of(reported) or ""
    return shop.names.get(device) or device
