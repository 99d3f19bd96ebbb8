"""How many receipts of a set of layouts are read fully right, and whether any wrong figure passes for right."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from edge_agent import receipts
from edge_agent.receipts import Reading, Template
from tests.support.receipts.mutations import mutate
from tests.support.receipts.paper import Layout, Sale, Slip


@dataclass
class Score:
    right: int = 0
    read: int = 0
    wrong: list[str] = field(default_factory=list)
    unflagged: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.right / self.read


def differences(slip: Slip, reading: Reading | None) -> list[str]:
    """Return what is not as printed, in the terms of "fully right": kind, number, payable, tenders."""
    if reading is None:
        return ["not understood"]
    truth = slip.truth
    report = reading.report
    payable = report.total if report is not None else reading.totals.payable
    tenders = sorted(report.tenders.items() if report is not None else ((t.type, t.amount) for t in reading.tenders))
    found = []
    if reading.kind != truth.kind:
        found.append(f"kind {reading.kind}, not {truth.kind}")
    if reading.number != truth.number:
        found.append(f"number {reading.number}, not {truth.number}")
    if payable != truth.payable:
        found.append(f"payable {payable}, not {truth.payable}")
    if tenders != sorted(truth.tenders):
        found.append(f"tenders {tenders}, not {sorted(truth.tenders)}")
    return found


def score(layouts: Sequence[Layout], templates: Sequence[Template], seeds: range) -> Score:
    """Read each layout once a seed; every other one with words and blanks a neighbouring shop would print."""
    result = Score()
    for layout in layouts:
        for seed in seeds:
            slip = layout(Sale(seed))
            if seed % 2:
                slip = mutate(slip, seed)
            reading = receipts.read(slip.lines, templates, slip.currency)
            wrong = differences(slip, reading)
            name = f"{layout.__name__} (seed {seed}): {'; '.join(wrong)}"
            result.read += 1
            if not wrong:
                result.right += 1
                continue
            result.wrong.append(name)
            if (
                reading is not None
                and _figures_wrong(wrong)
                and "fail" not in (reading.lines_check, reading.tenders_check)
            ):
                result.unflagged.append(name)
    return result


def _figures_wrong(wrong: Sequence[str]) -> bool:
    return any(w.startswith(("payable", "tenders")) for w in wrong)
