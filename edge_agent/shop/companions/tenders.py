"""What a payment terminal's answers, payment codes and the cash shown say of how an order was paid."""

import re
from collections.abc import Sequence

import msgspec

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.observations import Payment
from edge_agent.shop.companions.till import Paid, Printed, Sale, Till
from edge_agent.shop.stamp import Stamp
from edge_agent.shop.tenders import tender_type

# Payment codes a customer shows: WeChat Pay and Alipay as their merchant manuals give them, e-CNY by one source.
_CODES = (
    ("wechat_pay", re.compile(r"1[0-5]\d{16}", re.ASCII)),
    ("alipay", re.compile(r"(?:2[5-9]|30)\d{14,22}", re.ASCII)),
    ("ecny", re.compile(r"01\d{17}", re.ASCII)),
)
_ENTRIES = {"bank_card": "card"}  # of the others a terminal's answer does not tell
_PAYMENTS = {"sale": {"sale"}, "top_up": {"sale"}, "return": {"return"}, "void": {"void", "return"}}
_CARD_LIKE = re.compile(r"\d{6}")  # no name of a bank has so many digits

# Receipt and answer come over two lines: the one may be read before the other though it was sent after it, and some
# terminals answer the register when their own slip is out. The next customer's payment takes longer.
LATE_MS = 15_000


def code_kind(code: str) -> str | None:
    """Return the tender type of a payment code; None: it is another code."""
    text = code.strip()
    return next((kind for kind, form in _CODES if form.fullmatch(text)), None)


def paid(payment: Payment, at: Moment) -> Paid | None:
    """Return an answer as it is kept; None: nobody has paid."""
    if payment.result != "approved" or payment.amount is None or payment.amount <= 0:
        return None
    provider = payment.fields.get("provider")
    named = provider if provider and not _CARD_LIKE.search(provider) else None
    return Paid(Stamp.of(at), payment.amount, payment.kind, payment.type, payment.reference, named)


def take(till: Till, one: Paid, at: Moment) -> Printed | None:
    """Let a payment find what it is for: an open sale of its amount, else a receipt of just now, which is returned.

    Else it waits. A void takes back the payment it is of while that still waits.
    """
    if one.kind == "void" and _taken_back(till, one):
        return None
    if one.kind == "sale":
        for sale in till.open_sales():
            if sale.total == one.amount and sale.paid is None:
                sale.paid, sale.stamp = one, Stamp.of(at)
                return None
    for printed in reversed(till.printed):
        fits = printed.kind in _PAYMENTS and one.kind in _PAYMENTS[printed.kind] and one.amount in printed.open
        if fits and printed.stamp.elapsed_ms(at) <= LATE_MS:
            printed.open.remove(one.amount)
            return printed
    till.paid.append(one)
    return None


def _taken_back(till: Till, void: Paid) -> bool:
    for sale in till.open_sales():
        if sale.paid is not None and sale.paid.amount == void.amount:
            sale.paid = None
            return True
    for place in reversed(range(len(till.paid))):
        if till.paid[place].kind == "sale" and till.paid[place].amount == void.amount:
            del till.paid[place]
            return True
    return False


def join(till: Till, sale: Sale) -> None:
    """Give a sale whose total has just been shown the payment and the code that came before it."""
    for place in reversed(range(len(till.paid))):
        if sale.paid is None and till.paid[place].kind == "sale" and till.paid[place].amount == sale.total:
            sale.paid = till.paid.pop(place)
    sale.code = sale.code or newest_code(till)
    till.codes = {}


def newest_code(till: Till) -> str | None:
    """Return the kind of the payment code shown last."""
    return max(till.codes, key=lambda kind: till.codes[kind].wall_ms, default=None)


def settled(order: data.Order, payments: Sequence[Paid]) -> tuple[data.Order, list[Paid]]:
    """Return an order with what payments (oldest first) say of its tenders, and the payments it has taken.

    Each is used once, the newest first. An order that names no means of payment was paid by what has its amount.
    """
    waiting = [one for one in payments if one.kind in _PAYMENTS.get(order.kind, ())]
    tenders, taken = list(order.tenders), list[Paid]()
    only = len(tenders) == 1
    for place in reversed(range(len(tenders))):
        tender = tenders[place]
        amounts = {tender.amount, order.totals.payable} if only else {tender.amount}
        fits = (one for one in reversed(waiting) if one.amount in amounts and _is_of(tender, one.type, order.totals))
        if (one := next(fits, None)) is not None:
            waiting.remove(one)
            taken.append(one)
            tenders[place] = _paid_with(tender, one, order.totals)
    if not tenders:
        whole = next((one for one in reversed(waiting) if one.amount == order.totals.payable), None)
        if whole is not None:
            taken.append(whole)
            tenders = [_tender(whole)]
    return msgspec.structs.replace(order, tenders=tuple(tenders)), taken


def unreferenced(order: data.Order) -> list[int]:
    """Return the amounts of an order that a payment may still turn up for."""
    if not order.tenders:
        return [order.totals.payable or 0]
    tenders = (tender for tender in order.tenders if tender.reference is None)
    return [one.amount for one in tenders if one.type != "cash" or not _is_named(one, order.totals)]


def scanned(order: data.Order, code: str | None) -> data.Order:
    """Return an order whose tender of the kind of a payment code was scanned by the merchant."""
    tenders = list(order.tenders)
    places = [place for place, tender in enumerate(tenders) if tender.type == code]
    places = places or [place for place, tender in enumerate(tenders) if tender.type == "other"]
    if code is None or len(places) != 1 or tenders[places[0]].entry != "unknown":
        return order
    tenders[places[0]] = msgspec.structs.replace(tenders[places[0]], type=code, entry="merchant_scan")
    return msgspec.structs.replace(order, tenders=tuple(tenders))


def shown_tender(sale: Sale) -> data.Tender | None:
    """Return how a sale was paid, as far as was shown: by a payment or code for all of it, else in cash."""
    assert sale.total is not None
    if not sale.change:
        if sale.paid is not None and sale.paid.amount == sale.total:
            return _tender(sale.paid, sale.code)
        if sale.code is not None:
            return data.Tender(number=1, type=sale.code, label="", amount=sale.total, entry="merchant_scan")
    if sale.received is None and sale.change is None:
        return None
    given = sale.received if sale.received is not None else sale.total + (sale.change or 0)
    return data.Tender(number=1, type="cash", label="", amount=given, entry="cash")


def _tender(one: Paid, code: str | None = None) -> data.Tender:
    kind = one.type or code or "other"
    entry = "merchant_scan" if code is not None and code == kind else _ENTRIES.get(kind, "unknown")
    return data.Tender(
        number=1, type=kind, label="", amount=one.amount, entry=entry, provider=one.provider, reference=one.reference
    )


def _paid_with(tender: data.Tender, one: Paid, totals: data.Totals) -> data.Tender:
    kind = tender.type if one.type is None or _is_named(tender, totals) else one.type
    was_known = tender.entry != "unknown" and tender.type == kind
    return msgspec.structs.replace(
        tender,
        type=kind,
        entry=tender.entry if was_known else _ENTRIES.get(kind, "unknown"),
        provider=tender.provider or one.provider,
        reference=one.reference,
    )


def _is_of(tender: data.Tender, kind: str | None, totals: data.Totals) -> bool:
    """Tell whether a payment of a kind may be what a tender says."""
    if tender.reference is not None:
        return False
    if kind is None:
        return tender.type != "cash"
    return tender.type == kind or not _is_named(tender, totals)


def _is_named(tender: data.Tender, totals: data.Totals) -> bool:
    """Tell whether the slip says what kind of tender it is: 实收 alone, without change, is taken for cash."""
    if tender.type == "cash":
        return bool(totals.change) or tender_type(None, tender.label) == "cash"
    return tender.type != "other"
