"""What a receipt says, once read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from edge_agent.contract.data import Line, Tender, Totals


@dataclass(frozen=True, slots=True)
class Report:
    """What a register says of itself at the end of a shift or day. Money in minor units; None: it does not say.

    ``total``: what was taken, returns and voids off, change given back. ``orders``: how many sales it counts.
    ``tenders``: by tender type. ``first_number`` and ``last_number``: of the receipts it covers.
    """

    total: int | None
    orders: int | None = None
    tenders: Mapping[str, int] = field(default_factory=dict)
    first_number: str | None = None
    last_number: str | None = None


@dataclass(frozen=True, slots=True)
class CashMove:
    """Money put into the drawer or taken out of it without a sale. ``direction``: ``in`` ``out``; minor units."""

    direction: str
    amount: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One slip as a template read it. Money in minor units; nothing here was not printed or computed from what was.

    ``kind``: contract section 6. ``printed_at``: as printed, without a zone. ``lines_check`` and ``tenders_check``:
    ``pass`` only where the printed figures prove it, ``fail`` where they contradict, ``unknown`` where too little is
    printed. ``unparsed``: rows that hold figures nobody could place. ``flags``: ``tender_implied`` (one means of
    payment is named without an amount of its own, or change shows that it was cash), ``refund_negative`` (amounts
    were printed negative). ``report``: of a shift report; ``cash``: of a cash in/out slip.
    ``invoice``: the printed link by which the customer asks for an invoice.
    """

    kind: str
    number: str | None
    printed_at: datetime | None
    workstation: str | None
    cashier: str | None
    member: str | None
    table: str | None
    pickup_code: str | None
    original_number: str | None
    channel: str | None
    lines: tuple[Line, ...]
    totals: Totals
    tenders: tuple[Tender, ...]
    lines_check: str
    tenders_check: str
    template: str
    unparsed: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    report: Report | None = None
    cash: CashMove | None = None
    invoice: str | None = None
