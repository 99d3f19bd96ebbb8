"""What happened, in one plain sentence each: without the code no amount, no name of a person and no member."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from edge_agent.config.store import StoreSettings
from edge_agent.contract import data
from edge_agent.page.history.flapping import Line
from edge_agent.page.history.newest import Told
from edge_agent.page.money import money
from edge_agent.page.pushes import why
from edge_agent.page.sources import Reader
from edge_agent.page.times import lasting
from edge_agent.page.words import Words, words
from edge_agent.shop import layouts

_CHANNELS = ("meituan", "eleme", "jddj")
_CAUSES = ("shift_report", "day_end", "changed")
_METHODS = ("nfc", "ble", "scan")
_RECOVERIES = ("damaged", "cloned", "rolled_back")
_GAPS = ("evicted", "damaged")  # what was forgotten, or asked for too late, is not the manager's concern
_ORDERS = ("top_up", "delivery_slip")  # beside a plain sale

# Deliberately not told. A code is shown with most payments, just before its order; of strangers who come and go the
# figures of the day tell enough, and those known check in.
SILENT = frozenset(
    {
        "o2o.code.presented.v1",
        "o2o.presence.entered.v1",
        "o2o.presence.dwelled.v1",
        "o2o.presence.left.v1",
        "o2o.presence.counted.v1",
    }
)


@dataclass(frozen=True, slots=True)
class Teller:
    """Whom it is told to, and the shop's own names: of devices and touchpoints, by id."""

    reader: Reader
    words: Words
    devices: Mapping[str, str]
    touchpoints: Mapping[str, str]
    currency: str

    @classmethod
    def of(cls, store: StoreSettings, reader: Reader) -> "Teller":
        """Return who tells things in a shop."""
        return cls(
            reader=reader,
            words=words(reader.language),
            devices={device.id: device.name for device in store.devices},
            touchpoints={touchpoint.id: touchpoint.name for touchpoint in store.touchpoints},
            currency=store.store.currency,
        )

    def tell(self, event: Told) -> str | None:
        """Return the sentence on an event; None: it is not told."""
        telling = TELLINGS.get(event.type)
        return telling.say(self, event) if telling is not None else None

    def flapping(self, line: Line, time: str) -> str:
        """Return the sentence on a device that flaps; ``time``: in words, of the line's event."""
        assert isinstance(line.event.data, data.DeviceChanged)
        times = self.words.say(
            "recent.flapping.at_least" if line.is_least else "recent.flapping.times", count=line.times
        )
        key = f"recent.flapping.{line.trouble}_{'well' if line.is_well else 'still'}"
        return self.words.say(key, device=self.device(line.event.data.device), times=times, time=time)

    def say(self, key: str, *further: str | None, **values: object) -> str:
        """Return a text, and what there is further to say."""
        told = self.words.say(key, **values)
        for more in filter(None, further):
            told = self.words.say("recent.further", told=told, more=more)
        return told

    def place(self, touchpoint: str | None, device: str | None = None) -> str:
        """Return what people call a place, else the device that stands there."""
        if touchpoint is not None and touchpoint in self.touchpoints:
            return self.touchpoints[touchpoint]
        return self.devices.get(device or "") or touchpoint or device or self.words.say("recent.shop")

    def device(self, id_: str) -> str:
        """Return what people call a device."""
        return self.devices.get(id_) or id_

    def channel(self, id_: str) -> str:
        """Return what people call a sales channel."""
        return self.words.say(f"recent.channel.{id_}") if id_ in _CHANNELS else id_

    def amount(self, minor: int | None, currency: str) -> str | None:
        """Return an amount, for the manager alone."""
        return money(minor, currency, self.reader.language) if self.reader.is_manager and minor is not None else None

    def person(self, key: str, who: str | None) -> str | None:
        """Return a text with somebody's name, for the manager alone."""
        return self.words.say(key, who=who) if self.reader.is_manager and who else None


class _Telling(NamedTuple):
    """``kind``: order, checkin, device, agent: for the icon."""

    kind: str
    say: Callable[[Teller, Told], str | None]


def _order(name: str) -> Callable[[Teller, Told], str | None]:
    def say(teller: Teller, event: Told) -> str:
        order = event.data
        assert isinstance(order, data.Order)
        key, channel = name, ""
        if name == "sale" and order.kind in _ORDERS:
            key, channel = order.kind, teller.channel(order.channel.id)
        elif name == "sale" and "provisional" in order.evidence.flags:
            key = "provisional"
        number = teller.words.say("recent.number", number=order.order_no) if order.order_no else None
        return teller.say(
            f"recent.order.{key}",
            number,
            teller.amount(order.totals.payable, order.currency),
            teller.person("recent.cashier", order.attribution.cashier),
            place=teller.place(order.attribution.touchpoint, order.source.device),
            channel=channel,
        )

    return say


def _unparsed(teller: Teller, event: Told) -> str:
    slip = event.data
    assert isinstance(slip, data.Unparsed)
    return teller.say("recent.unparsed", device=teller.device(slip.device))


def _day_closed(teller: Teller, event: Told) -> str:
    day = event.data
    assert isinstance(day, data.DayClosed)
    known = teller.touchpoints.get(day.workstation)
    place = known or teller.words.say("recent.workstation", workstation=day.workstation)
    cause = day.cause if day.cause in _CAUSES else "day_end"
    orders = teller.words.say("recent.orders", count=day.orders)
    return teller.say(
        f"recent.day.{cause}", orders, teller.amount(day.payable, teller.currency), place=place, day=day.business_day
    )


def _checked_in(teller: Teller, event: Told) -> str | None:
    checkin = event.data
    assert isinstance(checkin, data.CheckIn)
    if checkin.revision > 1:
        return None  # the same visit: only more is known of it
    method = checkin.method if checkin.method in _METHODS else "unknown"
    return teller.say(
        f"recent.checkin.{method}",
        teller.person("recent.member", checkin.member),
        place=teller.place(checkin.touchpoint),
    )


def _device(state: str) -> Callable[[Teller, Told], str | None]:
    def say(teller: Teller, event: Told) -> str:
        changed = event.data
        assert isinstance(changed, data.DeviceChanged)
        key = "layout" if changed.reason == layouts.REASON else state
        return teller.say(f"recent.device.{key}", device=teller.device(changed.device))

    return say


def _started(teller: Teller, event: Told) -> str:
    assert isinstance(event.data, data.AgentStarted)
    return teller.say("recent.started", version=event.data.version)


def _clock_changed(teller: Teller, event: Told) -> str:
    assert isinstance(event.data, data.ClockChanged)
    step_ms = event.data.step_ms
    return teller.say(
        "recent.clock.ahead" if step_ms > 0 else "recent.clock.back", by=lasting(abs(step_ms), teller.reader.language)
    )


def _storage_low(teller: Teller, event: Told) -> str:
    assert isinstance(event.data, data.StorageLow)
    return teller.say("recent.storage.ok" if event.data.level == "ok" else "recent.storage.low")


def _recovered(teller: Teller, event: Told) -> str:
    assert isinstance(event.data, data.Recovered)
    reason = event.data.reason if event.data.reason in _RECOVERIES else "damaged"
    return teller.say(f"recent.recovered.{reason}")


def _cash_moved(teller: Teller, event: Told) -> str:
    moved = event.data
    assert isinstance(moved, data.CashMoved)
    return teller.say(
        "recent.cash.out" if moved.direction == "out" else "recent.cash.in",
        teller.amount(moved.amount, moved.currency),
        moved.reason if teller.reader.is_manager else None,
        teller.person("recent.cashier", moved.cashier),
        place=teller.place(moved.touchpoint),
    )


def _gap(teller: Teller, event: Told) -> str | None:
    gap = event.data
    assert isinstance(gap, data.Gap)
    return teller.say(f"recent.gap.{gap.reason}", count=gap.last - gap.first + 1) if gap.reason in _GAPS else None


def _config(what: str) -> Callable[[Teller, Told], str | None]:
    def say(teller: Teller, event: Told) -> str:
        push = event.data
        assert isinstance(push, data.ConfigChanged)
        return teller.say(f"recent.config.{what}", version=push.version, why=why(push.code, teller.words))

    return say


TELLINGS: Mapping[str, _Telling] = {
    "o2o.order.completed.v1": _Telling("order", _order("sale")),
    "o2o.order.returned.v1": _Telling("order", _order("return")),
    "o2o.order.voided.v1": _Telling("order", _order("void")),
    "o2o.order.corrected.v1": _Telling("order", _order("corrected")),
    "o2o.order.unparsed.v1": _Telling("order", _unparsed),
    "o2o.day.closed.v1": _Telling("order", _day_closed),
    "o2o.checkin.recorded.v1": _Telling("checkin", _checked_in),
    "o2o.device.up.v1": _Telling("device", _device("up")),
    "o2o.device.down.v1": _Telling("device", _device("down")),
    "o2o.device.degraded.v1": _Telling("device", _device("degraded")),
    "o2o.agent.started.v1": _Telling("agent", _started),
    "o2o.agent.stopping.v1": _Telling("agent", lambda teller, _: teller.say("recent.stopping")),
    "o2o.agent.clock_changed.v1": _Telling("agent", _clock_changed),
    "o2o.agent.storage_low.v1": _Telling("agent", _storage_low),
    "o2o.agent.recovered.v1": _Telling("agent", _recovered),
    "o2o.config.committed.v1": _Telling("agent", _config("committed")),
    "o2o.config.rejected.v1": _Telling("agent", _config("rejected")),
    "o2o.config.rolled_back.v1": _Telling("agent", _config("rolled_back")),
    "o2o.cash.moved.v1": _Telling("order", _cash_moved),
    "o2o.agent.gap.v1": _Telling("agent", _gap),
}
