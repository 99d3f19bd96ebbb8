"""A proposed template proves itself: read by it, every capture says what its own sums say."""

from collections.abc import Sequence
from decimal import Decimal

from edge_agent.contract.data import Line
from edge_agent.receipts.compiled import Template
from edge_agent.receipts.reader import read
from edge_agent.receipts.reading import Reading
from edge_agent.receipts.teach.sums import Explanation
from edge_agent.receipts.template import Sample, SampleOrder, SampleTender


def problems(reading: Reading | None, explanation: Explanation, index: int) -> list[str]:
    """Return what a reading of the capture says otherwise than its sums; empty: it is proved."""
    if reading is None:
        return ["not understood"]
    found = []
    if reading.lines_check != "pass":
        found.append(f"its lines do not make its total ({reading.lines_check})")
    if reading.tenders_check == "fail" or (explanation.paid and reading.tenders_check != "pass"):
        found.append(f"its tenders do not make its total ({reading.tenders_check})")
    if reading.totals.payable != abs(explanation.payable[index]):
        found.append(f"payable read as {reading.totals.payable}, its sums say {abs(explanation.payable[index])}")
    goods = sorted(abs(line.amount) for line in reading.lines[: len(explanation.goods[index])])
    if goods != sorted(map(abs, explanation.goods[index])):
        found.append("other goods than its sums say")
    found += [f"not understood: {row}" for row in reading.unparsed]
    found += [f"line {line.number} has no name" for line in reading.lines if not line.name]
    return found + [f"line {line.number}: quantity x price is not its amount" for line in _contradicted(reading)]


def _contradicted(reading: Reading) -> list[Line]:
    return [
        line
        for line in reading.lines
        if line.quantity is not None
        and line.unit_price is not None
        and abs(abs(Decimal(line.quantity) * line.unit_price) - abs(line.amount)) >= 1
    ]


def detail(readings: Sequence[Reading]) -> int:
    """Return how much readings tell of their lines: quantities and prices that agree with the amounts."""
    lines = [line for reading in readings for line in reading.lines]
    return sum((line.quantity is not None) + 2 * (line.unit_price is not None) for line in lines)


def complete(reading: Reading | None) -> bool:
    """Tell whether nothing is left to teach: sums, payment, number and time of a slip are known."""
    return (
        reading is not None
        and (reading.lines_check, reading.tenders_check) == ("pass", "pass")
        and None not in (reading.number, reading.printed_at)
        and not reading.unparsed
        and not _contradicted(reading)
        and not any(tender.type == "other" for tender in reading.tenders)
    )


def readings(captures: Sequence[Sequence[str]], templates: Sequence[Template], currency: str) -> list[Reading | None]:
    """Return the captures as templates read them."""
    return [read(lines, templates, currency) for lines in captures]


def sample(lines: Sequence[str], reading: Reading, currency: str) -> Sample:
    """Return a capture as the sample of a template that reads it so."""
    order = {
        "kind": reading.kind,
        "number": reading.number,
        "printed_at": reading.printed_at,
        "payable": reading.totals.payable,
        "change": reading.totals.change,
        "tenders": tuple(SampleTender(type=t.type, amount=t.amount) for t in reading.tenders),
        "names": tuple(line.name for line in reading.lines),
        "amounts": tuple(line.amount for line in reading.lines),
        "lines": reading.lines_check,
        "tenders_check": reading.tenders_check,
    }
    said = {key: value for key, value in order.items() if value is not None}
    return Sample(text="\n".join(lines) + "\n", order=SampleOrder.model_validate(said), currency=currency)
