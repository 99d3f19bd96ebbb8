"""A register's own reports against the books."""

from edge_agent.shop.proof.books import Key
from edge_agent.shop.proof.closings import AGREED
from tests.support.proof import TODAY, Till, answer, order, revised

BEFORE = "2026-11-21"


def off(till: Till) -> list[Key]:
    return till.proof.registers_off(till.now)


def test_reports_of_a_shift_add_up() -> None:
    till = Till()
    till.sell(order("1", 1000))
    till.report(1000)
    till.sell(order("2", 300))
    (closed,) = till.report(300)
    assert (closed.register_total, closed.difference) == (1300, 0)
    till.sell(order("3", 300))
    (closed,) = till.report(300)  # as much as the shift before: no reprint
    assert (closed.register_total, closed.difference) == (1600, 0)


def test_reports_of_the_day_so_far_replace_each_other() -> None:
    till = Till()
    till.sell(order("1", 1000))
    till.report(1000)
    till.restart()
    till.sell(order("2", 300))
    (closed,) = till.report(1300)
    assert (closed.register_total, closed.difference) == (1300, 0)


def test_a_report_printed_again_proves_nothing_new() -> None:
    till = Till()
    sale = order("1", 1000)
    till.sell(sale)
    assert len(till.report(1000)) == 1
    assert till.report(1000) == []
    till.restart()
    assert till.report(1000) == []
    till.sell(order("2", 300))
    (again,) = till.report(1000)  # the same paper, and the books have moved on
    assert (again.register_total, again.difference) == (1000, -300)
    assert off(till) == []
    assert (len(till.report(0)), till.report(0)) == (1, [])
    assert (len(till.report(None)), till.report(None)) == (1, [])


def test_a_difference_is_told_until_the_register_is_right_after_all() -> None:
    till = Till()
    sale = order("1", 1000)
    till.sell(sale)
    (closed,) = till.report(900)
    assert (closed.register_total, closed.difference, off(till)) == (900, -100, [(TODAY, "03")])
    till.sell(order("2", 500))  # of the next shift: the report was not about it
    assert off(till) == [(TODAY, "03")]
    till.restart()
    till.sell(revised(sale, 900))
    assert off(till) == []
    till.hear(answer(till.lines()))
    assert till.proof.standing(TODAY).state != AGREED  # another proof is due


def test_a_difference_is_told_for_a_day() -> None:
    till = Till()
    till.sell(order("1", 1000))
    till.report(900)
    till.turn_to("2026-11-23T12:00:00")
    assert off(till) == [(TODAY, "03")]
    till.turn_to("2026-11-24T12:00:00")
    assert off(till) == []


def test_a_register_that_leaves_platforms_orders_out_is_not_wrong() -> None:
    till = Till()
    till.sell(order("1", 1000), order("88", 2500, "delivery_slip"))
    (closed,) = till.report(1000)
    assert (closed.difference, off(till)) == (-2500, [])


def test_a_report_before_the_first_order_may_be_about_the_day_before() -> None:
    till = Till(f"{BEFORE}T22:00:00")
    till.sell(order("1", 1000, day=BEFORE))
    till.turn_to(f"{TODAY}T04:30:00")
    till.tick()
    (opening,) = till.report(0)
    assert opening.business_day == TODAY
    (closed,) = till.report(1000)
    assert (closed.business_day, closed.register_total, closed.difference) == (BEFORE, 1000, 0)
    (closed,) = till.report(None)
    assert (closed.business_day, closed.register_total) == (BEFORE, 1000)


def test_a_report_that_does_not_name_its_workstation_as_receipts_do_is_about_the_one_that_sold_there() -> None:
    till = Till()
    till.sell(order("1", 700, workstation="04"), order("2", 1000))
    (closed,) = till.report(1000, workstation=None)
    assert (closed.workstation, closed.difference) == ("03", 0)
    (closed,) = till.report(700, workstation="04")
    assert (closed.workstation, closed.difference) == ("04", 0)
    assert [one.workstation for one in Till().report(0, workstation=None)] == ["till-1"]
