"""How a business day stands: what the status says of it."""

from dataclasses import dataclass

from edge_agent.shop.proof.books import Books, Entries, Key, figures
from edge_agent.shop.proof.closings import AGREED, DIFFERS, OPEN, WAITING, Closing, Closings
from edge_agent.shop.proof.missing import missing

_NUMBERED = {"sale", "return", "top_up"}  # with a number of the till's own; see shop.numbers


@dataclass(frozen=True, slots=True)
class WorkstationStanding:
    """How one workstation's day stands; as ``Standing``. ``missing_numbers``: receipts never seen here.

    ``tenders``: how it was paid, by type.
    """

    workstation: str
    state: str
    orders: int
    payable: int
    differing: tuple[str, ...]
    missing_numbers: tuple[str, ...]
    tenders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a business day stands.

    ``state``: ``open`` (not closed since something was sold) ``waiting`` (for head office's word) ``agreed``
    ``differs``. ``orders`` and ``payable`` (minor units): of the day so far. ``differing``: the receipts that differ,
    by number; empty where head office differs without saying in what.
    """

    business_day: str
    state: str
    orders: int = 0
    payable: int = 0
    differing: tuple[str, ...] = ()
    workstations: tuple[WorkstationStanding, ...] = ()


class Standings:
    """How each day stands; reckoned again only when its books or its closing have changed: whoever looks asks often."""

    def __init__(self, books: Books, closings: Closings) -> None:
        self._books = books
        self._closings = closings
        self._known: dict[Key, tuple[int, Closing, WorkstationStanding]] = {}

    def of(self, day: str) -> Standing:
        """Return how a business day stands by its orders and closings."""
        every = {*self._books, *self._closings}
        self._known = {key: known for key, known in self._known.items() if key in every}
        each = tuple(self._workstation(key) for key in sorted(every) if key.business_day == day)
        states = {one.state for one in each}
        return Standing(
            business_day=day,
            state=next((state for state in (DIFFERS, OPEN, WAITING, AGREED) if state in states), OPEN),
            orders=sum(one.orders for one in each),
            payable=sum(one.payable for one in each),
            differing=tuple(dict.fromkeys(name for one in each for name in one.differing)),
            workstations=each,
        )

    def _workstation(self, key: Key) -> WorkstationStanding:
        changes, closing = self._books.changes(key), self._closings[key]
        known = self._known.get(key)
        if known is None or known[:2] != (changes, closing):
            known = self._known[key] = (changes, closing, _workstation(key, self._books, closing))
        return known[2]


def own_numbers(entries: Entries) -> list[str]:
    """Return the till's own numbers in order of arrival; a void repeats another slip's, a platform has its own."""
    return [entry.order_no for entry in entries.values() if entry.kind in _NUMBERED and entry.order_no]


def _workstation(key: Key, books: Books, closing: Closing) -> WorkstationStanding:
    entries = books.entries(key)
    sums = figures(entries)
    moved_on = closing.state != DIFFERS and sums.digest != closing.digest
    return WorkstationStanding(
        workstation=key.workstation,
        state=OPEN if moved_on else closing.state,
        orders=sums.orders,
        payable=sums.payable,
        differing=closing.differing,
        missing_numbers=missing(own_numbers(entries)),
        tenders=tuple(sums.tenders),
    )
