"""Which shown sale a receipt stands for, and what the receipt takes from it."""

import msgspec

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.shop.companions import tenders
from edge_agent.shop.companions.till import PAIR_MS, Printed, Sale, Till, Told
from edge_agent.shop.stamp import Stamp

DIFFERS = "display_differs"

# A member's card or a coupon takes the cashier longer than this; what follows at once is another sale.
DISCOUNT_MS = 1_000


def totals_of(order: data.Order) -> list[int]:
    """Return what a display may show as the total of an order: before and after rounding."""
    totals = order.totals
    shown = [] if totals.payable is None else [totals.payable, totals.payable - totals.rounding]
    return [abs(total) for total in dict.fromkeys(shown) if total]


def sale_of(till: Till, order: data.Order) -> Sale | None:
    """Return the sale on the display, or left by it, that an order is the receipt of.

    Of several the one whose received and change agree, then the newest. One that the display has left for other goods
    and that disagrees is another sale of the same amount.
    """
    totals = totals_of(order)
    fits = [sale for sale in till.open_sales() if sale.total in totals or _paid_amount(sale) == order.totals.payable]
    agreeing = [sale for sale in fits if agrees(sale, order.totals)]
    now = [sale for sale in fits if sale is till.now and not sale.goods]
    return next(iter((*agreeing, *now)), None)


def told_of(till: Till, order: data.Order) -> Told | None:
    """Return the provisional order that a late receipt stands for: papers come out in the order they were meant to."""
    totals = totals_of(order)
    return next((told for told in till.told if told.sale.total in totals and agrees(told.sale, order.totals)), None)


def settle(till: Till, sale: Sale, order: data.Order) -> None:
    """Let a sale wait no more, nor what were parts of its total."""
    sales = [*till.waiting, *([till.now] if till.now is not None else [])]
    place = next(place for place, other in enumerate(sales) if other is sale)
    parts: list[Sale] = []
    for before in reversed(sales[:place]):
        if not (before.leads_on or (not parts and before.is_bare and _is_undiscounted(before, sale, order))):
            break
        parts.append(before)
    sale.settled = True
    till.waiting = [one for one in till.waiting if one is not sale and not any(one is part for part in parts)]


def _is_undiscounted(before: Sale, sale: Sale, order: data.Order) -> bool:
    """Tell whether a total is that of the same goods before the discount: shown, then shown again with it."""
    is_more = before.total == order.totals.gross and before.total not in totals_of(order)
    stood_ms = _between_ms(before.shown, sale.shown)
    return is_more and stood_ms >= DISCOUNT_MS and not before.rested and not before.goods


def refund_of(till: Till, order: data.Order) -> Sale | None:
    """Return the total on the display that was no sale but what a return slip gives back: some show it without a sign.

    A void has none: it is of a sale before it.
    """
    now = till.now
    if order.kind != "return" or now is None or not now.is_open or now.goods or not now.is_bare:
        return None
    return now if now.total in totals_of(order) else None


def printed_before(till: Till, sale: Sale, window_ms: int, at: Moment) -> Printed | None:
    """Return the receipt within the window that a sale shown after it is the sale of."""
    fits = (one for one in reversed(till.printed) if not one.shown and sale.total in one.totals)
    return next((one for one in fits if one.stamp.elapsed_ms(at) <= window_ms), None)


def left_over(till: Till, sale: Sale) -> Printed | None:
    """Return the receipt of a sale that was shown before the discount alone: neither fits anything else."""
    fits = (one for one in till.printed if not one.shown and one.gross == sale.total)
    return next((one for one in fits if 0 < _between_ms(sale.shown, one.stamp) <= PAIR_MS), None)


def _between_ms(earlier: Stamp, later: Stamp) -> int:
    same_boot = earlier.boot_id == later.boot_id
    return later.uptime_ms - earlier.uptime_ms if same_boot else later.wall_ms - earlier.wall_ms


def agrees(sale: Sale, totals: data.Totals) -> bool:
    """Tell whether what was shown does not contradict what was printed.

    A slip that says how much of the cash stayed in the drawer agrees with a display that says how much was given.
    """
    if totals.change in (None, 0) and totals.tendered in (None, totals.payable):
        return _paid_amount(sale) in (None, totals.payable)
    return all(
        shown is None or printed is None or shown == printed
        for shown, printed in ((sale.received, totals.tendered), (sale.change, totals.change))
    )


def _paid_amount(sale: Sale) -> int | None:
    """Return what stayed in the drawer, as far as it was shown."""
    if sale.received is None or sale.change is None:
        return None
    return sale.received - sale.change


def enriched(order: data.Order, sale: Sale, tender: data.Tender | None) -> data.Order:
    """Return an order with the received and change that it does not say itself, flagged if they contradict it.

    ``tender``: how the sale was paid as far as was shown, for an order that does not say.
    """
    if not agrees(sale, order.totals):
        flags = (*order.evidence.flags, DIFFERS)
        return msgspec.structs.replace(order, evidence=msgspec.structs.replace(order.evidence, flags=flags))
    totals, paid = order.totals, sum(tender.amount for tender in order.tenders)
    tendered, change, paid_by = totals.tendered, totals.change, order.tenders
    if tendered is None and sale.received is not None and paid in (0, sale.received):
        tendered = sale.received
    if change is None and sale.change is not None and (not paid_by or paid - sale.change == totals.payable):
        change = sale.change
    if not paid_by and tender is not None and tender.amount - (change or 0) == totals.payable:
        paid_by = (tender,)
    totals = msgspec.structs.replace(totals, tendered=tendered, change=change)
    return msgspec.structs.replace(order, totals=totals, tenders=paid_by)


def then(till: Till, wall_ms: int, window_ms: int) -> Till:
    """Return of a till what was shown at about a time that has passed."""

    def is_near(sale: Sale) -> bool:
        return abs(sale.shown.wall_ms - wall_ms) <= window_ms

    now = till.now if till.now is not None and is_near(till.now) else None
    return Till(
        now=now, waiting=list(filter(is_near, till.waiting)), told=[one for one in till.told if is_near(one.sale)]
    )


def revised(order: data.Order, told: Told) -> data.Order:
    """Return a late receipt as the next revision of the provisional order: the sale took place when it was shown."""
    hops = tuple(msgspec.structs.replace(hop, at=told.completed_at) for hop in order.journey)
    return msgspec.structs.replace(
        order,
        order_id=told.order_id,
        revision=told.revision + 1,
        business_day=told.business_day,
        completed_at=told.completed_at,
        journey=hops,
    )


def note(till: Till, order: data.Order, *, shown: bool, at: Moment) -> None:
    """Remember a receipt for what is said of it after it."""
    unreferenced = tenders.unreferenced(order)
    gross = order.totals.gross if order.kind == "sale" else None
    till.printed.append(Printed(Stamp.of(at), order.order_id, order.kind, totals_of(order), unreferenced, shown, gross))
