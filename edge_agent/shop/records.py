"""Exported records to readings: a register that says what it sold needs no template, only checking.

Fields are as the ``lines`` decoder leaves them: the contract's names, sums under ``totals``; ``workstation`` and
``cashier`` alone or under ``attribution``, ``channel`` a name or a table with ``id``. A whole number is minor units;
text, or a number with a point, is major units and is converted exactly.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from edge_agent.contract import data
from edge_agent.contract.money import minor_digits
from edge_agent.receipts.reading import Reading
from edge_agent.redact import Redacted, Redactor
from edge_agent.shop.tenders import tender_type

KINDS = ("sale", "return", "void", "top_up")
_OPTIONAL_TOTALS = ("gross", "tendered", "change")
_ZERO_TOTALS = ("discount", "rounding", "tax_added", "tip")

# Ten thousand million in a currency of cents: a till's mistake of a unit, not a basket. Still exact in JSON readers
# that hold numbers as doubles (2**53).
MAX_MINOR = 10**12
MAX_ROWS = 2_000  # lines of one order; the longest receipts have as many


class RecordError(ValueError):
    """The record's figures make no sense; the message names the field."""


def redacted_fields(redactor: Redactor, fields: Mapping[str, object]) -> tuple[dict[str, object], Redacted]:
    """Return a record's fields without secrets, and what was replaced in them: a row each, ``name: value``."""
    rows = [f"{path}: {value}" for path, value in _leaves(fields, "")]
    redacted = redactor.redact_lines(rows)
    safe = (
        (value if row == before else row[len(path) + 2 :])
        for (path, value), before, row in zip(_leaves(fields, ""), rows, redacted.lines, strict=True)
    )
    return {name: _rebuilt(value, safe) for name, value in fields.items()}, redacted


def _leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
    match value:
        case dict():
            for name, inner in value.items():
                yield from _leaves(inner, f"{path}.{name}" if path else str(name))
        case list():
            for inner in value:
                yield from _leaves(inner, path)
        case _:
            yield path, value


def _rebuilt(value: object, leaves: Iterator[object]) -> object:
    match value:
        case dict():
            return {name: _rebuilt(inner, leaves) for name, inner in value.items()}
        case list():
            return [_rebuilt(inner, leaves) for inner in value]
        case _:
            return next(leaves)


def reading_of(fields: Mapping[str, object], currency: str) -> Reading:
    """Return the order a record describes. Raises RecordError naming the field that can't be used."""
    digits = minor_digits(currency)
    kind = _text(fields, "kind") or "sale"
    if kind not in KINDS:
        raise RecordError(f"kind is {kind!r} (allowed: {', '.join(KINDS)})")
    totals = _totals(_table(fields.get("totals"), "totals"), digits)
    lines = tuple(_line(row, number, digits) for number, row in enumerate(_rows(fields, "lines"), 1))
    tenders = tuple(_tender(row, number, digits) for number, row in enumerate(_rows(fields, "tenders"), 1))
    attribution = _table(fields.get("attribution") or {}, "attribution")
    return Reading(
        kind=kind,
        number=_text(fields, "order_no"),
        printed_at=_time(fields),
        workstation=_text(fields, "workstation") or _text(attribution, "workstation"),
        cashier=_text(fields, "cashier") or _text(attribution, "cashier"),
        member=_text(fields, "member"),
        table=None,
        pickup_code=_text(fields, "pickup_code"),
        original_number=_text(fields, "original_order_no"),
        channel=_channel(fields),
        lines=lines,
        totals=totals,
        tenders=tenders,
        lines_check=_check_lines(lines, totals),
        tenders_check=_check_tenders(tenders, totals),
        template="",
    )


def _totals(table: Mapping[str, object], digits: int) -> data.Totals:
    amounts = {name: _amount(table.get(name), f"totals.{name}", digits) for name in ("payable", *_OPTIONAL_TOTALS)}
    adjustments = {name: _amount(table.get(name), f"totals.{name}", digits) or 0 for name in _ZERO_TOTALS}
    if amounts["payable"] is None:
        raise RecordError("totals.payable is missing")
    return data.Totals(
        payable=amounts["payable"], gross=amounts["gross"], tendered=amounts["tendered"], change=amounts["change"],
        discount=adjustments["discount"], rounding=adjustments["rounding"],
        tax_added=adjustments["tax_added"], tip=adjustments["tip"],
    )  # fmt: skip


def _line(row: Mapping[str, object], number: int, digits: int) -> data.Line:
    where = f"lines[{number}]"
    amount = _amount(row.get("amount"), f"{where}.amount", digits)
    if amount is None:
        raise RecordError(f"{where}.amount is missing")
    quantity = _text(row, "quantity")
    return data.Line(
        number=number,
        kind=_text(row, "kind") or ("discount" if amount < 0 else "sale"),
        name=_text(row, "name") or "",
        gtin=_text(row, "gtin"),
        quantity=str(_decimal(quantity, f"{where}.quantity")) if quantity else None,
        unit=_text(row, "unit"),
        unit_price=_amount(row.get("unit_price"), f"{where}.unit_price", digits),
        amount=amount,
    )


def _tender(row: Mapping[str, object], number: int, digits: int) -> data.Tender:
    where = f"tenders[{number}]"
    amount = _amount(row.get("amount"), f"{where}.amount", digits)
    if amount is None:
        raise RecordError(f"{where}.amount is missing")
    said, label = _text(row, "type"), _text(row, "label")
    return data.Tender(
        number=number,
        type=tender_type(said, label),
        label=label or said or "",
        amount=amount,
        entry=_text(row, "entry") or "unknown",
        provider=_text(row, "provider"),
        reference=_text(row, "reference"),
    )


def _check_lines(lines: tuple[data.Line, ...], totals: data.Totals) -> str:
    """Check the contract's first equation; a discount that no line carries is taken from the totals."""
    if not lines:
        return "unknown"
    assert totals.payable is not None
    amount = sum(line.amount for line in lines) + totals.rounding + totals.tax_added + totals.tip
    carried = any(line.amount < 0 for line in lines)
    return "pass" if totals.payable in {amount, amount - (0 if carried else totals.discount)} else "fail"


def _check_tenders(tenders: tuple[data.Tender, ...], totals: data.Totals) -> str:
    if not tenders:
        return "unknown"
    paid = sum(tender.amount for tender in tenders) - (totals.change or 0)
    return "pass" if paid == totals.payable else "fail"


def _amount(value: object, where: str, digits: int) -> int | None:
    """Return minor units, or None where there is nothing."""
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        minor = Decimal(value)
    else:
        minor = _decimal(value, where).scaleb(digits)
    if minor != minor.to_integral_value():
        raise RecordError(f"{where} is {value!r}: it has more than {digits} decimals")
    if abs(minor) > MAX_MINOR:
        raise RecordError(f"{where} is {value!r}: too large to be an amount")
    return int(minor)


def _decimal(value: object, where: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise RecordError(f"{where} is not a number")
    try:
        number = Decimal(value.strip().replace(",", "") if isinstance(value, str) else value)
    except InvalidOperation:
        raise RecordError(f"{where} is {value!r}: not a number") from None
    if not number.is_finite() or number.adjusted() > 15:
        raise RecordError(f"{where} is {value!r}: not an amount")
    return number


def _channel(fields: Mapping[str, object]) -> str | None:
    channel = fields.get("channel")
    return _text(channel, "id") if isinstance(channel, dict) else _text(fields, "channel")


def _time(fields: Mapping[str, object]) -> datetime | None:
    text = _text(fields, "printed_at") or _text(fields, "completed_at")
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise RecordError(f"printed_at is {text!r}: not an ISO 8601 time") from None


def _rows(fields: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    rows = fields.get(name)
    if rows is None:
        return []
    if not isinstance(rows, list) or len(rows) > MAX_ROWS:
        raise RecordError(f"{name} is not a list of at most {MAX_ROWS}")
    return [_table(row, f"{name}[{number}]") for number, row in enumerate(rows, 1)]


def _table(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise RecordError(f"{where} is not a table")
    return value


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    match value:
        case None | "":
            return None
        case str() | int() | Decimal():
            return str(value)
        case _:
            raise RecordError(f"{name} is not text")
