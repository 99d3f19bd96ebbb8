"""A business day's orders as a file for a spreadsheet: RFC 4180, UTF-8 with a byte order mark, by which Excel knows it.

One row an order, as the day's books have it (``shop.proof.books``): so the amounts always add up to the day proof's.
What else is known of an order is read from storage, where it is kept for about two weeks; the books are kept a day
longer, and a disk may be damaged or small. An order that storage no longer holds has its row all the same, with what
the books know and a note that says so: a sum without it would be wrong, and a warning in the first line would have to
be written before anybody knows.
"""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from edge_agent.config.store import StoreSettings
from edge_agent.contract import data
from edge_agent.contract.events import CloudEvent, Stream, iso_time
from edge_agent.contract.money import decimal
from edge_agent.page.history.telling import Teller
from edge_agent.page.sources import Reader, Sources
from edge_agent.shop.proof.books import sign, unpacked
from edge_agent.shop.proof.comparing import born_ms
from edge_agent.storage import Storage

COLUMNS = (
    "time", "till", "workstation", "number", "kind", "channel", "items", "payable", "currency", "tenders", "cashier",
    "member", "corrected", "confirmed", "note", "order_id",
)  # fmt: skip

_AT_A_TIME = 25  # orders between two looks at what else there is to do: about a millisecond
_PAUSE_S = 0.001  # then; as long as they took: 20,000 orders take some 4 s
_ITEMS = 2_000  # characters: Excel takes 32,767 in a cell, nobody reads more
_BETWEEN = " | "
# What a spreadsheet would take for the beginning of a formula (OWASP, "CSV Injection"), in half and full width.
_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
_EXACT_DIGITS = 15  # as many does a spreadsheet keep of a number

_KINDS = ("sale", "return", "void", "top_up", "delivery_slip")
_TENDERS = (
    "cash", "bank_card", "unionpay_qr", "wechat_pay", "alipay", "ecny", "stored_value", "member_points", "coupon",
    "group_voucher", "gift_card", "credit_account", "cod",
)  # fmt: skip

Row = dict[str, str]
Wanted = dict[str, bytes]  # what the books say of an order that was not found yet, by its id


def orders_csv(sources: Sources, business_day: str, language: str) -> AsyncIterator[bytes]:
    """Return a day's orders, a piece of the file at a time, as they are at this moment.

    In the order in which they were recorded, each at its highest revision; times are the shop's; returns and voids take
    off. Raises KeyError, at once, for a day of which this box has no orders, and StorageError while it is read: then
    what has come is not the whole file.
    """
    wanted = sources.generation.shop.proof.orders(business_day)
    if not wanted:
        raise KeyError(business_day)
    return _written(_Table.of(sources.config.store, language), sources.storage, wanted)


async def _written(table: "_Table", storage: Storage, wanted: Wanted) -> AsyncIterator[bytes]:
    yield b"\xef\xbb\xbf" + _lines([table.header()])
    # Recorded since the first of them was made; where the clock was set back meanwhile, before.
    for since_ms in (born_ms(min(wanted)), None):  # of UUIDv7 the smallest is the earliest
        async for events in _in_portions(storage, since_ms):
            found = [row for event in events if (row := table.row_of_event(event, wanted, storage)) is not None]
            if found:
                yield _lines(found)
            if not wanted:
                return
    missing = sorted(wanted)  # by when they were made: ids are UUIDv7
    for start in range(0, len(missing), _AT_A_TIME):
        yield _lines(table.row_of_books(id_, wanted[id_]) for id_ in missing[start : start + _AT_A_TIME])
        await asyncio.sleep(_PAUSE_S)


async def _in_portions(storage: Storage, since_ms: int | None) -> AsyncIterator[Sequence[CloudEvent]]:
    """Yield a stream's events, never so many that the tills would wait."""
    async for bite in storage.history.oldest_first(Stream.ORDERS, since_ms=since_ms):
        for start in range(0, len(bite.events), _AT_A_TIME):
            yield bite.events[start : start + _AT_A_TIME]
            await asyncio.sleep(_PAUSE_S)


@dataclass(frozen=True, slots=True)
class _Table:
    """Makes the rows, in somebody's language."""

    teller: Teller
    store: StoreSettings

    @classmethod
    def of(cls, store: StoreSettings, language: str) -> "_Table":
        return cls(Teller.of(store, Reader(language, is_manager=True)), store)

    def header(self) -> list[str]:
        return [self._say(f"orders_csv.column.{name}") for name in COLUMNS]

    def row_of_event(self, event: CloudEvent, wanted: Wanted, storage: Storage) -> list[str] | None:
        """Return the row of an order that is wanted, at the revision that is; it is no longer wanted then."""
        kind, _, order_id = (event.subject or "").partition("/")
        if kind != "order" or order_id not in wanted:
            return None
        try:
            order = msgspec.json.decode(event.data, type=data.Order)
        except msgspec.DecodeError:
            return None  # of a later version: the books know it all the same
        if order.revision != unpacked(wanted[order_id]).revision:
            return None
        del wanted[order_id]
        confirmed = int(event.sequence) <= storage.watermark(Stream.ORDERS)
        return _cells(self._order(order) | {"confirmed": self._yes(confirmed)})

    def row_of_books(self, order_id: str, row: bytes) -> list[str]:
        """Return the row of an order that only the books know."""
        entry = unpacked(row)
        currency = self.store.store.currency
        notes = [self._say("orders_csv.note.not_held"), *self._notes(["provisional"] if entry.provisional else [])]
        return _cells(
            {
                "time": _time(iso_time(born_ms(order_id), self.store.zone)),
                "till": self.teller.place(entry.touchpoint),
                "workstation": entry.workstation if entry.workstation != entry.touchpoint else "",
                "number": entry.order_no or "",
                "kind": self._kind(entry.kind),
                "payable": decimal(entry.sign * entry.payable, currency),
                "currency": currency,
                "tenders": self._tenders((type_, "", amount) for type_, amount in entry.tenders.items()),
                "corrected": self._yes(entry.revision > 1),
                "note": _BETWEEN.join(notes),
                "order_id": order_id,
            }
        )

    def _order(self, order: data.Order) -> Row:
        payable = order.totals.payable
        in_store = order.channel.id == "in_store"
        return {
            "time": _time(order.completed_at),
            "till": self.teller.place(order.attribution.touchpoint, order.source.device),
            "workstation": order.attribution.workstation or "",
            "number": order.order_no or "",
            "kind": self._kind(order.kind),
            "channel": self._say("orders_csv.in_store") if in_store else self.teller.channel(order.channel.id),
            "items": _items(order.lines),
            "payable": "" if payable is None else decimal(sign(order.kind) * payable, order.currency),
            "currency": order.currency,
            "tenders": self._tenders(self._paid(order)),
            "cashier": order.attribution.cashier or "",
            "member": self._yes(order.member is not None),
            "corrected": self._yes(order.revision > 1),
            "note": _BETWEEN.join(self._notes([*order.evidence.flags, *_failed(order.checks)])),
            "order_id": order.order_id,
        }

    def _paid(self, order: data.Order) -> Iterator[tuple[str, str, int]]:
        """Yield type, label and amount of each tender, as printed; the change that was given is taken off."""
        yield from ((tender.type, tender.label, tender.amount) for tender in order.tenders)
        if order.totals.change:
            yield "change", "", -order.totals.change

    def _tenders(self, paid: Iterable[tuple[str, str, int]]) -> str:
        currency = self.store.store.currency
        named = (
            (self._say(f"orders_csv.tender.{type_}") if type_ in (*_TENDERS, "change") else label or type_, amount)
            for type_, label, amount in paid
        )
        return _BETWEEN.join(f"{name} {decimal(amount, currency)}" for name, amount in named)

    def _notes(self, flags: Iterable[str]) -> list[str]:
        known = ("provisional", "suspected_duplicate", "truncated", "sums")
        return [self._say(f"orders_csv.note.{flag}") for flag in dict.fromkeys(flags) if flag in known]

    def _kind(self, kind: str) -> str:
        return self._say(f"orders_csv.kind.{kind}") if kind in _KINDS else kind

    def _yes(self, yes: bool) -> str:
        return self._say("orders_csv.yes" if yes else "orders_csv.no")

    def _say(self, key: str) -> str:
        return self.teller.words.say(key)


def _failed(checks: data.Checks) -> Iterator[str]:
    if "fail" in (checks.lines, checks.tenders):
        yield "sums"


def _items(lines: Iterable[data.Line]) -> str:
    named = (f"{line.name} ×{line.quantity}" if line.quantity else line.name for line in lines if line.amount >= 0)
    items = _BETWEEN.join(named)
    return items if len(items) <= _ITEMS else items[:_ITEMS] + "…"


def _time(iso: str) -> str:
    """Return a time as a spreadsheet reads it: 2026-11-22 10:31:05."""
    return iso[:19].replace("T", " ")


def _cells(row: Row) -> list[str]:
    return [row.get(name, "") if name == "payable" else _harmless(row.get(name, "")) for name in COLUMNS]


def _harmless(text: str) -> str:
    """Return text that a spreadsheet takes for text: no formula, and no long number that it would round."""
    if text.lstrip(" ")[:1] in _FORMULA:
        return f"'{text}"
    return f"{text}\t" if len(text) > _EXACT_DIGITS and text.isdecimal() else text


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file).writerows(rows)  # its "excel" dialect: commas, quotes doubled, CR LF
    return file.getvalue().encode("utf-8", "replace")
