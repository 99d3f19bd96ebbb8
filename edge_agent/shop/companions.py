"""One sale from several lines: what the display, the payment terminal and the scanner of a touchpoint say of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from edge_agent.clock import Moment
from edge_agent.contract import data
from edge_agent.observations import DisplayText, Payment
from edge_agent.shop.outcome import StateChange
from edge_agent.shop.settings import DeviceFacts, ShopSettings

PART = "companion"


@dataclass(frozen=True, slots=True)
class Completed:
    """An order with what the other lines knew. ``revises``: it stands for a provisional order, whose id it bears."""

    order: data.Order
    state: tuple[StateChange, ...] = ()
    revises: bool = False


@dataclass(frozen=True, slots=True)
class Unprinted:
    """A sale that a display showed and no receipt followed. Minor units; ``at``: when it was last shown."""

    facts: DeviceFacts
    at: Moment
    payable: int
    tendered: int | None = None
    change: int | None = None
    tender: data.Tender | None = None


class Companions:
    """What was said beside the receipts of each touchpoint; its rows are durable state."""

    def __init__(self, settings: ShopSettings, rows: Mapping[str, bytes]) -> None:
        """``rows``: the durable rows of ``PART``."""
        self._settings = settings

    def shown(self, facts: DeviceFacts, text: DisplayText, at: Moment) -> tuple[StateChange, ...]:
        """Note what a display shows; returns the rows to keep."""
        return ()

    def paid(self, facts: DeviceFacts, payment: Payment, at: Moment) -> tuple[StateChange, ...]:
        """Note what a payment terminal answered; returns the rows to keep."""
        return ()

    def scanned(self, facts: DeviceFacts, code: str, at: Moment) -> tuple[StateChange, ...]:
        """Note a code shown to the scanner, as it came: of a payment code only its kind is kept."""
        return ()

    def completed(self, facts: DeviceFacts, order: data.Order, at: Moment) -> Completed:
        """Return a printed or exported order with what the other lines of its touchpoint knew of it."""
        return Completed(order)

    def unprinted(self, at: Moment) -> tuple[tuple[Unprinted, ...], tuple[StateChange, ...]]:
        """Return the sales that no receipt has followed in time, each once, and the rows to keep."""
        return (), ()
