"""A trading day on one till, from a seed: everything its lines say, and the books as the cashier would keep them."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from edge_agent.simulator.receipts import Sale, Tender, ring_up
from edge_agent.simulator.slips import Slips

# How often each kind of thing happens; what is not a plain sale is rarer than in a shop, but never absent from a day.
MIX = {
    "sale": 100,
    "return": 8,
    "void": 6,
    "top_up": 6,
    "delivery_slip": 10,
    "reprint": 8,
    "prebill": 6,
    "kitchen": 8,
    "cash_in_out": 4,
    "unprinted": 5,
}
NUMBERED = ("sale", "return", "top_up")  # what gets a number of the till's own; a void repeats its sale's
NEEDS_A_SALE = ("return", "void", "reprint")
EVERY = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Booked:
    """One order in the cashier's books; money in cents. ``number``: as printed, empty without paper."""

    number: str
    kind: str
    payable: int
    tender: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens: what each line says, in order, and what it adds to the books, if anything.

    ``lines``: (``printer`` ``display``, bytes).
    """

    kind: str
    lines: tuple[tuple[str, bytes], ...]
    booked: Booked | None = None


@dataclass
class Till:
    """One till. ``number``: on its receipts; ``slips``: the vendor's layout, which may change during the day."""

    number: int
    rng: random.Random
    opened: datetime
    slips: Slips
    books: list[Booked] = field(default_factory=list)
    _sales: list[Sale] = field(default_factory=list)
    _count: int = 0
    _numbered: int = 0
    _shift_from: int = 0

    def steps(self, count: int) -> Iterator[Step]:
        """Yield so many things that happen, whatever they are."""
        for _ in range(count):
            kind = self.rng.choices(list(MIX), list(MIX.values()))[0]
            if kind in NEEDS_A_SALE and not self._sales:
                kind = "sale"
            yield self._step(kind)

    def sell(self, kind: str = "sale") -> Step:
        """Return one more of a kind."""
        return self._step(kind)

    def shift_report(self) -> Step:
        """Return the end of a shift: the register's own report of everything since the last one."""
        shift = self.books[self._shift_from :]
        self._shift_from = len(self.books)
        return Step("shift_report", (("printer", self.slips.shift_report(self.number, self._now(), totals(shift))),))

    def _step(self, kind: str) -> Step:
        self._count += 1
        match kind:
            case "reprint":
                return Step(kind, (("printer", self.slips.reprint(self.rng.choice(self._sales))),))
            case "void":
                sale = self._sales.pop(self.rng.randrange(len(self._sales)))
                voided = replace(sale, kind="void", printed_at=self._now())
                return self._book(kind, voided, self.slips.void(voided))
            case "cash_in_out":
                amount = self.rng.randrange(100, 2_000) * 100
                inwards = self.rng.random() < 0.5
                return Step(kind, (("printer", self.slips.cash(self.number, self._now(), amount, inwards=inwards)),))
            case "unprinted":
                # In cash, and no paper wanted. Three cents off: hours pass in seconds here, and what a display shows
                # twice within two seconds is one sale.
                sale = replace(self._ring_up(kind), discount=3)
                cash = Tender("cash", "现金", sale.payable // 100 * 100 + 100)
                return self._book(kind, replace(sale, tenders=(cash,)), b"")
            case "prebill" | "kitchen":
                bytes_of = self.slips.prebill if kind == "prebill" else self.slips.kitchen
                return Step(kind, (("printer", bytes_of(self._ring_up(kind))),))
            case _:
                return self._sell(kind)

    def _sell(self, kind: str) -> Step:
        sale = self._ring_up(kind)
        if kind == "sale":
            self._sales.append(sale)
        bytes_of = {"top_up": self.slips.top_up, "delivery_slip": self.slips.delivery}.get(kind, self.slips.sale)
        return self._book(kind, sale, bytes_of(sale))

    def _ring_up(self, kind: str) -> Sale:
        sale = ring_up(self.rng, self.slips.style, self._number(kind), self._now())
        sale = replace(sale, workstation=f"{self.number:02}")
        if kind == sale.kind == "sale":
            return sale
        plain = replace(sale, kind=kind, discount=0)
        (tender,) = plain.tenders
        return replace(plain, tenders=(replace(tender, amount=plain.payable),))

    def _number(self, kind: str) -> str:
        """Return the next number of the till's own; a platform has its own, and what is no order has none."""
        if kind == "delivery_slip":
            return f"{self.rng.randrange(10**17, 10**18)}"
        if kind not in NUMBERED:
            return ""
        self._numbered += 1
        return f"{self.opened:%Y%m%d}{self.number}{self._numbered:05}"

    def _book(self, kind: str, sale: Sale, printed: bytes) -> Step:
        tender = sale.tenders[0]
        booked = Booked(sale.order_no, kind, sale.payable, tender.type)
        self.books.append(booked)
        shown = self.slips.display(sale) if kind in ("sale", "top_up", "unprinted") else b""
        lines = (("display", shown), ("printer", printed))
        return Step(kind, tuple((line, data) for line, data in lines if data), booked)

    def _now(self) -> datetime:
        return self.opened + self._count * EVERY


def totals(books: list[Booked]) -> Counter[str]:
    """Return what was taken, by tender type: sales minus returns and voids, cents; ``orders``: how many sales.

    What a platform was paid for is not the register's.
    """
    taken: Counter[str] = Counter()
    for booked in books:
        if booked.kind == "delivery_slip":
            continue
        sign = -1 if booked.kind in ("return", "void") else 1
        taken[booked.tender] += sign * booked.payable
        taken["orders"] += sign > 0
    return taken
