"""The books of the last business days, and whether head office's are the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.contract.messages import DayAnswer
from edge_agent.receipts.reading import Report
from edge_agent.shop.outcome import Outcome, StateChange
from edge_agent.shop.settings import DeviceFacts, ShopSettings


@dataclass(frozen=True, slots=True)
class Standing:
    """How a business day stands. ``state``: ``open`` (nothing closed yet) ``waiting`` ``agreed`` ``differs``.

    ``orders`` and ``payable`` (minor units): of the day so far. ``differing``: the receipts that differ, by number.
    """

    business_day: str
    state: str
    orders: int = 0
    payable: int = 0
    differing: tuple[str, ...] = ()


class Proof:
    """Follows every order, at its highest revision, by business day and workstation; its rows are durable state."""

    def __init__(self, settings: ShopSettings, state: Callable[[str], Mapping[str, bytes]]) -> None:
        """``state`` returns the durable rows of a part, as they were last committed."""
        self._settings = settings

    def noted(self, order: data.Order, at: Moment) -> tuple[StateChange, ...]:
        """Enter an order, or a revision of one, in the books; returns the rows to keep."""
        return ()

    def reported(self, facts: DeviceFacts, workstation: str | None, report: Report, at: Moment) -> Outcome:
        """Return the proof that a register's own report leads to."""
        return Outcome()

    def tick(self, at: Moment) -> Outcome:
        """Return the proofs that are due: of days that have ended, and of those that have changed since."""
        return Outcome()

    def answered(self, answers: Sequence[DayAnswer], at: Moment) -> Outcome:
        """Take head office's word on days; returns the rows to keep."""
        return Outcome()

    def standing(self, business_day: str) -> Standing:
        """Return how a business day stands."""
        return Standing(business_day, "open")
