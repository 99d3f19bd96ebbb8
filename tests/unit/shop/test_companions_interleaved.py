"""Two tills at work at once, in any order of things: each sale is one order, and no figure is another sale's."""

from collections import Counter as Count
from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.counter import AFTER_S, Counter, slip

TILLS = ("till-1", "till-2")


@dataclass(frozen=True)
class Sale:
    """One customer. ``paper``: before which of the figures it comes, None: never, -1: long after them.

    ``how``: ``cash`` (received and change are shown) ``card`` (a payment of its own) ``bare`` (the total alone).
    """

    total: int
    given: int
    how: str
    paper: int | None
    says_how: bool
    received_first: bool
    rests: bool
    pause_s: int

    @property
    def figures(self) -> tuple[str, ...]:
        shown = [f"total {money(self.total)}"]
        if self.how == "cash":
            shown.insert(0 if self.received_first else 1, f"received {money(self.given)}")
            shown.append(f"change {money(self.given - self.total)}")
        return tuple(shown)

    def has_shown(self, totals: dict[str, int | None]) -> bool:
        """Tell whether an order's sums may be this sale's: all that was said of it, or less."""
        given, change = (self.given, self.given - self.total) if self.how == "cash" else (None, None)
        # A slip may say that what it does not say was nothing.
        tendered_fits = totals["tendered"] in (given, None, self.total)
        return totals["payable"] == self.total and tendered_fits and totals["change"] in (change, None, 0)


def money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


# Few different amounts, so that neighbours often have the same one.
sales = st.builds(
    Sale,
    total=st.sampled_from((700, 1600, 1650)),
    given=st.sampled_from((2000, 5000)),
    how=st.sampled_from(("cash", "card", "bare")),
    paper=st.sampled_from((None, None, 0, 1, 2, 3, -1)),
    says_how=st.booleans(),
    received_first=st.booleans(),
    rests=st.booleans(),
    pause_s=st.sampled_from((3, 20, 130)),
)


class Till:
    """What happens at one till, as steps with the seconds before each."""

    def __init__(self, counter: Counter, name: str, customers: list[Sale]) -> None:
        self.counter, self.name, self.customers = counter, name, customers

    def steps(self) -> Iterator[float]:
        """Do one thing after another; yields how long the till waits before the next."""
        for number, sale in enumerate(self.customers):
            self.counter.show(f"unit_price {money(sale.total - 100)}", "unit_price 1.00", till=self.name)
            yield 0.5
            if sale.how == "card":
                self.counter.pay(sale.total, f"{self.name}/{number}", till=self.name)
                yield 0.3
            for place, figure in enumerate((*sale.figures, *[""] * (4 - len(sale.figures)))):
                if sale.paper == place:
                    self.counter.print(self.paper(sale), till=self.name)
                    yield 0.4
                if figure:
                    self.counter.show(figure, till=self.name)
                    yield 0.2
            if sale.rests:
                self.counter.show("谢谢惠顾", till=self.name)
                yield 2.0
            if sale.paper == -1:
                self.counter.show("unit_price 0.50", till=self.name)
                yield AFTER_S + 30
                self.counter.print(self.paper(sale), till=self.name)
            yield sale.pause_s
        self.counter.show("unit_price 0.01", till=self.name)

    @staticmethod
    def paper(sale: Sale) -> str:
        if not sale.says_how:
            return slip(money(sale.total))
        if sale.how == "cash":
            return slip(money(sale.total), f"现金 {money(sale.given)}", f"找零 {money(sale.given - sale.total)}")
        return slip(money(sale.total), f"{'银行卡' if sale.how == 'card' else '微信支付'} {money(sale.total)}")


def run(counter: Counter, tills: list[Till], restarts: frozenset[int]) -> None:
    """Let both tills work, whoever is due first; forget all that is not durable before some steps."""
    due = [(0.0, place, till.steps()) for place, till in enumerate(tills)]
    clock, step = 0.0, 0
    while due:
        due.sort(key=lambda one: one[:2])
        when, place, steps = due.pop(0)
        counter.wait(when - clock)
        clock = when
        step += 1
        if step in restarts:
            counter.book.restart()
        pause = next(steps, None)
        if pause is not None:
            due.append((clock + pause, place, steps))
    counter.wait(2 * AFTER_S)


@settings(max_examples=60)
@given(
    st.lists(sales, max_size=4),
    st.lists(sales, max_size=4),
    st.frozensets(st.integers(1, 40), max_size=4),
)
def test_each_sale_is_one_order_of_its_own_figures(
    one: list[Sale], other: list[Sale], restarts: frozenset[int]
) -> None:
    counter = Counter()
    customers = dict(zip(TILLS, (one, other), strict=True))
    run(counter, [Till(counter, name, sold) for name, sold in customers.items()], restarts)

    held = counter.latest()
    for till, sold in customers.items():
        there = [order for order in held if order["attribution"]["touchpoint"] == till]
        assert Count(order["totals"]["payable"] for order in there) == Count(sale.total for sale in sold)
        unprinted = [order for order in there if "provisional" in order["evidence"]["flags"]]
        assert len(unprinted) == sum(sale.paper is None for sale in sold)
        assert all(any(sale.has_shown(order["totals"]) for sale in sold) for order in there)
        used = [tender["reference"] for order in there for tender in order["tenders"] if tender["reference"]]
        assert len(used) == len(set(used))
        paid = {f"{till}/{number}": sale.total for number, sale in enumerate(sold) if sale.how == "card"}
        assert all(tender["amount"] == paid[tender["reference"]] for order in there for tender in order["tenders"]
                   if tender["reference"])  # fmt: skip
    assert counter.book.shop.counts(counter.now).orders == len(one) + len(other)
