"""Check-ins: one per member and window, however often and by whatever means the member is seen.

What makes a check-in known better later (another method, an order) is told as a higher revision of the same one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.contract.events import iso_time
from edge_agent.contract.ids import uuid7
from edge_agent.identities import Identity
from edge_agent.shop.outcome import StateChange
from edge_agent.shop.rows import readable
from edge_agent.shop.settings import DeviceFacts, ShopSettings
from edge_agent.shop.stamp import Stamp
from edge_agent.shop.tills import Tapped, Tills

PART = "checkin"  # durable: the check-ins whose window is open


class _Open(msgspec.Struct):
    """A check-in whose window is open."""

    checkin: data.CheckIn
    since: Stamp


@dataclass(frozen=True, slots=True)
class Seen:
    """What a sighting of somebody leads to, not remembered yet: give it to ``keep`` once its event can be written.

    ``checkin``: a new one or a new revision; None: nothing is new. ``tapped``: what waits at the till for an order.
    """

    subject: str
    checkin: data.CheckIn | None
    since: Stamp
    touchpoint: str = ""
    tapped: Tapped | None = None


class CheckIns:
    """The check-ins whose window is open; durable state."""

    def __init__(self, settings: ShopSettings, tills: Tills, rows: Mapping[str, bytes]) -> None:
        """``tills``: where taps meet orders. ``rows``: the durable rows of ``PART``."""
        self._settings = settings
        self._window_ms = round(settings.presence.checkin_window.total_seconds() * 1000)
        self._open = dict(sorted(readable(rows, _Open), key=lambda item: item[1].since.wall_ms))
        self._tills = tills

    def subject(self, identity: Identity) -> str:
        """Return what stands for somebody: the member, else who or what bears the identity."""
        member = self._settings.members.get((identity.kind, identity.value))
        return f"member:{member}" if member else ":".join(identity.bearer)

    def seen(self, facts: DeviceFacts, method: str, identity: Identity, at: Moment) -> Seen:
        """Return what it means that somebody was seen by ``method`` at the place of a device."""
        member = self._settings.members.get((identity.kind, identity.value))
        subject = self.subject(identity)
        known = self._open.get(subject)
        if known is not None and known.since.elapsed_ms(at) < self._window_ms:
            checkin, since = _with_method(known.checkin, method), known.since
        else:
            known = None
            checkin, since = self._new(facts, method, identity, member, at), Stamp.of(at)
        tapped = None
        if method != "ble":  # who is only near the till may be anybody in the queue
            shown = Tapped(subject, checkin.checkin_id, _certain(checkin), Stamp.of(at))
            tapped = self._tills.meet(facts.touchpoint, shown, at)
            checkin = _with_order(checkin, tapped.took)
        if known is not None:
            is_news = checkin != known.checkin
            checkin = msgspec.structs.replace(checkin, revision=known.checkin.revision + 1)
            return Seen(subject, checkin if is_news else None, since, facts.touchpoint, tapped)
        return Seen(subject, checkin, since, facts.touchpoint, tapped)

    def belongs(self, tapped: Tapped, order_id: str) -> Seen | None:
        """Return the revision that says that a check-in belongs to this order, and not to the one it had taken."""
        known = self._open.get(tapped.subject)
        if known is None or known.checkin.checkin_id != tapped.checkin_id:
            return None
        orders = tuple(order_id if order == tapped.took else order for order in known.checkin.order_ids)
        revision = known.checkin.revision + 1
        checkin = msgspec.structs.replace(known.checkin, order_ids=orders, revision=revision)
        return Seen(tapped.subject, checkin, known.since)

    def keep(self, seen: Seen, at: Moment) -> tuple[StateChange, ...]:
        """Remember what was seen; returns the rows to keep."""
        waits = self._tills.wait(seen.touchpoint, seen.tapped, at) if seen.tapped is not None else ()
        if seen.checkin is None:
            return waits
        return (*waits, self._remember(seen.subject, _Open(seen.checkin, seen.since), at))

    def forget(self, subjects: set[str]) -> tuple[StateChange, ...]:
        """Forget what is kept of somebody under these names; returns the rows to delete."""
        for subject in subjects:
            self._open.pop(subject, None)
        return (
            *(StateChange(PART, subject, None) for subject in sorted(subjects)),
            *self._tills.forget(subjects),
        )

    def renew(self, at: Moment) -> tuple[StateChange, ...]:
        """Return the rows of check-ins that still matter, to be kept by a wall clock that was set."""
        self._forget_past(at)
        return tuple(self._row(subject, opened, at) for subject, opened in self._open.items())

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
            order_ids=(),
            occurred_at=iso_time(at.wall_ms, self._settings.zone),
        )

    def _remember(self, subject: str, opened: _Open, at: Moment) -> StateChange:
        self._forget_past(at)
        if subject in self._open and self._open[subject].since != opened.since:
            del self._open[subject]  # a window of its own: it stands behind those that opened before
        self._open[subject] = opened
        return self._row(subject, opened, at)

    def _row(self, subject: str, opened: _Open, at: Moment) -> StateChange:
        left_ms = self._window_ms - opened.since.elapsed_ms(at)
        return StateChange(PART, subject, msgspec.msgpack.encode(opened), at.wall_ms + left_ms)

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


def _certain(checkin: data.CheckIn) -> str | None:
    """Return the member, or the token that was proved to be somebody's."""
    return checkin.member or (checkin.identity.value if checkin.identity.verified else None)


def _with_order(checkin: data.CheckIn, order_id: str | None) -> data.CheckIn:
    if order_id is None or order_id in checkin.order_ids:
        return checkin
    return msgspec.structs.replace(checkin, order_ids=(*checkin.order_ids, order_id))
