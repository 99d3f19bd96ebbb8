"""Reads slips as a store does, from the decoder on, and tells what differs from the paper."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from unicodedata import normalize

from edge_agent import decoders, receipts
from edge_agent.contract import data
from edge_agent.observations import Receipt
from edge_agent.receipts import Reading, Template
from edge_agent.redact import Redactor
from tests.support.fresh.slip import Line, Slip


@dataclass
class Score:
    """``wrong``: by slip, what differs. ``passing``: slips with a wrong figure whose checks hold all the same.

    ``dropped``: bytes that made no single slip. ``unread``: slips no template understood, which are sent as that.
    """

    slips: int = 0
    wrong: dict[str, list[str]] = field(default_factory=dict)
    passing: dict[str, list[str]] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return 1 - len(self.wrong) / self.slips


def score(slips: tuple[Slip, ...], templates: tuple[Template, ...]) -> Score:
    """Read each slip with all templates."""
    found = Score()
    for slip in slips:
        found.slips += 1
        lines = printed(slip)
        if lines is None:
            found.dropped.append(slip.name)
            found.wrong[slip.name] = ["no slip left the decoder"]
            continue
        redacted = Redactor(secrets.token_bytes(32)).redact_lines(lines)
        reading = receipts.read(redacted.lines, templates, slip.currency)
        if reading is None:
            found.unread.append(slip.name)
            found.wrong[slip.name] = ["no template"]
            continue
        wrong = differences(slip, reading)
        if wrong:
            found.wrong[slip.name] = wrong
        false = false_figures(slip, reading)
        if false and reading.lines_check == "pass" and reading.tenders_check != "fail":
            found.passing[slip.name] = false
    return found


def printed(slip: Slip) -> tuple[str, ...] | None:
    """Return the rows the decoder gives for a slip's bytes, None if it gives no single slip."""
    settings = decoders.settings_model("escpos").model_validate({"encoding": slip.encoding})
    decoder = decoders.create("escpos", settings)
    seen = [*decoder.feed(slip.stream()), *decoder.idle()]
    found = [observation for observation in seen if isinstance(observation, Receipt)]
    return found[0].lines if len(found) == 1 else None


def differences(slip: Slip, reading: Reading) -> list[str]:
    """Return what a reading says otherwise than the paper; what is not certain from the paper is not judged."""
    wrong = [
        f"{what}: {got!r}, printed {expected!r}"
        for what, got, expected in (
            ("kind", reading.kind, slip.kind),
            ("number", _bare(reading.number), _bare(slip.number)),
            ("printed_at", reading.printed_at, datetime.fromisoformat(slip.printed_at) if slip.printed_at else None),
            ("channel", reading.channel, slip.channel),
            ("cash", (reading.cash.direction, reading.cash.amount) if reading.cash else None, slip.cash),
            ("day number", _bare(reading.pickup_code), slip.day_number),
        )
        if expected is not None and got != expected
    ]
    return wrong + figures_differ(slip, reading)


def figures_differ(slip: Slip, reading: Reading) -> list[str]:
    """Return which amounts, lines and tenders differ."""
    if slip.payable is None:
        return []
    totals = reading.totals
    wrong = []
    if totals.payable != slip.payable:
        wrong.append(f"payable: {totals.payable}, printed {slip.payable}")
    if slip.tenders is not None:
        got = tuple((tender.type, tender.amount) for tender in reading.tenders)
        if not _same_tenders(got, slip.tenders) or (totals.change or 0) != slip.change:
            wrong.append(f"tenders: {got} change {totals.change}, printed {slip.tenders} change {slip.change}")
    if slip.lines is not None:
        added = (totals.rounding, totals.tax_added, totals.tip)
        wrong += _lines_differ(slip, reading, added)
    return wrong


def false_figures(slip: Slip, reading: Reading) -> list[str]:
    """Return the figures a reading states that the paper contradicts; a name cut short or a figure left out is none."""
    if slip.payable is None:
        return []
    totals = reading.totals
    false = [] if totals.payable in (None, slip.payable) else [f"payable: {totals.payable}, printed {slip.payable}"]
    amounts = sorted(tender.amount for tender in reading.tenders)
    if slip.tenders is not None and amounts and amounts != sorted(amount for _, amount in slip.tenders):
        false.append(f"tenders: {amounts}")
    if slip.lines is None:
        return false
    if reading.lines and sorted(line.amount for line in reading.lines) != sorted(line.amount for line in slip.lines):
        false.append(f"amounts: {[line.amount for line in reading.lines]}")
    for line in slip.lines:
        got = [other for other in reading.lines if other.amount == line.amount]
        if got and not any(_agrees(line, other) for other in got):
            false.append(f"{line.name}: {[(other.quantity, other.unit_price) for other in got]}")
    return false


def _agrees(line: Line, got: data.Line) -> bool:
    """Tell whether a line states nothing the paper contradicts."""
    quantity = None in (line.quantity, got.quantity) or Decimal(line.quantity or 0) == Decimal(got.quantity or 0)
    return quantity and (None in (line.unit_price, got.unit_price) or line.unit_price == got.unit_price)


def _lines_differ(slip: Slip, reading: Reading, added: tuple[int, int, int]) -> list[str]:
    expected = slip.lines or ()
    wrong = []
    if added != (slip.rounding, slip.tax_added, slip.tip):
        wrong.append(f"rounding, tax, tip: {added}, printed {(slip.rounding, slip.tax_added, slip.tip)}")
    rest = list(reading.lines)
    for line in expected:
        match = next((got for got in rest if got.amount == line.amount and _same_line(line, got)), None)
        if match is None:
            wrong.append(f"line not read: {line}")
        else:
            rest.remove(match)
    return wrong + [
        f"line not printed: {got.kind} {got.name} {got.quantity} {got.unit_price} {got.amount}" for got in rest
    ]


def _same_line(line: Line, got: data.Line) -> bool:
    return (
        (line.name is None or _bare(line.name) == _bare(got.name))
        and (line.quantity is None or got.quantity is not None)
        and (line.unit_price is None or got.unit_price is not None)
        and _agrees(line, got)
        and (line.kind == got.kind or (line.kind == "fee" and got.kind != "discount") or line.amount < 0)
    )


def _same_tenders(got: tuple[tuple[str, int], ...], expected: tuple[tuple[str | None, int], ...]) -> bool:
    rest = list(got)
    for kind, amount in expected:
        match = next((tender for tender in rest if tender[1] == amount and kind in (None, tender[0])), None)
        if match is None:
            return False
        rest.remove(match)
    return not rest


def _bare(text: str | None) -> str | None:
    return None if text is None else "".join(normalize("NFKC", text).split()).lstrip("#")
