"""From rows and their solution to the reading: fields, lines, totals, tenders, and the honest checks."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from edge_agent.contract.data import Line, Tender, Totals
from edge_agent.receipts import codes, fields, times
from edge_agent.receipts.compiled import Template
from edge_agent.receipts.goods import Goods
from edge_agent.receipts.grid import Row
from edge_agent.receipts.reading import Reading
from edge_agent.receipts.sums import Solution
from edge_agent.receipts.tenders import entry, provider, references
from edge_agent.receipts.titles import Titles


def reading(
    rows: Sequence[Row],
    template: Template,
    currency: str,
    barcodes: Sequence[str],
    solution: Solution | None,
    kind: str,
    titles: Titles,
    unread: Sequence[int],
) -> Reading:
    """Return what the slip says; ``unread``: indexes of goods rows that nobody understood."""
    found = fields.pairs_by_role(rows)
    own = {name: _own(rows, pattern) for name, pattern in template.fields.items()}
    order = _date_order(template.settings.dates, currency)
    stamp = times.combine([s for s in [times.find(own.get("printed_at") or "", order)] if s])
    lines = _lines(solution, topped_up=kind == "top_up")
    if kind == "top_up" and not lines and solution is not None:
        lines = (Line(number=1, kind="top_up", name="", amount=abs(solution.payable)),)
    totals = _totals(solution, lines)
    tenders = _tenders(solution, rows)
    lines_check, tenders_check = _checks(solution, lines, totals, tenders)
    if solution is not None and fields.is_of_two(rows, found):
        lines_check = tenders_check = "fail"
    flags = []
    if solution is not None and solution.paid is not None and solution.paid.implied:
        flags.append("tender_implied")
    if solution is not None and solution.payable < 0:
        flags.append("refund_negative")
    text_of = {row.index: row.text.strip() for row in rows}
    return Reading(
        kind,
        own.get("number") or fields.number(rows, found, barcodes),
        stamp or fields.printed_at(rows, found, order),
        own.get("workstation") or fields.ident(found, "workstation"),
        own.get("cashier") or fields.text(found, "cashier"),
        own.get("member") or fields.text(found, "member"),
        own.get("table") or fields.ident(found, "table"),
        own.get("pickup_code") or fields.ident(found, "pickup_code") or titles.day_number,
        own.get("original_number") or fields.ident(found, "original_number"),
        titles.channel,
        lines,
        totals,
        tenders,
        lines_check,
        tenders_check,
        template.settings.label,
        tuple(text_of[i] for i in unread if i in text_of),
        tuple(flags),
        invoice=codes.invoice_link([row.text for row in rows], barcodes),
    )


def _own(rows: Sequence[Row], pattern: Any) -> str | None:
    for row in rows:
        match = pattern.search(row.text)
        if match is not None and match.group(1):
            return str(match.group(1)).strip()
    return None


_UNDONE = re.compile(r"取消|作废|退|撤|void|cancel|refund|return|error|訂正|返品|취소|반품", re.IGNORECASE)


def _date_order(said: str, currency: str) -> str:
    if said != "currency":
        return said
    return {"CNY": "ymd", "JPY": "ymd", "KRW": "ymd", "TWD": "ymd", "USD": "mdy"}.get(currency, "dmy")


def _lines(solution: Solution | None, *, topped_up: bool) -> tuple[Line, ...]:
    if solution is None or (solution.built is None and not solution.goods):
        return ()
    sign = -1 if solution.payable < 0 else 1
    goods = solution.built.goods if solution.built is not None else solution.goods
    lines = [
        Line(
            number=i,
            kind="top_up" if topped_up and g.kind == "sale" else _kind(g, sign * g.amount),
            name=g.name,
            amount=sign * g.amount,
            gtin=fields.gtin(g.code),
            quantity=None if g.quantity is None else format(_like(g.quantity, sign * g.amount), "f"),
            unit=g.unit,
            unit_price=g.unit_price,
        )
        for i, g in enumerate(goods, 1)
    ]
    extra = solution.built.extra if solution.built is not None else ()
    for figure in extra:
        kind = "fee" if figure.role == "fee" or (figure.role == "unknown" and sign * figure.amount > 0) else "discount"
        lines.append(Line(number=len(lines) + 1, kind=kind, name=figure.label, amount=sign * figure.amount))
    return tuple(lines)


def _kind(goods: Goods, amount: int) -> str:
    """Return a line's kind: an amount taken off without a count of anything is a discount, unless it undoes a line."""
    counted = goods.quantity is not None or goods.unit_price is not None or goods.code is not None
    return (
        "discount"
        if goods.kind == "sale" and amount < 0 and not counted and not _UNDONE.search(goods.name)
        else goods.kind
    )


def _like(quantity: Decimal, amount: int) -> Decimal:
    """Return a quantity as it is told: minus only where it was printed so for an amount that is negative, too."""
    return quantity if amount < 0 else abs(quantity)


def _totals(solution: Solution | None, lines: Sequence[Line]) -> Totals:
    if solution is None:
        return Totals(payable=None)
    sign = -1 if solution.payable < 0 else 1
    built, paid = solution.built, solution.paid
    return Totals(
        payable=abs(solution.payable),
        gross=sum(line.amount for line in lines if line.kind != "discount") if built is not None else None,
        discount=-sum(line.amount for line in lines if line.kind == "discount") if built is not None else 0,
        rounding=sign * built.rounding if built is not None else 0,
        tax_added=sign * built.tax_added if built is not None else 0,
        tip=sign * built.tip if built is not None else 0,
        tendered=None if paid is None or paid.tendered is None else abs(paid.tendered),
        change=None if paid is None else paid.change,
    )


def _tenders(solution: Solution | None, rows: Sequence[Row]) -> tuple[Tender, ...]:
    if solution is None or solution.paid is None:
        return ()
    sign = -1 if solution.payable < 0 else 1
    found = references(rows)
    return tuple(
        Tender(
            number=i,
            type=t.type,
            label=t.label,
            amount=sign * t.amount,
            entry=entry(t, rows),
            provider=provider(t),
            reference=found if len(solution.paid.tenders) == 1 or t.type not in ("cash", "coupon") else None,
        )
        for i, t in enumerate(solution.paid.tenders, 1)
    )


def _checks(
    solution: Solution | None, lines: Sequence[Line], totals: Totals, tenders: Sequence[Tender]
) -> tuple[str, str]:
    """Return both checks of the finished figures, by the contract's two equations."""
    if solution is None or totals.payable is None:
        return "unknown", "unknown"
    lines_check = "unknown"
    if any(line.kind in ("sale", "top_up") for line in lines):
        total = sum(line.amount for line in lines) + totals.rounding + totals.tax_added + totals.tip
        lines_check = "pass" if total == totals.payable and not solution.unused else "fail"
        if lines_check == "pass" and _rests_on_a_stranger(solution):
            lines_check = "unknown"
    tenders_check = "unknown"
    if tenders:
        total = sum(t.amount for t in tenders) - (totals.change or 0)
        agrees = total == totals.payable
        proved = solution.paid is not None and solution.paid.proved
        tenders_check = ("pass" if proved else "unknown") if agrees else "fail"
    if solution.contradicted and lines_check == "unknown" and tenders_check == "unknown":
        lines_check = "fail"
    return lines_check, tenders_check


def _rests_on_a_stranger(solution: Solution) -> bool:
    """Tell whether the goods come to the total only by a word nobody knows, and nothing else proves it."""
    strange = solution.built is not None and any(f.role == "unknown" for f in solution.built.extra)
    return strange and (solution.paid is None or not solution.paid.proved)
