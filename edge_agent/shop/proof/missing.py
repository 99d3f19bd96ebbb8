"""Receipt numbers a workstation must have used on a day and that were never seen."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from edge_agent.shop.numbers import MAX_GAP, MIN_STEPS, STEPS_PER_JUMP, parts

# A list for a person; a till that loses more than these has a trouble that needs no list.
LISTED = 50


@dataclass(slots=True)
class _Run:
    """A stretch of one numbering. ``last``: its highest number; ``holes``: those below it that were not seen."""

    first: int
    last: int
    steps: int = 0
    holes: set[int] = field(default_factory=set)
    jumps: int = 0

    def takes(self, value: int) -> bool:
        return value in self.holes or 0 < value - self.last <= MAX_GAP + 1

    def add(self, value: int) -> None:
        if value in self.holes:  # a slip that came late
            self.holes.discard(value)
            return
        self.steps += value == self.last + 1
        self.jumps += value > self.last + 1
        self.holes.update(range(self.last + 1, value))
        self.last = value

    @property
    def is_consecutive(self) -> bool:
        open_jumps = self.jumps if self.holes else 0
        return self.steps >= max(MIN_STEPS, STEPS_PER_JUMP * open_jumps)


def missing(numbers: Iterable[str]) -> tuple[str, ...]:
    """Return the numbers never seen, of those seen in order of arrival, where the workstation counts one by one.

    Nothing is said of a workstation whose numbers jump (tills that share a counter), nor across a jump of more than
    ``MAX_GAP``: that is another numbering. A number that begins again is another one, too. At most ``LISTED``, then
    one more item ``+n``: how many others.
    """
    runs: dict[tuple[str, int], list[_Run]] = {}
    for number in numbers:
        split = parts(number)
        if split is None:
            continue
        prefix, value = split
        known = runs.setdefault((prefix, len(number)), [])
        adjacent = [run for run in known if run.last + 1 == value]
        fitting = adjacent or [run for run in reversed(known) if run.takes(value)]
        if fitting:
            fitting[0].add(value)
        else:
            known.append(_Run(value, value))
    found = [
        f"{prefix}{value:0{width - len(prefix)}d}"
        for (prefix, width), known in runs.items()
        for run in known
        if run.is_consecutive
        for value in sorted(run.holes)
    ]
    return listed(found)


def listed(names: list[str]) -> tuple[str, ...]:
    """Return at most ``LISTED`` names, and how many others there are."""
    more = len(names) - LISTED
    return (*names[:LISTED], f"+{more}") if more > 0 else tuple(names)
