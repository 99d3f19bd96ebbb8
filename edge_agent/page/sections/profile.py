"""The store conformance profile: the ten sections of the O2O standard, and how this store meets each.

What this version has no part for is said so. Nothing counts as working that has not been seen to work here.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from edge_agent.clock import Moment
from edge_agent.config.devices import LineSettings
from edge_agent.generation import STARTING, RunningDevice
from edge_agent.health import Level, Reported
from edge_agent.page import advice
from edge_agent.page.advice import Situation
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.words import Words, words
from edge_agent.shop.proof.standing import Standing

WORKING, NOT_CONFIGURED, FAILING = "working", "not_configured", "failing"

# Decoders whose observations become orders: slips, exported records, what a display showed.
_ORDER_DECODERS = frozenset({"escpos", "lines", "linedisplay"})


class Section(msgspec.Struct, frozen=True):
    """One section. ``state``: working, not_configured, failing; ``why``: one sentence."""

    number: str
    title: str
    state: str
    state_word: str
    why: str


@dataclass(frozen=True, slots=True)
class _Store:
    """What the judgements go by. ``days``: today, the last day before it with sales, and those that differ.

    ``managed``: head office can push configs; ``on_trial``: one of them is being tried out.
    """

    words: Words
    shop: Situation
    devices: tuple[RunningDevice, ...]
    days: tuple[Standing, ...]
    stalled: bool
    managed: bool
    on_trial: bool

    @property
    def order_lines(self) -> tuple[RunningDevice, ...]:
        """The lines that orders come from."""
        return tuple(
            running
            for running in self.devices
            if isinstance(running.settings, LineSettings) and running.settings.decoder in _ORDER_DECODERS
        )

    @property
    def tenders(self) -> bool:
        """Whether any means of payment has been read."""
        return any(one.tenders for day in self.days for one in day.workstations)

    def wrong(self, concerns: Callable[[Reported], bool]) -> str:
        """Return the sentence on the worst condition that concerns a section; empty if none does."""
        return advice.worst(self.shop, concerns, self.words.language)

    def why(self, key: str, **values: object) -> str:
        """Return the sentence on why a section is as it is."""
        return self.words.say(f"profile.why.{key}", **values)


_Judgement = tuple[str, str]  # state, why


def profile(sources: Sources, reader: Reader, now: Moment) -> tuple[Section, ...]:
    """Return the sections in order."""
    texts = words(reader.language)
    proof, today = sources.generation.shop.proof, sources.generation.shop.counts(now).business_day
    store = _Store(
        words=texts,
        shop=advice.situation(sources),
        devices=tuple(sources.generation.devices.values()),
        days=(proof.standing(today), *proof.earlier(today)),
        stalled=bool(sources.health.stalled()),
        managed=any("config" in key.roles for key in sources.config.agent.trust.keys),
        on_trial=sources.reported().phase == "trial",
    )
    made = []
    for number, (key, judge) in enumerate(_SECTIONS.items(), 1):
        state, why = judge(store)
        made.append(
            Section(str(number), texts.say(f"profile.title.{key}"), state, texts.say(f"profile.state.{state}"), why)
        )
    return tuple(made)


def _mode(store: _Store) -> _Judgement:
    down = {running.settings.id for running in store.order_lines if running.state == "down"}
    why = store.wrong(lambda reported: advice.device_of(reported) in down)
    if why and len(down) == len(store.order_lines):
        return FAILING, why
    return _once_orders_are_read(store, "mode")


def _payment(store: _Store) -> _Judgement:
    if why := store.wrong(lambda reported: reported.part.startswith("day/")):
        return FAILING, why
    if store.order_lines and not store.tenders:
        return NOT_CONFIGURED, store.why("no_tender")
    return _once_orders_are_read(store, "payment")


def _orders(store: _Store) -> _Judgement:
    lines = {running.settings.id for running in store.order_lines}
    if why := store.wrong(lambda reported: advice.device_of(reported) in lines or reported.part.startswith("day/")):
        return FAILING, why
    return _once_orders_are_read(store, "orders")


def _once_orders_are_read(store: _Store, key: str) -> _Judgement:
    if not store.order_lines:
        return NOT_CONFIGURED, store.why("no_line")
    if not any(day.orders for day in store.days):
        return NOT_CONFIGURED, store.why("no_order")
    return WORKING, store.why(key)


def _touchpoints(store: _Store) -> _Judgement:
    if not store.devices:
        return NOT_CONFIGURED, store.why("no_device")
    if why := store.wrong(lambda reported: reported.part.startswith("device/")):
        return FAILING, why
    if any(running.reason == STARTING for running in store.devices):
        return NOT_CONFIGURED, store.why("starting")
    return WORKING, store.why("devices", count=len(store.devices))


def _running(store: _Store) -> _Judgement:
    own = store.wrong(
        lambda reported: (
            reported.condition.level is Level.ACTION and not reported.part.startswith(("device/", "layout/", "day/"))
        )
    )
    if own or store.stalled:
        return FAILING, own or store.why("stalled")
    if store.on_trial:
        return WORKING, store.why("on_trial")
    return WORKING, store.why("managed" if store.managed else "running")


def _open_data(store: _Store) -> _Judgement:
    return WORKING, store.why("data")


def _later(store: _Store) -> _Judgement:
    return NOT_CONFIGURED, store.why("later")


def _unwritten(store: _Store) -> _Judgement:
    return NOT_CONFIGURED, store.why("unwritten")


_SECTIONS: dict[str, Callable[[_Store], _Judgement]] = {
    "mode": _mode,
    "scene": _later,
    "payment": _payment,
    "service": _later,
    "order": _orders,
    "datasets": _later,
    "store": _touchpoints,
    "data": _open_data,
    "operation": _running,
    "tenth": _unwritten,
}
