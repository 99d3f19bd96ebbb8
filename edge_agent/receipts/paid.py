"""How the money changed hands: which printed tenders, and which change, make up an amount."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

_BALANCE = re.compile(r"余额$|餘額$|残高$|잔액$|balance$", re.IGNORECASE)

_COUPONS = ("coupon", "group_voucher", "member_points")


@dataclass(frozen=True, slots=True)
class Figure:
    """One labelled amount. ``role``: of the word table, or ``tender`` with ``type``."""

    row: int
    role: str
    label: str
    amount: int
    type: str = ""


@dataclass(frozen=True, slots=True)
class Method:
    """A means of payment named without an amount of its own: ``支付方式:微信支付``."""

    row: int
    label: str
    type: str


@dataclass(frozen=True, slots=True)
class Paid:
    """How the money changed hands. ``proved``: every figure of it was printed and they agree."""

    tenders: tuple[Figure, ...]
    change: int | None
    tendered: int | None
    proved: bool
    implied: bool = False
    discounts: tuple[Figure, ...] = ()


def ways_paid(payable: int, figures: Sequence[Figure], methods: Sequence[Method]) -> Iterator[Paid]:
    """Yield the ways in which the printed tenders make up the amount, likeliest first."""
    tenders = _without_repeats([f for f in figures if f.role == "tender" and f.amount != 0], payable, figures)
    change = change_of(figures, payable)
    received = [f for f in figures if f.role in ("received", "net") and f.amount != 0]
    sign = -1 if payable < 0 else 1
    tenders = [signed(t, sign) for t in tenders]
    total = sum(t.amount for t in tenders)
    if tenders:
        if total - sign * (change or 0) == payable and not _taken_off(figures, payable, change or 0):
            yield Paid(tuple(tenders), change, total, proved=True)
        coupons = tuple(t for t in tenders if t.type in _COUPONS)
        rest = tuple(t for t in tenders if t not in coupons)
        if coupons and rest and sum(t.amount for t in rest) - sign * (change or 0) == payable:
            whole = Paid(rest, change, sum(t.amount for t in rest), proved=True)
            yield replace(whole, discounts=coupons)
            yield whole  # a coupon that the customer was given, not one that was used
        own = [replace(f, role="tender", type="other") for f in figures if f.role == "wallet"]
        if len(own) == 1 and total + own[0].amount - sign * (change or 0) == payable:
            yield Paid((*tenders, own[0]), change, total + own[0].amount, proved=True)
        if coupons and not rest:
            for paid in _ways_named(payable, received, change, methods):
                yield replace(paid, discounts=coupons)
        yield from _net_of_change(payable, tenders, received, change)
        yield from _below_total(payable, tenders, figures, change)
        return
    yield from _ways_named(payable, received, change, methods)
    own = [replace(f, role="tender", type="other") for f in figures if f.role == "wallet" and f.amount == payable]
    if len(own) == 1 and not received and not methods:  # a shop's own card or wallet
        yield Paid((own[0],), None, payable, proved=False)  # a word nobody knows proves nothing alone


def _taken_off(figures: Sequence[Figure], payable: int, change: int) -> bool:
    """Tell whether points or a coupon are printed with a minus, then what was left to pay: 积分抵扣 -2.00 实收 290.00.

    That is less to pay, and no means of paying; unless a 应收 above says that all was due.
    """
    less = [f for f in figures if f.role == "tender" and f.type in _COUPONS and f.amount < 0]
    if not less or payable < 0:
        return False
    rest = payable + sum(f.amount for f in less)
    paid = sum(f.amount for f in figures if f.role == "tender" and f.amount > 0) - change
    due = any(f.role == "due" and f.amount == payable for f in figures)
    left = any(f.role in ("due", "net", "total") and f.amount == rest and f.row > less[-1].row for f in figures)
    return paid == rest and left and not due


def _below_total(
    payable: int, tenders: Sequence[Figure], figures: Sequence[Figure], change: int | None
) -> Iterator[Paid]:
    """Read what stands below the total: a good may be called CARDS."""
    totals = [f.row for f in figures if f.amount == payable and f.role in ("due", "total", "net")]
    below = tuple(t for t in tenders if totals and t.row > totals[0])
    total = sum(t.amount for t in below)
    if 0 < len(below) < len(tenders) and total - (change or 0) == payable:
        yield Paid(below, change, total, proved=True)


def _ways_named(
    payable: int, received: Sequence[Figure], change: int | None, methods: Sequence[Method]
) -> Iterator[Paid]:
    """Yield how the amount was paid where no tender has an amount of its own: by 实收, else by the one means named."""
    sign = -1 if payable < 0 else 1
    for figure in reversed(received):
        if figure.amount - sign * (change or 0) == payable:
            yield _from_received(figure, change, methods)
            return
    if len(methods) == 1 and not received:
        only = Figure(methods[0].row, "tender", methods[0].label, payable, methods[0].type)
        yield Paid((only,), change, payable, proved=False, implied=True)


def change_of(figures: Sequence[Figure], payable: int) -> int | None:
    """Return the change; on a slip that has another total, a refund is change by another name."""
    changes = [abs(f.amount) for f in figures if f.role == "change"]
    if not changes and any(f.role in ("due", "total") and f.amount == payable for f in figures):
        changes = [abs(f.amount) for f in figures if f.role == "refund" and f.amount != payable]
    return changes[-1] if changes else None


def signed(tender: Figure, sign: int) -> Figure:
    """Return a tender with the sign of the slip: some tills print what was paid as negative, or refunds as positive."""
    return Figure(tender.row, tender.role, tender.label, sign * abs(tender.amount), tender.type)


def _from_received(figure: Figure, change: int | None, methods: Sequence[Method]) -> Paid:
    """Make a tender of 实收: of the one means named, else cash if there was change, else of nothing known."""
    if len(methods) == 1:
        tender = Figure(figure.row, "tender", methods[0].label, figure.amount, methods[0].type)
        return Paid((tender,), change, figure.amount, proved=True)
    if change is not None or figure.role == "received":
        tender = Figure(figure.row, "tender", figure.label, figure.amount, "cash")
        return Paid((tender,), change, figure.amount, proved=True, implied=True)
    return Paid((), change, figure.amount, proved=False)


def _net_of_change(
    payable: int, tenders: Sequence[Figure], received: Sequence[Figure], change: int | None
) -> Iterator[Paid]:
    """Read ``实收 20 找零 4 现金 16``: the cash row is what stayed in the drawer."""
    if not change or sum(t.amount for t in tenders) != payable:
        return
    cash = [t for t in tenders if t.type == "cash"]
    for figure in received:
        if len(cash) == 1 and figure.amount - change == payable:
            whole = [Figure(t.row, t.role, t.label, t.amount + change, t.type) if t is cash[0] else t for t in tenders]
            yield Paid(tuple(whole), change, figure.amount, proved=True)
            return


def _without_repeats(tenders: list[Figure], payable: int, figures: Sequence[Figure]) -> list[Figure]:
    """Drop what is left on a card, and what is printed twice: by the till, then on the payment service's own slip."""
    change = change_of(figures, payable) or 0
    if abs(sum(t.amount for t in tenders)) - change == abs(payable):
        return tenders
    tenders = [t for t in tenders if _BALANCE.search(t.label) is None or t.amount == payable]
    seen: set[tuple[str, int]] = set()
    kept = []
    for tender in tenders:
        key = (tender.type, tender.amount)
        if key not in seen:
            kept.append(tender)
        seen.add(key)
    return kept
