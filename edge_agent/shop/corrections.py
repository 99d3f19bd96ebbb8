"""A slip read a second time: what of its order is put right, and what stays as it was sent."""

from collections.abc import Set as AbstractSet
from typing import cast

import msgspec

from edge_agent.contract import data

# What no slip says: it was so when the order was made, whatever the configuration says by now.
_GIVEN = frozenset(
    {
        "order_id", "revision", "mode", "journey", "currency", "checkin_id", "system", "device", "store", "touchpoint",
        "receipt_number",
    }
)  # fmt: skip
_TIMES = frozenset({"completed_at", "business_day"})
_APART = frozenset({"tenders", "evidence", "member"})

_PROOF = {"fail": 0, "unknown": 1, "pass": 2}


def corrected(read: data.Order, sent: data.Order, again: data.Order, *, own_clock: bool) -> data.Order | None:
    """Return the order as it is to be sent now, one revision up; None where that says the same, or is less sure.

    ``read``: as the slip alone said before; ``sent``: as it went out, with what else was known; ``again``: as the slip
    alone says now. What is the same in both readings stays as sent. ``own_clock``: the agent's clock gave the order
    its time; or else the slip did.
    """
    fixed = _GIVEN | _TIMES if own_clock else _GIVEN
    order = cast("data.Order", _merged(read, sent, again, fixed | _APART))
    order = msgspec.structs.replace(
        order,
        tenders=_tenders(read, sent, again),
        evidence=_evidence(read.evidence, sent.evidence, again.evidence),
        # Whoever tapped is known better than whoever is printed; what is printed, better than nothing.
        member=sent.member if sent.member != read.member else again.member or sent.member,
    )
    if _tells_the_same(sent, order) or _is_worse(sent, order):
        return None
    return msgspec.structs.replace(order, revision=sent.revision + 1)


def _merged(read: object, sent: object, again: object, fixed: AbstractSet[str]) -> object:
    if not isinstance(sent, msgspec.Struct):
        return sent if again is None or again == read else again
    names = (name for name in sent.__struct_fields__ if name not in fixed)
    changes = {n: _merged(getattr(read, n), getattr(sent, n), getattr(again, n), fixed) for n in names}
    return msgspec.structs.replace(sent, **changes)


def _tenders(read: data.Order, sent: data.Order, again: data.Order) -> tuple[data.Tender, ...]:
    if again.tenders == read.tenders or not again.tenders:
        return sent.tenders
    known = {(tender.type, tender.amount): tender for tender in sent.tenders}
    return tuple(_with_what_was_known(t, known.get((t.type, t.amount))) for t in again.tenders)


def _with_what_was_known(tender: data.Tender, known: data.Tender | None) -> data.Tender:
    if known is None:
        return tender
    return msgspec.structs.replace(
        tender,
        entry=known.entry if tender.entry == "unknown" else tender.entry,
        provider=tender.provider or known.provider,
        reference=tender.reference or known.reference,
    )


def _evidence(read: data.Evidence, sent: data.Evidence, again: data.Evidence) -> data.Evidence:
    """Return the new reading's evidence, with the flags others had given the order, without those they took."""
    added = [flag for flag in sent.flags if flag not in (*read.flags, *again.flags)]
    taken = set(read.flags) - set(sent.flags)
    flags = (*(flag for flag in again.flags if flag not in taken), *added)
    return msgspec.structs.replace(again, flags=flags)


def _tells_the_same(sent: data.Order, order: data.Order) -> bool:
    """Tell whether nothing but the template's name, and what it left unexplained, is different."""
    evidence = msgspec.structs.replace(
        order.evidence,
        decoder=sent.evidence.decoder,
        template=sent.evidence.template,
        unparsed=sent.evidence.unparsed,
        flags=sent.evidence.flags if set(order.evidence.flags) == set(sent.evidence.flags) else order.evidence.flags,
    )
    return msgspec.structs.replace(order, evidence=evidence) == sent


def _is_worse(sent: data.Order, order: data.Order) -> bool:
    """Tell whether less is proved than before, or something is no longer there."""
    proved = ((sent.checks.lines, order.checks.lines), (sent.checks.tenders, order.checks.tenders))
    if any(_PROOF.get(now, 1) < _PROOF.get(before, 1) for before, now in proved):
        return True
    return bool(sent.lines) and not order.lines
