"""Slips that the line has broken: their sums prove nothing."""

import random
from datetime import UTC, datetime

from edge_agent.decoders import escpos
from edge_agent.observations import Receipt
from tests.support.hostile import hear
from tests.support.noise import interleaved
from tests.support.slips import Book, plain, receipt, sale
from tests.support.till import Till

SEED, PAIRS = 20261123, 200


def proved(book: Book, slip: Receipt) -> list[int]:
    """Return the amounts that the orders made of a slip prove."""
    data = [plain(draft) for draft in book.observe(slip) if draft.type.startswith("o2o.order.")]
    return [
        one["totals"]["payable"]
        for one in data
        if "checks" in one
        and "pass" in (one["checks"]["lines"], one["checks"]["tenders"])
        and "fail" not in one["checks"].values()
    ]


def test_a_slip_that_lost_letters_and_commands_proves_nothing() -> None:
    assert proved(Book(), receipt(sale())) == [1600]
    assert proved(Book(), receipt(sale(), flags=("undecodable",))) == [1600]
    _, order = Book().one(receipt(sale(), flags=("undecodable", "garbled")))
    assert (order["checks"]["lines"], order["checks"]["tenders"]) == ("unknown", "unknown")
    assert order["totals"]["payable"] == 1600


def test_a_sum_that_fails_goes_on_failing() -> None:
    _, order = Book().one(receipt(sale().replace("16.00", "17.00"), flags=("garbled",)))
    assert "fail" in (order["checks"]["lines"], order["checks"]["tenders"])


def test_garbled_slips_are_no_new_layout() -> None:
    book = Book()
    for number in range(20):
        book.observe(receipt(sale(f"2026112200{number:04}")))
    for number in range(20, 40):
        book.observe(receipt(sale(f"2026112200{number:04}"), flags=("garbled",)))
    assert not book.shop.layouts.has_changed("till-1-printer")


def test_two_tills_on_one_line_prove_no_amount_that_neither_charged() -> None:
    rng = random.Random(SEED)
    book, decoder = Book(), escpos.Decoder(escpos.Settings())
    alone: dict[str, int] = {}
    mixed: dict[str, int] = {}
    till = Till(alone, rng, datetime(2026, 11, 22, 10, 31, tzinfo=UTC))
    both = Till(mixed, rng, datetime(2021, 7, 8, 9, 41, tzinfo=UTC))
    for _ in range(PAIRS):
        pair = interleaved(both.ring("zh-retail"), both.ring("zh-retail"), rng)
        charged = list(mixed.values())[-2:]
        slips = [said for said in hear(decoder, pair) if isinstance(said, Receipt)]
        assert all(amount in charged for slip in slips for amount in proved(book, slip))
        whole = [said for said in hear(decoder, till.ring()) if isinstance(said, Receipt)]
        assert [amount for slip in whole for amount in proved(book, slip)] == list(alone.values())[-1:]
