"""Check-ins: one per member and window, however often and by whatever means the member is seen.

What makes a check-in known better later (another method, an order) is told as a higher revision of the same one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.contract.events import iso_time
from edge_agent.contract.ids import uuid7
from edge_agent.identities import Identity, bearer
from edge_agent.shop.outcome import StateChange
from edge_agent.shop.rows import readable
from edge_agent.shop.settings import DeviceFacts, ShopSettings
from edge_agent.shop.stamp import Stamp

PART = "checkin"  # durable: the check-ins whose window is open
TILLS = "till"  # durable: what happened last at each touchpoint
TAG_READERS = frozenset({"nfc", "pcsc"})
WITH_CUSTOMER = frozenset({"sale", "return", "top_up"})  # kinds of orders whose customer stands at the till


class _Open(msgspec.Struct):
    """A check-in whose window is open."""

    checkin: data.CheckIn
    since: Stamp


class _Tapped(msgspec.Struct):
    """A tap that no order has been given to yet."""

    subject: str
    checkin_id: str
    member: str | None
    stamp: Stamp


class _Sold(msgspec.Struct):
    """An order without a member."""

    order_id: str
    stamp: Stamp
    order_no: str | None = None


class _Till(msgspec.Struct):
    """What happened last at a touchpoint and still looks for its other half."""

    tapped: _Tapped | None = None
    sold: _Sold | None = None

    def since_ms(self, at: Moment) -> float:
        """How long ago it was; for ever, if nothing waits."""
        last = self.tapped or self.sold
        return last.stamp.elapsed_ms(at) if last is not None else math.inf


@dataclass(frozen=True, slots=True)
class Seen:
    """What a sighting of somebody leads to: a check-in or a new revision of one, or nothing new."""

    checkin: data.CheckIn | None
    state: tuple[StateChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """The check-in an order belongs to. ``member``: who that is, as far as it is certain."""

    checkin_id: str
    member: str | None


class CheckIns:
    """The open check-ins, and the last tap and order of each touchpoint; both are durable state."""

    def __init__(self, settings: ShopSettings, rows: Mapping[str, bytes], tills: Mapping[str, bytes]) -> None:
        """``rows``, ``tills``: the durable rows of ``PART`` and ``TILLS``."""
        self._settings = settings
        readers = (facts.touchpoint for facts in settings.devices.values() if facts.kind in TAG_READERS)
        self._readers = frozenset(readers)  # where a tap and an order can meet at all
        self._window_ms = round(settings.presence.checkin_window.total_seconds() * 1000)
        self._order_window_ms = round(settings.presence.order_window.total_seconds() * 1000)
        self._open = dict(sorted(readable(rows, _Open), key=lambda item: item[1].since.wall_ms))
        self._tills = dict(readable(tills, _Till))

    def seen(self, facts: DeviceFacts, method: str, identity: Identity, at: Moment) -> Seen:
        """Return what it means that somebody was seen by ``method`` at the place of a device."""
        member = self._settings.members.get((identity.kind, identity.value))
        subject = f"member:{member}" if member else ":".join(identity.bearer)
        known = self._open.get(subject)
        if known is not None and known.since.elapsed_ms(at) < self._window_ms:
            checkin, since = _with_method(known.checkin, method), known.since
        else:
            known = None
            checkin, since = self._new(facts, method, identity, member, at), Stamp.of(at)
        state: list[StateChange] = []
        if method == "nfc":
            checkin, till = self._at_till(facts.touchpoint, subject, checkin, at)
            state.append(till)
        if known is not None and checkin == known.checkin:
            return Seen(None, tuple(state))
        if known is not None:
            checkin = msgspec.structs.replace(checkin, revision=known.checkin.revision + 1)
        state.append(self._remember(subject, _Open(checkin, since), at))
        return Seen(checkin, tuple(state))

    def sold(self, touchpoint: str, order: data.Order, at: Moment) -> tuple[Link | None, tuple[StateChange, ...]]:
        """Return the check-in of whoever tapped at the touchpoint just before an order; it is given to one order only.

        An order without either waits for a tap just after it. A platform's order comes whoever stands there, and what
        is voided was given to somebody before, or to nobody.
        """
        if touchpoint not in self._readers:
            return None, ()
        till = self._tills.get(touchpoint, _Till())
        if order.kind == "void":
            return None, self._voided(touchpoint, till, order, at)
        if order.kind not in WITH_CUSTOMER or order.channel.id != "in_store":
            return None, ()
        tapped = till.tapped
        if tapped is None or tapped.stamp.elapsed_ms(at) > self._order_window_ms:
            sold = None if order.member else _Sold(order.order_id, Stamp.of(at), order.order_no)
            return None, (self._remember_till(touchpoint, _Till(sold=sold), at),)
        return Link(tapped.checkin_id, tapped.member), (self._remember_till(touchpoint, _Till(), at),)

    def forget(self, member: str, identities: set[tuple[str, str]]) -> tuple[StateChange, ...]:
        """Forget what is kept of somebody; returns the rows to delete."""
        subjects = {f"member:{member}", *(":".join(bearer(kind, value)) for kind, value in identities)}
        for subject in subjects:
            self._open.pop(subject, None)
        tills = [name for name, till in self._tills.items() if till.tapped and till.tapped.subject in subjects]
        for touchpoint in tills:
            del self._tills[touchpoint]
        return (
            *(StateChange(PART, subject, None) for subject in sorted(subjects)),
            *(StateChange(TILLS, touchpoint, None) for touchpoint in tills),
        )

    def renew(self, at: Moment) -> tuple[StateChange, ...]:
        """Return the rows of check-ins and tills that still matter, to be kept by a wall clock that was set."""
        self._forget_past(at)
        tills = [(name, till) for name, till in self._tills.items() if till.since_ms(at) <= self._order_window_ms]
        return (
            *(self._row(subject, opened, at) for subject, opened in self._open.items()),
            *(self._remember_till(name, till, at) for name, till in tills),
        )

    def _new(self, facts: DeviceFacts, method: str, identity: Identity, member: str | None, at: Moment) -> data.CheckIn:
        return data.CheckIn(
            checkin_id=uuid7(at.wall_ms),
            revision=1,
            touchpoint=facts.touchpoint,
            zone=facts.zone,
            method=method,
            methods=(method,),
            identity=on_wire(identity),
            member=member,
            order_id=None,
            occurred_at=iso_time(at.wall_ms, self._settings.zone),
        )

    def _at_till(
        self, touchpoint: str, subject: str, checkin: data.CheckIn, at: Moment
    ) -> tuple[data.CheckIn, StateChange]:
        """Give the check-in the order that was just made where the member taps; without one, wait for it."""
        sold = self._tills.get(touchpoint, _Till()).sold
        if sold is not None and sold.stamp.elapsed_ms(at) <= self._order_window_ms:
            checkin = msgspec.structs.replace(checkin, order_id=sold.order_id)
            return checkin, self._remember_till(touchpoint, _Till(), at)
        certain = checkin.member or (checkin.identity.value if checkin.identity.verified else None)
        tapped = _Tapped(subject, checkin.checkin_id, certain, Stamp.of(at))
        return checkin, self._remember_till(touchpoint, _Till(tapped=tapped), at)

    def _voided(self, touchpoint: str, till: _Till, order: data.Order, at: Moment) -> tuple[StateChange, ...]:
        """Let an order that was voided wait for nobody any more: a void repeats the number of what it voids."""
        if till.sold is None or till.sold.order_no not in (order.order_no, order.original_order_no):
            return ()
        return (self._remember_till(touchpoint, _Till(tapped=till.tapped), at),)

    def _remember(self, subject: str, opened: _Open, at: Moment) -> StateChange:
        self._forget_past(at)
        if subject in self._open and self._open[subject].since != opened.since:
            del self._open[subject]  # a window of its own: it stands behind those that opened before
        self._open[subject] = opened
        return self._row(subject, opened, at)

    def _row(self, subject: str, opened: _Open, at: Moment) -> StateChange:
        left_ms = self._window_ms - opened.since.elapsed_ms(at)
        return StateChange(PART, subject, msgspec.msgpack.encode(opened), at.wall_ms + left_ms)

    def _remember_till(self, touchpoint: str, till: _Till, at: Moment) -> StateChange:
        self._tills[touchpoint] = till
        return StateChange(TILLS, touchpoint, msgspec.msgpack.encode(till), at.wall_ms + self._order_window_ms)

    def _forget_past(self, at: Moment) -> None:
        """Drop check-ins whose window has passed: they stand in the order in which their windows opened."""
        while self._open:
            oldest = next(iter(self._open))
            if self._open[oldest].since.elapsed_ms(at) < self._window_ms:
                return
            del self._open[oldest]


def on_wire(identity: Identity) -> data.Identity:
    """Return an identity as events carry it."""
    return data.Identity(
        kind=identity.kind, value=identity.value, verified=identity.verified, random_uid=identity.random_uid
    )


def _with_method(checkin: data.CheckIn, method: str) -> data.CheckIn:
    if method in checkin.methods:
        return checkin
    return msgspec.structs.replace(checkin, methods=(*checkin.methods, method))
