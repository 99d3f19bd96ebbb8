"""What a receipt says, once read."""

from dataclasses import dataclass
from datetime import datetime

from edge_agent.contract.data import Line, Tender, Totals


@dataclass(frozen=True, slots=True)
class Reading:
    """One slip as a template read it. Money in minor units; nothing here was not printed or computed from what was.

    ``kind``: contract section 6. ``printed_at``: as printed, without a zone. ``lines_check`` and ``tenders_check``:
    ``pass`` only where the printed figures prove it, ``fail`` where they contradict, ``unknown`` where too little is
    printed. ``unparsed``: rows that hold figures nobody could place. ``flags``: ``tender_implied`` (one means of
    payment is named without an amount of its own, or change shows that it was cash), ``refund_negative`` (amounts
    were printed negative).
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
