"""The member at the till: a tap and an order at one touchpoint that belong together, whichever comes first.

Time decides: of the order before a tap and the one after it, within the window, the nearer one is the member's. A tap
takes the one before at once, and gives it back when a nearer one comes: customers follow each other faster than that.
"""

import math
from collections.abc import Mapping

import msgspec

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.shop.outcome import StateChange
from edge_agent.shop.rows import readable
from edge_agent.shop.settings import ShopSettings
from edge_agent.shop.stamp import Stamp

PART = "till"  # durable: what happened last at each touchpoint
TAG_READERS = frozenset({"nfc", "pcsc"})
WITH_CUSTOMER = frozenset({"sale", "return", "top_up"})  # kinds of orders whose customer stands at the till


class Tapped(msgspec.Struct):
    """A tap that may yet get an order.

    ``subject``: under which its check-in is kept; ``member``: who that is, as far as it is certain. ``took``: the order
    before it that it has taken, and ``took_ms``, how long before; None: it has none.
    """

    subject: str
    checkin_id: str
    member: str | None
    stamp: Stamp
    took: str | None = None
    took_ms: int | None = None


class _Sold(msgspec.Struct):
    """An order without a member."""

    order_id: str
    stamp: Stamp
    order_no: str | None = None


class _Till(msgspec.Struct):
    """What happened last at a touchpoint and still looks for its other half."""

    tapped: Tapped | None = None
    sold: _Sold | None = None

    def since_ms(self, at: Moment) -> float:
        """How long ago it was; for ever, if nothing waits."""
        last = self.tapped or self.sold
        return last.stamp.elapsed_ms(at) if last is not None else math.inf


class Tills:
    """The last tap and order of each touchpoint where members can show who they are; durable state."""

    def __init__(self, settings: ShopSettings, rows: Mapping[str, bytes]) -> None:
        """``rows``: the durable rows of ``PART``."""
        where = (facts for facts in settings.devices.values() if facts.kind in TAG_READERS or settings.members)
        self._places = frozenset(facts.touchpoint for facts in where)  # of a tap, or a member's code, and an order
        self._window_ms = round(settings.presence.order_window.total_seconds() * 1000)
        self._tills = dict(readable(rows, _Till))

    def meet(self, touchpoint: str, tapped: Tapped, at: Moment) -> Tapped:
        """Return a tap with the order that was made there just before it, if that has no member. Changes nothing."""
        sold = self._tills.get(touchpoint, _Till()).sold
        if sold is None or sold.stamp.elapsed_ms(at) > self._window_ms:
            return tapped
        return msgspec.structs.replace(tapped, took=sold.order_id, took_ms=sold.stamp.elapsed_ms(at))

    def wait(self, touchpoint: str, tapped: Tapped, at: Moment) -> tuple[StateChange, ...]:
        """Have a tap wait for the next order there; returns the row to keep."""
        return (self._remember(touchpoint, _Till(tapped=tapped), at),) if touchpoint in self._places else ()

    def sold(self, touchpoint: str, order: data.Order, at: Moment) -> tuple[Tapped | None, tuple[StateChange, ...]]:
        """Note an order; returns the tap it belongs to, which is given to no other, and the rows to keep.

        An order without one waits for a tap just after it. A platform's order comes whoever stands there, and what is
        voided was given to somebody before, or to nobody.
        """
        if touchpoint not in self._places:
            return None, ()
        till = self._tills.get(touchpoint, _Till())
        if order.kind == "void":
            return None, self._voided(touchpoint, till, order, at)
        if order.kind not in WITH_CUSTOMER or order.channel.id != "in_store":
            return None, ()
        if till.tapped is not None and self._is_nearer(till.tapped, at):
            return till.tapped, (self._remember(touchpoint, _Till(), at),)
        sold = None if order.member else _Sold(order.order_id, Stamp.of(at), order.order_no)
        return None, (self._remember(touchpoint, _Till(sold=sold), at),)

    def forget(self, subjects: set[str]) -> tuple[StateChange, ...]:
        """Forget the taps of somebody; returns the rows to delete."""
        tills = [name for name, till in self._tills.items() if till.tapped and till.tapped.subject in subjects]
        for touchpoint in tills:
            del self._tills[touchpoint]
        return tuple(StateChange(PART, touchpoint, None) for touchpoint in tills)

    def renew(self, at: Moment) -> tuple[StateChange, ...]:
        """Return the rows that still matter, to be kept by a wall clock that was set."""
        tills = [(name, till) for name, till in self._tills.items() if till.since_ms(at) <= self._window_ms]
        return tuple(self._remember(name, till, at) for name, till in tills)

    def _is_nearer(self, tapped: Tapped, at: Moment) -> bool:
        """Tell whether an order now belongs to the tap: within the window, and nearer than the one it has taken."""
        since_ms = tapped.stamp.elapsed_ms(at)
        return since_ms <= self._window_ms and (tapped.took_ms is None or since_ms < tapped.took_ms)

    def _voided(self, touchpoint: str, till: _Till, order: data.Order, at: Moment) -> tuple[StateChange, ...]:
        """Let an order that was voided wait for nobody any more: a void repeats the number of what it voids."""
        if till.sold is None or till.sold.order_no not in (order.order_no, order.original_order_no):
            return ()
        return (self._remember(touchpoint, _Till(tapped=till.tapped), at),)

    def _remember(self, touchpoint: str, till: _Till, at: Moment) -> StateChange:
        self._tills[touchpoint] = till
        return StateChange(PART, touchpoint, msgspec.msgpack.encode(till), at.wall_ms + self._window_ms)
