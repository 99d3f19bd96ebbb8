"""Slips written down as shops print them, one of a kind each: the nearest thing to a stranger's receipt.

A file holds slips one after another. The head of one is
``@@ name|width|category|currency|kind|number|payable|tenders|secrets``; ``none``: nothing printed, ``*``: not judged.
Below it the rows: ``^text`` is centred, ``left>>right`` is pushed to both edges, ``---`` and ``===`` are rules of the
paper's width, ``!0 24r 32r`` sets the columns of the rows with ``|``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_agent import receipts
from edge_agent.receipts import Reading, Template
from tests.support.receipts.paper import cells, pad

_FOLDER = Path(__file__).with_name("slips")
_ANY = "*"


@dataclass(frozen=True)
class Fresh:
    """One slip and what is printed on it. A field that is ``*`` is not judged."""

    name: str
    category: str
    currency: str
    kind: str
    number: str
    payable: str
    tenders: str
    secrets: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass
class FreshScore:
    wrong: dict[str, list[str]]
    silent: list[str]
    read: int

    @property
    def share(self) -> float:
        return 1 - len(self.wrong) / self.read


def slips(batch: str) -> list[Fresh]:
    """Return the slips of one file of the folder beside this module."""
    found = []
    for block in (_FOLDER / f"{batch}.txt").read_text(encoding="utf-8").split("@@ ")[1:]:
        head, *rows = block.splitlines()
        name, width, category, currency, kind, number, payable, tenders, secrets = head.split("|")
        lines = tuple(row.rstrip() for row in _laid_out(rows, int(width)))
        planted = tuple(secret for secret in secrets.split(";") if secret)
        found.append(Fresh(name, category, currency, kind, number, payable, tenders, planted, lines))
    return found


def score_fresh(batch: str, templates: list[Template]) -> FreshScore:
    """Read every slip of a batch: what is wrong by name, and which of those pass their checks all the same."""
    result = FreshScore({}, [], 0)
    for slip in slips(batch):
        result.read += 1
        reading = receipts.read(slip.lines, templates, slip.currency)
        if wrong := differences(slip, reading):
            result.wrong[slip.name] = wrong
            checks = (reading.lines_check, reading.tenders_check) if reading is not None else ("fail",)
            if "fail" not in checks and any(w.startswith(("payable", "tenders")) for w in wrong):
                result.silent.append(slip.name)
    return result


def differences(slip: Fresh, reading: Reading | None) -> list[str]:
    """Return what was not read as printed: kind, number, payable, tenders."""
    if reading is None:
        return ["not understood"]
    tenders = ",".join(sorted(f"{t.type}:{t.amount}" for t in reading.tenders)) or "none"
    truth = slip.tenders if slip.tenders == _ANY else ",".join(sorted(slip.tenders.split(",")))
    pairs = {
        "kind": (reading.kind, slip.kind),
        "number": (_joined(reading.number or "none"), _joined(slip.number)),
        "payable": ("none" if reading.totals.payable is None else str(reading.totals.payable), slip.payable),
        "tenders": (tenders, truth),
    }
    return [f"{what} {got}, not {want}" for what, (got, want) in pairs.items() if want not in (_ANY, got)]


def _joined(number: str) -> str:
    """A number printed in groups is one number, with or without the blanks."""
    return number.replace(" ", "")


def _laid_out(rows: list[str], width: int) -> Iterator[str]:
    stops: list[str] = []
    for row in rows:
        if row in ("---", "==="):
            yield row[0] * width
        elif row.startswith("!"):
            stops = row[1:].split()
        elif row.startswith("^"):
            yield " " * max(0, (width - cells(row[1:])) // 2) + row[1:]
        elif ">>" in row:
            left, right = row.split(">>")
            yield pad(left, width - cells(right)) + right
        elif stops and row.count("|") == len(stops) - 1:
            yield _columns(row.split("|"), stops)
        else:
            yield row


def _columns(texts: list[str], stops: list[str]) -> str:
    row = ""
    for text, stop in zip(texts, stops, strict=True):
        at = int(stop.rstrip("r"))
        row += pad(text, at - cells(row), right=True) if stop.endswith("r") else pad("", at - cells(row)) + text
    return row
