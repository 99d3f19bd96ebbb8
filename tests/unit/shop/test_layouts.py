import random

import pytest

from edge_agent.observations import Receipt
from edge_agent.redact import Redactor
from edge_agent.shop.layouts import CHANGED, Layouts
from edge_agent.shop.slips import Slip, SlipReader
from tests.support.recaptures import decoded, printed, vendor
from tests.support.slips import TILL, Book, at, plain, receipt, sale, settings

GOOD, BAD, KITCHEN = "good", "bad", "kitchen"


class Till:
    """A till that prints receipts one after the other; each is another one."""

    def __init__(self) -> None:
        self.book = Book()
        self.count = 0

    def prints(self, what: str) -> bool:
        """Print a slip; return whether its layout counts as changed from now on."""
        self.count += 1
        if what == KITCHEN:
            slip = receipt(f"厨房联\n桌号: {self.count}\n鱼香肉丝  1\n")
        elif what == GOOD:
            slip = receipt(sale(number=f"20261122{self.count:06d}"))
        else:
            slip = decoded(printed(vendor(self.count)))
        self.book.observe(slip)
        return self.book.shop.layouts.has_changed(TILL)


def test_a_new_layout_shows_within_ten_receipts_and_goes_with_good_ones() -> None:
    till = Till()
    assert not any(till.prints(GOOD) for _ in range(20))
    shown = [till.prints(BAD) for _ in range(10)]
    assert shown.index(True) == CHANGED - 1
    assert all(shown[CHANGED - 1 :])
    assert [till.prints(GOOD) for _ in range(5)] == [True, True, True, True, False]
    told = [(draft.type, plain(draft)["reason"]) for draft in till.book.events if draft.type.startswith("o2o.device")]
    assert told == [("o2o.device.degraded.v1", "layout_changed"), ("o2o.device.up.v1", None)]


def test_ten_good_receipts_are_enough_to_know_a_till_by() -> None:
    till = Till()
    assert not any(till.prints(GOOD) for _ in range(10))
    assert any(till.prints(BAD) for _ in range(10))


def test_it_is_durable() -> None:
    till = Till()
    for what in (GOOD,) * 20 + (BAD,) * 4:
        till.prints(what)
    till.book.restart()
    assert [till.prints(BAD), till.prints(BAD)] == [False, True]
    till.book.restart()
    assert till.book.shop.layouts.has_changed(TILL)
    assert till.prints(BAD)


def test_odd_slips_and_slips_that_are_no_receipts_mean_nothing() -> None:
    till = Till()
    for _ in range(30):
        assert not till.prints(GOOD)
    for _ in range(20):
        assert not till.prints(BAD)
        for _ in range(3):
            assert not till.prints(GOOD)
            assert not till.prints(KITCHEN)


def test_a_till_that_was_never_read_well_has_not_changed() -> None:
    till = Till()
    assert not any(till.prints(BAD) for _ in range(40))


@pytest.mark.parametrize("share", [0.03, 0.08])
def test_a_till_with_a_few_odd_receipts_is_left_alone(share: float) -> None:
    rng = random.Random(4)
    odd, even = _slip(receipt("看不懂\n")), _slip(receipt(sale()))
    layouts = Layouts({})
    fired = 0
    for _ in range(3_000):  # ten days of a busy till
        layouts.seen(TILL, odd if rng.random() < share else even)
        fired += layouts.has_changed(TILL)
    assert fired == 0


def test_figures_that_do_not_add_up_any_more_are_a_new_layout_too() -> None:
    layouts = Layouts({})
    even = _slip(receipt(sale()))
    wrong = _slip(receipt(sale().replace("4.50    4.50", "4.50    4.60")))
    for _ in range(30):
        layouts.seen(TILL, even)
    for _ in range(10):
        layouts.seen(TILL, wrong)
    assert layouts.has_changed(TILL)


def test_a_row_of_another_version_is_left_out() -> None:
    assert not Layouts({TILL: b"\xc1"}).has_changed(TILL)


def _slip(said: Receipt) -> Slip:
    return SlipReader(settings(), Redactor(b"key")).receipt(settings().devices[TILL], said, at())
