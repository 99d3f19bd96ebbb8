"""Receipt numbers: a workstation that numbers its slips one by one shows when one is missing."""

import re
from collections.abc import Mapping

import msgspec

from edge_agent.shop.outcome import StateChange
from edge_agent.shop.rows import readable

PART = "number"

_TAIL = re.compile(r"^(.*?)(\d{1,18})$")

# A jump of more than a day's busy till is another numbering (a new roll, a new day), not so many lost slips.
MAX_GAP = 500
# How often the number must have risen by one before a jump means anything, alone and against other jumps:
# tills that share one counter jump all the time.
MIN_STEPS = 3
STEPS_PER_JUMP = 4


class Numbering(msgspec.Struct, frozen=True):
    """What is known of one workstation's numbering: its last number, how often it rose by one, how often it jumped.

    ``settled``: no other numbering has just begun, nor an older slip come late; from there a jump means nothing.
    """

    last: str
    steps: int = 0
    jumps: int = 0
    settled: bool = True

    @property
    def is_consecutive(self) -> bool:
        """Whether this workstation has shown that it numbers one by one."""
        return self.steps >= max(MIN_STEPS, STEPS_PER_JUMP * self.jumps)


class Numbers:
    """Follows each workstation's numbers; its rows are durable state."""

    def __init__(self, rows: Mapping[str, bytes]) -> None:
        """``rows``: the durable rows of ``PART``, JSON of ``Numbering`` by workstation."""
        self._by_workstation = dict(readable(rows, Numbering, msgspec.json.Decoder))

    def check(self, workstation: str, number: str | None) -> tuple[str, tuple[str, ...], Numbering | None]:
        """Return the check (``pass`` ``fail`` ``unknown``), flags naming what is missing, and what to ``remember``."""
        if number is None or not _TAIL.match(number):
            return "unknown", (), None
        before = self._by_workstation.get(workstation)
        if before is None:
            return "unknown", (), Numbering(number)
        gap = _missing_between(before.last, number)
        if gap is None:
            return "unknown", (), msgspec.structs.replace(before, last=number, settled=False)
        if gap == 0:
            return "pass", (), Numbering(number, before.steps + 1, before.jumps)
        jumped = Numbering(number, before.steps, before.jumps + before.settled)
        if not (before.is_consecutive and before.settled):
            return "unknown", (), jumped
        first, last = _offset(before.last, 1), _offset(number, -1)
        return "fail", (f"missing:{first}" if first == last else f"missing:{first}..{last}",), jumped

    def remember(self, workstation: str, numbering: Numbering) -> StateChange:
        """Keep what is now known of a workstation; returns the durable row."""
        self._by_workstation[workstation] = numbering
        return StateChange(PART, workstation, msgspec.json.encode(numbering))


def parts(number: str) -> tuple[str, int] | None:
    """Return a number as what stands before its counting digits, and their value; None where nothing counts."""
    match = _TAIL.match(number)
    return (match[1], int(match[2])) if match else None


def _missing_between(last: str, number: str) -> int | None:
    """Return how many numbers lie between, or None where the two are not of one numbering."""
    before, after = _TAIL.match(last), _TAIL.match(number)
    if before is None or after is None or before[1] != after[1] or len(last) != len(number):
        return None
    gap = int(after[2]) - int(before[2]) - 1
    return gap if 0 <= gap <= MAX_GAP else None


def _offset(number: str, by: int) -> str:
    match = _TAIL.match(number)
    assert match is not None  # only numbers that matched are kept
    return f"{match[1]}{int(match[2]) + by:0{len(match[2])}d}"
