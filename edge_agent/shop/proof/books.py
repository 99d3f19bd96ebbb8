"""The books: every order of the last two weeks at its highest revision, by business day and workstation."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import NamedTuple

import msgspec

from edge_agent.contract import data
from edge_agent.shop.outcome import StateChange
from edge_agent.shop.rows import readable

PART = "book"
# As long as delivered events are kept (contract section 4), and a day more, as a row is kept from its day's beginning.
KEEP_MS = 15 * 24 * 3_600_000


class Key(NamedTuple):
    """One proof's scope: an ISO date, and a workstation as printed, else the touchpoint."""

    business_day: str
    workstation: str


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One order as the books know it. ``number``: its place in the order of arrival, kept through its revisions.

    ``payable`` and ``tenders`` (by type, change taken off cash): minor units, not yet signed by ``kind``.
    ``provisional``: a display showed it, no receipt has been read.
    """

    business_day: str
    workstation: str
    touchpoint: str
    number: int
    revision: int
    kind: str
    payable: int
    order_no: str | None
    tenders: dict[str, int]
    provisional: bool = False

    @property
    def key(self) -> Key:
        """The proof this order belongs to."""
        return Key(self.business_day, self.workstation)

    @property
    def sign(self) -> int:
        """What the order does to the day's sums: returns and voids take off."""
        return sign(self.kind)


Entries = Mapping[str, Entry]  # by order id, in order of arrival


@dataclass(frozen=True, slots=True)
class Figures:
    """The sums of a proof. ``own``: ``payable`` without platforms' orders, which few registers count as theirs."""

    orders: int
    returns: int
    payable: int
    own: int
    tenders: dict[str, int]
    digest: str


class Books:
    """The entries; its rows are durable state.

    A row stays in its packed form, which the storage's memory shares: 14 days of 2,000 orders take 26 bytes an order
    more (measured).
    """

    def __init__(self, rows: Mapping[str, bytes]) -> None:
        """``rows``: the durable rows of ``PART``, by order id."""
        self._days: dict[Key, dict[str, bytes]] = {}
        self._changes: Counter[Key] = Counter()
        self.highest = 0  # number of the latest order entered
        for order_id, entry in readable(rows, Entry):
            self._days.setdefault(entry.key, {})[order_id] = rows[order_id]
            self.highest = max(self.highest, entry.number)

    def __iter__(self) -> Iterator[Key]:
        """Yield every day and workstation with orders."""
        return iter(self._days)

    def entries(self, key: Key, upto: int | None = None) -> Entries:
        """Return the orders of a proof by id, in order of arrival; with ``upto``, of those numbered so far."""
        decoded = [(order_id, _decode(row)) for order_id, row in self._days.get(key, {}).items()]
        wanted = (pair for pair in decoded if upto is None or pair[1].number <= upto)
        return dict(sorted(wanted, key=lambda pair: pair[1].number))

    def of_day(self, business_day: str) -> dict[str, bytes]:
        """Return the orders of a day by id, in no order, as they are at this moment; ``unpacked`` reads one.

        20,000 of them take a few milliseconds, and no memory but the dict's.
        """
        found: dict[str, bytes] = {}
        for key, rows in self._days.items():
            if key.business_day == business_day:
                found |= rows
        return found

    def changes(self, key: Key) -> int:
        """Return how often the orders of a proof have changed since the start."""
        return self._changes[key]

    def enter(self, order: data.Order, not_before_ms: int) -> tuple[Entry | None, Entry | None, StateChange | None]:
        """Enter an order or a revision; returns what was known of it, what is now, and the row to keep.

        The last two are None where a higher revision, or the same, was known. ``not_before_ms``: Unix milliseconds
        that no day is taken to be older than.
        """
        before = self._find(order.order_id)
        if before is not None and before.revision >= order.revision:
            return before, None, None
        if before is None:
            self.highest += 1
        entry = _entry(order, before.number if before else self.highest)
        if before is not None and before.key != entry.key:
            del self._days[before.key][order.order_id]
            self._changes[before.key] += 1
            if not self._days[before.key]:
                self.drop(before.key)
        row = _encode(entry)
        self._days.setdefault(entry.key, {})[order.order_id] = row
        self._changes[entry.key] += 1
        return before, entry, StateChange(PART, order.order_id, row, expires_ms(entry.business_day, not_before_ms))

    def adds(self, order: data.Order) -> int:
        """Return what entering an order or a revision adds to its day's ``payable``, in minor units."""
        before = self._find(order.order_id)
        if before is not None and before.revision >= order.revision:
            return 0
        return sign(order.kind) * (order.totals.payable or 0) - (before.sign * before.payable if before else 0)

    def drop(self, key: Key) -> None:
        """Let go of a day whose rows have expired."""
        self._days.pop(key, None)

    def _find(self, order_id: str) -> Entry | None:
        found = (rows[order_id] for rows in self._days.values() if order_id in rows)
        row = next(found, None)
        return None if row is None else _decode(row)


def sign(kind: str) -> int:
    """Return what an order of a kind does to the day's sums: returns and voids take off."""
    return -1 if kind in {"return", "void"} else 1


def unpacked(row: bytes) -> Entry:
    """Return an order of ``of_day``."""
    return _decode(row)


def expires_ms(business_day: str, not_before_ms: int) -> int:
    """Return until when (Unix milliseconds) the rows of a business day are kept."""
    begins = datetime.combine(date.fromisoformat(business_day), time(), UTC)
    return max(round(begins.timestamp() * 1000), not_before_ms) + KEEP_MS


def line(order_id: str, entry: Entry) -> str:
    """Return an order's line of the digest, without its newline."""
    return f"{order_id}:{entry.revision}:{entry.kind}:{entry.payable}"


def digest(lines: Iterable[str]) -> str:
    """Return the digest of a proof's lines (contract section 6), in whatever order they come."""
    return hashlib.sha256("".join(f"{one}\n" for one in sorted(lines)).encode()).hexdigest()


def figures(entries: Entries) -> Figures:
    """Return the sums of some orders."""
    kinds = Counter(entry.kind for entry in entries.values())
    by_number = {entry.order_no: entry for entry in entries.values() if entry.kind != "void" and entry.order_no}
    tenders: Counter[str] = Counter()
    for entry in entries.values():
        paid = entry.tenders
        if entry.kind == "void" and not paid and entry.order_no in by_number:
            paid = by_number[entry.order_no].tenders  # a void slip rarely says how what it voids was paid
        for tender, amount in paid.items():
            tenders[tender] += entry.sign * amount
    payable = sum(entry.sign * entry.payable for entry in entries.values())
    platforms = sum(entry.payable for entry in entries.values() if entry.kind == "delivery_slip")
    return Figures(
        orders=len(entries) - kinds["return"] - kinds["void"],
        returns=kinds["return"],
        payable=payable,
        own=payable - platforms,
        tenders={tender: amount for tender, amount in sorted(tenders.items()) if amount},
        digest=digest(line(order_id, entry) for order_id, entry in entries.items()),
    )


def workstation_of(order: data.Order) -> str:
    """Return the workstation an order counts for: as printed, else its touchpoint."""
    return order.attribution.workstation or order.attribution.touchpoint or ""


def _entry(order: data.Order, number: int) -> Entry:
    tenders: Counter[str] = Counter()
    for tender in order.tenders:
        tenders[tender.type] += tender.amount
    if order.totals.change:
        tenders["cash"] -= order.totals.change
    return Entry(
        business_day=order.business_day,
        workstation=workstation_of(order),
        touchpoint=order.attribution.touchpoint or "",
        number=number,
        revision=order.revision,
        kind=order.kind,
        payable=order.totals.payable or 0,
        order_no=order.order_no,
        tenders={tender: amount for tender, amount in tenders.items() if amount},
        provisional="provisional" in order.evidence.flags,
    )


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Entry).decode
