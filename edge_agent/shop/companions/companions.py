"""What was said beside the receipts of each touchpoint, and what a receipt makes of it."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
import structlog

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.contract.money import minor_digits
from edge_agent.observations import DisplayText, Payment
from edge_agent.shop.companions import display, papers, tenders
from edge_agent.shop.companions.till import PART, REVISE_MS, ROWS, Sale, Till, Told
from edge_agent.shop.outcome import StateChange
from edge_agent.shop.rows import readable
from edge_agent.shop.settings import DeviceFacts, ShopSettings
from edge_agent.shop.stamp import Stamp

# Lines that speak beside a receipt; where there is none of them, a receipt leaves nothing to remember.
_COMPANIONS = {"linedisplay", "ecr", "scanner"}
SALES = {"sale", "top_up"}  # what a display shows as a sale
_KINDS = {*SALES, "return", "void"}  # of orders that are paid, or paid back, at the till
_KEEP_MS = 24 * 3_600_000  # a total may stand on a display over night; longer than any window
_CLOCK_SET_MS = 5_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Completed:
    """An order with what the other lines knew. ``revises``: it stands for a provisional order, whose id it bears.

    ``till``: what is to be remembered of the touchpoint; None: nothing. ``shown``: its display has shown the sale.
    """

    order: data.Order
    revises: bool = False
    till: Till | None = None
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Late:
    """An order sent already, as a payment that came after it corrects it. ``about``: what its capture is kept with."""

    order: data.Order
    about: bytes


@dataclass(frozen=True, slots=True)
class Unprinted:
    """A sale that a display showed and no receipt followed. Minor units; ``at``: when it was last shown.

    ``workstation``: the till's, as its last receipt says: a sale without paper is in the register's own report, too.
    """

    facts: DeviceFacts
    at: Moment
    payable: int
    tendered: int | None = None
    change: int | None = None
    tender: data.Tender | None = None
    workstation: str | None = None
    sale: Sale | None = field(default=None, compare=False)


class Companions:
    """What was said beside the receipts of each touchpoint; its rows are durable state."""

    def __init__(self, settings: ShopSettings, rows: Mapping[str, bytes]) -> None:
        """``rows``: the durable rows of ``PART``."""
        self._settings = settings
        self._digits = minor_digits(settings.currency)
        self._window_ms = round(settings.till.provisional_after.total_seconds() * 1000)
        self._places = frozenset(d.touchpoint for d in settings.devices.values() if d.decoder in _COMPANIONS)
        self._tills = dict(readable(rows, Till))
        self._eyes: dict[str, display.Eye] = {}
        # The last order of each touchpoint, for a payment that comes after it. In memory alone: what a restart just
        # then costs is a reference, no figure.
        self._orders: dict[str, Late] = {}
        self._offset_ms: int | None = None  # of the wall clock to the uptime, at the last look

    def shown(self, facts: DeviceFacts, text: DisplayText, at: Moment) -> tuple[StateChange, ...]:
        """Note what a display shows; returns the rows to keep: none unless a figure of the sale is new."""
        seen = display.sight(text, self._digits)
        till = self._till(facts.touchpoint, at)
        if seen is None or self._is_echo(till, facts.id, at):
            return ()
        eye = self._eyes.setdefault(facts.touchpoint, display.Eye())
        if not display.show(till, eye, seen, facts.id, at):
            return ()
        till.display = facts.id
        if till.now is not None and till.now.is_open and seen.what == "total":
            self._find_paper(till, till.now, at)
        for told in till.told:  # a total that stood there for long, then was paid
            if till.now is not None and told.order_id == till.now.order_id:
                told.sale = copy.copy(till.now)
        return (self._keep(facts.touchpoint, till, at),)

    def paid(self, facts: DeviceFacts, payment: Payment, at: Moment) -> tuple[Late | None, tuple[StateChange, ...]]:
        """Note what a payment terminal answered; returns the order it corrects, if any, and the rows to keep."""
        one = tenders.paid(payment, at)
        if one is None:
            return None, ()
        till = self._till(facts.touchpoint, at)
        printed = tenders.take(till, one, at)
        late = None
        last = self._orders.get(facts.touchpoint)
        if printed is not None and one.reference is not None and last is not None:
            order, taken = tenders.settled(last.order, [one])
            if taken and order.order_id == printed.order_id:
                late = Late(msgspec.structs.replace(order, revision=order.revision + 1), last.about)
                self._orders[facts.touchpoint] = late
        return late, (self._keep(facts.touchpoint, till, at),)

    def scanned(self, facts: DeviceFacts, code: str, at: Moment) -> tuple[StateChange, ...]:
        """Note a code shown to the scanner, as it came: of a payment code only its kind is kept."""
        kind = tenders.code_kind(code)
        if kind is None:
            return ()
        till = self._till(facts.touchpoint, at)
        if till.now is not None and till.now.is_open and not till.now.goods:
            till.now.code = kind
        else:
            till.codes[kind] = Stamp.of(at)
        return (self._keep(facts.touchpoint, till, at),)

    def completed(self, facts: DeviceFacts, order: data.Order, at: Moment) -> Completed:
        """Return a printed or exported order with what the other lines of its touchpoint knew of it.

        Changes nothing: give it to ``remember`` once all else is worked out.
        """
        if not self._is_followed(facts.touchpoint) or order.kind not in _KINDS or order.channel.id != "in_store":
            return Completed(order)
        till = self._till(facts.touchpoint, at)
        sale = papers.sale_of(till, order) if order.kind in SALES else papers.refund_of(till, order)
        told = papers.told_of(till, order) if sale is None and order.kind in SALES else None
        if sale is not None:
            papers.settle(till, sale, order)
        if told is not None:
            till.told.remove(told)
            order = papers.revised(order, told)
        shown = told.sale if told is not None else sale
        is_current = shown is None or (till.now is not None and not till.now.goods and till.now.is_of(shown))
        order = self._enriched(till, order, shown, is_current=is_current)
        return Completed(order, told is not None, till, shown is not None)

    def read_again(self, facts: DeviceFacts, order: data.Order, wall_ms: int, at: Moment) -> Completed:
        """Return an order that was a slip nobody could read, with what its display showed then. ``wall_ms``: its time.

        It stands for the sale that was shown, or for the provisional order which that has become. Changes nothing: give
        it to ``remember_again``.
        """
        if facts.touchpoint not in self._tills or order.kind not in SALES or order.channel.id != "in_store":
            return Completed(order)
        till = self._till(facts.touchpoint, at)
        near = papers.then(till, wall_ms, self._window_ms)
        sale, told = papers.sale_of(near, order), papers.told_of(near, order)
        if sale is not None:
            papers.settle(till, sale, order)
            return Completed(self._enriched(till, order, sale, is_current=False), revises=False, till=till, shown=True)
        if told is None:
            return Completed(order)
        till.told.remove(told)
        order = self._enriched(till, papers.revised(order, told), told.sale, is_current=False)
        return Completed(order, revises=True, till=till, shown=True)

    def remember_again(self, facts: DeviceFacts, completed: Completed, at: Moment) -> list[StateChange]:
        """Remember that an order read again stands for what was shown; returns the rows to keep."""
        return [] if completed.till is None else [self._keep(facts.touchpoint, completed.till, at)]

    def remember(
        self, facts: DeviceFacts, completed: Completed, order: data.Order, about: bytes, at: Moment
    ) -> list[StateChange]:
        """Remember an order as it was sent; returns the rows to keep. ``about``: what its capture is kept with."""
        if completed.till is None:
            return []
        papers.note(completed.till, order, shown=completed.shown, at=at)
        completed.till.workstation = order.attribution.workstation or completed.till.workstation
        self._orders[facts.touchpoint] = Late(order, about)
        return [self._keep(facts.touchpoint, completed.till, at)]

    def unprinted(self, at: Moment) -> tuple[list[Unprinted], list[StateChange]]:
        """Return the sales that no receipt has followed in time, and the rows to keep. Call ``told`` for each sale."""
        sales: list[Unprinted] = []
        renewed = self._clock_was_set(at)
        state: list[StateChange] = []
        for touchpoint, till in list(self._tills.items()):
            changed = display.rest(till, self._eyes.setdefault(touchpoint, display.Eye()), at)
            if changed or renewed:
                state.append(self._keep(touchpoint, till, at))
            state += self._paired(touchpoint, till, at)
            sales += [self._unprinted(touchpoint, till, sale, at) for sale in self._due(till, at)]
            till.forget_old(self._window_ms, at)
            if till.is_empty():
                del self._tills[touchpoint]  # its row goes by itself
        return sales, state

    def told(self, unprinted: Unprinted, order: data.Order, at: Moment) -> StateChange:
        """Remember the order that an unprinted sale became, for a receipt that comes late; returns the row to keep."""
        till, sale = self._tills[unprinted.facts.touchpoint], unprinted.sale
        assert sale is not None
        sale.settled, sale.order_id = True, order.order_id
        till.waiting = [one for one in till.waiting if one is not sale]
        stamp = Stamp.of(at)
        till.told.append(Told(stamp, order.order_id, 1, order.business_day, order.completed_at, copy.copy(sale)))
        return self._keep(unprinted.facts.touchpoint, till, at)

    def forget_orders(self) -> None:
        """Forget the orders that a payment might still correct: somebody in them is to be forgotten."""
        self._orders.clear()

    def _enriched(self, till: Till, order: data.Order, shown: Sale | None, *, is_current: bool) -> data.Order:
        """Return an order with its tenders told by payments and codes, its sums by the display.

        A late receipt takes only what its own sale had: what waits is the next customer's.
        """
        own = [shown.paid] if shown is not None and shown.paid is not None else []
        waiting = till.paid if is_current or order.kind not in SALES else []
        order, taken = tenders.settled(order, [*waiting, *own])
        till.paid = [one for one in till.paid if not any(one is used for used in taken)]
        if order.kind not in SALES:
            return order
        code = shown.code if shown is not None else None
        if is_current:
            code = code or tenders.newest_code(till)
            till.codes = {}
        order = tenders.scanned(order, code)
        if shown is None:
            return order
        return papers.enriched(order, shown, tenders.shown_tender(shown))

    def _paired(self, touchpoint: str, till: Till, at: Moment) -> Iterator[StateChange]:
        """Give sales that no receipt fits the receipts that fit no sale; yields the rows to keep."""
        for sale in till.open_sales():
            waited = sale.shown.elapsed_ms(at) >= self._window_ms
            if waited and (paper := papers.left_over(till, sale)) is not None:
                log.warning("display_differs", touchpoint=touchpoint, order=paper.order_id)
                paper.shown = sale.settled = True
                till.waiting = [one for one in till.waiting if one is not sale]
                yield self._keep(touchpoint, till, at)

    def _is_followed(self, touchpoint: str) -> bool:
        """Tell whether anything beside receipts is said at a touchpoint."""
        return touchpoint in self._places or touchpoint in self._tills

    def _find_paper(self, till: Till, now: Sale, at: Moment) -> None:
        """Give a sale just shown what came before it: its receipt, or else its payment."""
        printed = papers.printed_before(till, now, self._window_ms, at)
        if printed is not None:
            printed.shown = now.settled = True
        else:
            tenders.join(till, now)

    def _is_echo(self, till: Till, device: str, at: Moment) -> bool:
        """Tell whether another display of the touchpoint is read: they show the same, a moment apart."""
        if not till.display or till.display == device or till.now is None:
            return False
        return till.now.shown.elapsed_ms(at) <= self._window_ms

    def _due(self, till: Till, at: Moment) -> Iterator[Sale]:
        """Yield the sales that have waited long enough, oldest first."""
        for place, sale in enumerate(till.waiting):
            if sale.stamp.elapsed_ms(at) >= self._window_ms or place < len(till.waiting) - ROWS:
                yield sale
        now = till.now
        if now is not None and now.is_open and now.stamp.elapsed_ms(at) >= self._window_ms:
            yield now

    def _unprinted(self, touchpoint: str, till: Till, sale: Sale, at: Moment) -> Unprinted:
        assert sale.total is not None
        facts = self._settings.devices.get(sale.device) or DeviceFacts(sale.device, touchpoint, "linedisplay")
        tender = tenders.shown_tender(sale)
        shown = _moment(sale.shown, at)
        return Unprinted(facts, shown, sale.total, sale.received, sale.change, tender, till.workstation, sale)

    def _till(self, touchpoint: str, at: Moment) -> Till:
        """Return a copy of what is known of a touchpoint: what fails half-way leaves memory as it was."""
        till = copy.deepcopy(self._tills.get(touchpoint) or Till())
        till.forget_old(self._window_ms, at)
        return till

    def _keep(self, touchpoint: str, till: Till, at: Moment) -> StateChange:
        row = msgspec.msgpack.encode(till)
        self._tills[touchpoint] = till
        return StateChange(PART, touchpoint, row, at.wall_ms + self._window_ms + max(_KEEP_MS, REVISE_MS))

    def _clock_was_set(self, at: Moment) -> bool:
        """Tell whether rows must be kept by another wall clock than they were."""
        before, self._offset_ms = self._offset_ms, at.wall_ms - at.uptime_ms
        return before is not None and abs(self._offset_ms - before) >= _CLOCK_SET_MS


def _moment(stamp: Stamp, at: Moment) -> Moment:
    """Return when something was, by the clock as it stands now."""
    if stamp.boot_id != at.boot_id:
        return Moment(stamp.wall_ms, stamp.uptime_ms, stamp.boot_id, at.quality)
    return Moment(at.wall_ms - (at.uptime_ms - stamp.uptime_ms), stamp.uptime_ms, at.boot_id, at.quality)
