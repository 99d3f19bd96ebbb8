"""Two tills with every line a counter may have, in plain calls: what is shown, paid, scanned and printed there."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from edge_agent.contract.events import Draft
from edge_agent.observations import DisplayText, Observation, Payment, Scan
from edge_agent.shop.outcome import Outcome
from edge_agent.shop.settings import DeviceFacts, ShopSettings, TillSettings
from tests.support.slips import Book, at, plain, receipt, settings, templates

AFTER_S = 120
LINES = (("printer", "escpos"), ("display", "linedisplay"), ("display-2", "linedisplay"), ("terminal", "ecr"),
         ("scanner", "scanner"))  # fmt: skip


def counters(*lines: str) -> ShopSettings:
    """Return a shop of two tills with those of LINES, all if none is named."""
    facts = [
        DeviceFacts(f"{till}-{line}", till, decoder, templates() if line == "printer" else ())
        for till in ("till-1", "till-2")
        for line, decoder in LINES
        if not lines or line in lines
    ]
    after = TillSettings(provisional_after=timedelta(seconds=AFTER_S))
    return replace(settings(), devices={one.id: one for one in facts}, till=after)


def slip(payable: str, *rows: str, number: str | None = None, kind: str = "") -> str:
    """Return a slip of one good; ``rows``: how it was paid."""
    head = f"单号: {number}   收银机: 03\n2026-11-22 10:31:05\n" if number else ""
    paid = "".join(f"{row}\n" for row in rows)
    return f"惠民便利店\n{kind}\n{head}农夫山泉550ml    1  {payable}    {payable}\n合计    {payable}\n{paid}"


class Counter:
    """A book with a clock; ``tick`` is called once a second of it."""

    def __init__(self, shop_settings: ShopSettings | None = None) -> None:
        self.book = Book(shop_settings or counters())
        self.now = at()
        self.rows_written = 0

    def wait(self, seconds: float) -> None:
        """Let time pass, second by second."""
        while seconds > 0:
            step = min(1.0, seconds)
            self.now = replace(
                self.now,
                wall_ms=self.now.wall_ms + round(step * 1000),
                uptime_ms=self.now.uptime_ms + round(step * 1000),
            )
            self._keep(self.book.shop.tick(self.now))
            seconds -= step

    def observe(self, device: str, observation: Observation) -> list[Draft]:
        """Have a device say something."""
        return self._keep(self.book.shop.observe(device, observation, self.now))

    def show(self, *texts: str, till: str = "till-1", display: str = "display") -> None:
        """Show ``label figure`` after another; ``-``: clear, and anything else as text."""
        for text in texts:
            label, _, amount = text.partition(" ")
            if label in ("unit_price", "total", "received", "change", "goods"):
                said = DisplayText((amount,), None if label == "goods" else label, amount)
            else:
                said = DisplayText(() if text == "-" else (text,))
            self.observe(f"{till}-{display}", said)

    def pay(self, amount: int, reference: str | None = "123456", till: str = "till-1", **changes: Any) -> None:
        """Have the terminal answer."""
        answer = Payment("approved", amount=amount, type="bank_card", reference=reference)
        self.observe(f"{till}-terminal", replace(answer, **changes))

    def scan(self, code: str, till: str = "till-1") -> None:
        """Show a code to the scanner."""
        self.observe(f"{till}-scanner", Scan(code))

    def print(self, text: str, till: str = "till-1") -> None:
        """Print a slip."""
        self.observe(f"{till}-printer", receipt(text))

    def orders(self) -> list[dict[str, Any]]:
        """Return the data of all events about orders, oldest first, with their type."""
        about = (draft for draft in self.book.events if draft.type.startswith("o2o.order."))
        return [{"type": draft.type.split(".")[2], **plain(draft)} for draft in about]

    def order(self) -> dict[str, Any]:
        """Return the only one."""
        (order,) = self.orders()
        return order

    def latest(self) -> list[dict[str, Any]]:
        """Return each order at its highest revision, as head office holds it."""
        held: dict[str, dict[str, Any]] = {}
        for order in self.orders():
            if "order_id" not in order:
                continue  # a slip that nobody can read
            assert order["revision"] == held.get(order["order_id"], {"revision": 0})["revision"] + 1
            held[order["order_id"]] = order
        return list(held.values())

    def everything(self) -> str:
        """Return all that is kept or sent, as text."""
        rows = "".join(f"{key} {row!r}" for part in self.book.rows.values() for key, row in part.items())
        return rows + "".join(msgspec.json.encode(draft.data).decode() for draft in self.book.events)

    def _keep(self, outcome: Outcome) -> list[Draft]:
        self.rows_written += sum(change.part == "companion" for change in outcome.state)
        return self.book.keep(outcome)
