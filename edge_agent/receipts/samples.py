"""A template proves itself: every sample it carries must be read as the order written beside it."""

from collections.abc import Iterator

from edge_agent.receipts.compiled import Template
from edge_agent.receipts.reader import read
from edge_agent.receipts.reading import Reading
from edge_agent.receipts.template import Sample, SampleOrder


def check_samples(template: Template) -> list[str]:
    """Return what is wrong with the template's samples, one line each; empty if all are read as they say."""
    problems = []
    for position, sample in enumerate(template.settings.samples, 1):
        reading = read(sample.text.splitlines(), [template], sample.currency)
        where = f"{template.settings.label}: sample {position}"
        if reading is None:
            problems.append(f"{where}: the template does not understand it")
        else:
            problems += [f"{where}: {problem}" for problem in _differences(sample, reading)]
    return problems


def _differences(sample: Sample, reading: Reading) -> Iterator[str]:
    read_as = _as_order(reading)
    for name in sample.order.model_fields_set:
        expected, found = getattr(sample.order, name), getattr(read_as, name)
        if expected != found:
            yield f"{name}: expected {expected!r}, read {found!r}"


def _as_order(reading: Reading) -> SampleOrder:
    totals = reading.totals
    return SampleOrder.model_validate(
        {
            "kind": reading.kind,
            "number": reading.number,
            "printed_at": reading.printed_at,
            "workstation": reading.workstation,
            "cashier": reading.cashier,
            "member": reading.member,
            "table": reading.table,
            "pickup_code": reading.pickup_code,
            "original_number": reading.original_number,
            "channel": reading.channel,
            "payable": totals.payable,
            "change": totals.change,
            "discount": totals.discount,
            "rounding": totals.rounding,
            "tax_added": totals.tax_added,
            "tip": totals.tip,
            "tenders": tuple({"type": t.type, "amount": t.amount} for t in reading.tenders),
            "names": tuple(line.name for line in reading.lines),
            "amounts": tuple(line.amount for line in reading.lines),
            "lines": reading.lines_check,
            "tenders_check": reading.tenders_check,
        }
    )
