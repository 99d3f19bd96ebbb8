"""What is remembered of one touchpoint: the durable form."""

import msgspec

from edge_agent.clock import Moment
from edge_agent.shop.stamp import Stamp

PART = "companion"  # durable: a row for each touchpoint where something has been said beside a receipt

REVISE_MS = 10 * 60_000  # a printer that was out of paper goes on with what it still has once a new roll is in
# A receipt that no figure of the display fits, printed this soon after a sale that no receipt fits and that shows its
# total before the discount, is that sale's: something was taken off after the total was shown.
PAIR_MS = 15_000
ROWS = 50  # of a kind, kept for one touchpoint: a flood of sales, or noise that looks like it, fills no disk


class Paid(msgspec.Struct):
    """An approved payment that looks for its order. Minor units; ``kind``: ``sale`` ``return`` ``void``."""

    stamp: Stamp
    amount: int
    kind: str
    type: str | None = None
    reference: str | None = None
    provider: str | None = None


class Sale(msgspec.Struct):
    """A sale as a display shows it. Minor units; None: not shown.

    ``shown``: when its last figure came; ``stamp``: when anything last happened to it. ``goods`` and ``rested``: the
    display has shown goods, or nothing, since its last figure. ``leads_on``: it may be a part of the next one's total.
    ``settled``: a receipt stands for it, or an order of its own, ``order_id``.
    """

    device: str
    shown: Stamp
    stamp: Stamp
    total: int | None = None
    received: int | None = None
    change: int | None = None
    goods: bool = False
    rested: bool = False
    leads_on: bool = False
    settled: bool = False
    order_id: str | None = None
    paid: Paid | None = None
    code: str | None = None

    @property
    def is_bare(self) -> bool:
        """Whether nothing says that it was paid."""
        return self.received is None and self.change is None and self.paid is None

    def is_of(self, other: "Sale") -> bool:
        """Whether both are the same sale."""
        return self is other or (self.order_id is not None and self.order_id == other.order_id)

    @property
    def is_open(self) -> bool:
        """Whether it still looks for its receipt."""
        return self.total is not None and not self.settled


class Printed(msgspec.Struct):
    """A receipt of just now. ``totals``: what a display may show for it; ``open``: tenders without a reference.

    ``shown``: the display has shown it, too. ``gross``: of a sale, before any discount.
    """

    stamp: Stamp
    order_id: str
    kind: str
    totals: list[int]
    open: list[int]
    shown: bool = False
    gross: int | None = None


class Told(msgspec.Struct):
    """A sale that became a provisional order."""

    stamp: Stamp
    order_id: str
    revision: int
    business_day: str
    completed_at: str
    sale: Sale


class Till(msgspec.Struct):
    """Everything of one touchpoint that may still belong to something else said there.

    ``display``: the device whose figures are read; others at the touchpoint show the same. ``now``: what it shows;
    ``waiting``: sales it has left, oldest first. ``codes``: when a payment code of each kind was last shown.
    ``workstation``: as the last receipt says it.
    """

    display: str = ""
    now: Sale | None = None
    waiting: list[Sale] = []
    printed: list[Printed] = []
    paid: list[Paid] = []
    codes: dict[str, Stamp] = {}
    told: list[Told] = []
    workstation: str | None = None

    def open_sales(self) -> list[Sale]:
        """Return the sales that still look for their receipt, newest first."""
        sales = [*self.waiting, self.now] if self.now is not None else self.waiting
        return [sale for sale in reversed(sales) if sale.is_open]

    def forget_old(self, window_ms: int, at: Moment) -> None:
        """Drop what is too long ago to belong to anything."""
        self.printed = [one for one in self.printed[-ROWS:] if one.stamp.elapsed_ms(at) <= window_ms + PAIR_MS]
        self.paid = [one for one in self.paid[-ROWS:] if one.stamp.elapsed_ms(at) <= window_ms]
        self.codes = {kind: stamp for kind, stamp in self.codes.items() if stamp.elapsed_ms(at) <= window_ms}
        self.told = [one for one in self.told[-ROWS:] if one.stamp.elapsed_ms(at) <= REVISE_MS]

    def is_empty(self) -> bool:
        """Whether nothing of it matters any more."""
        said = self.waiting or self.printed or self.paid or self.codes or self.told or self.workstation
        return self.now is None and not said
