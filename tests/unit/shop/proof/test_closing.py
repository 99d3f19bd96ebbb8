"""When a day is closed, and what the proof then says."""

import hashlib

from msgspec.structs import replace

from edge_agent.contract import data
from edge_agent.shop.proof.proof import MOST_MS, QUIET_MS
from tests.support.proof import TODAY, Till, digest, order, revised

BEFORE, NEXT = "2026-11-21", "2026-11-23"


def causes(closed: list[data.DayClosed]) -> list[tuple[str, str, str]]:
    return [(one.business_day, one.workstation, one.cause) for one in closed]


def test_the_digest_is_the_contracts() -> None:
    till = Till()
    first, second = order("000001", 296), order("000002", 1600, "return")
    first = replace(first, order_id="019ab8f3-2a20-7c11-8d22-93a4b5c6d7e8")
    second = replace(second, order_id="019ab8f3-1000-7c11-8d22-93a4b5c6d7e8")
    till.sell(first, second, revised(first, 300))
    (closed,) = till.report(-1300)
    text = b"019ab8f3-1000-7c11-8d22-93a4b5c6d7e8:1:return:1600\n019ab8f3-2a20-7c11-8d22-93a4b5c6d7e8:2:sale:300\n"
    assert closed.digest == hashlib.sha256(text).hexdigest()
    assert (closed.orders, closed.returns, closed.payable) == (1, 1, -1300)


def test_what_a_proof_adds_up() -> None:
    till = Till()
    till.sell(
        order("000001", 1600, change=400),
        order("000002", 500, tenders=(("wechat_pay", 300), ("cash", 200))),
        order("000003", 700, "return", tenders=(("wechat_pay", 700),)),
        order("000004", 10_000, "top_up"),
        order("8812", 2500, "delivery_slip", tenders=(("other", 2500),)),
        order("000001", 1600, "void", tenders=()),
        order("000006", None),
    )
    (closed,) = till.report(1600 + 500 - 700 + 10_000 + 2500 - 1600)
    assert closed == data.DayClosed(
        business_day=TODAY,
        workstation="03",
        orders=5,
        returns=1,
        payable=12_300,
        tenders={"cash": 10_200, "other": 2500, "wechat_pay": -400},
        first_number="000001",
        last_number="000006",
        missing_numbers=(),  # two steps are no proof of counting one by one
        register_total=12_300,
        difference=0,
        digest=closed.digest,
        cause="shift_report",
    )


def test_the_days_end_closes_every_workstation_once_whatever_was_closed_before() -> None:
    till = Till()
    till.sell(order("1"), order("2", workstation="04"), order("3", workstation=None))
    at_shift, aside = till.report(1600)
    assert (aside.workstation, aside.orders, aside.register_total) == ("till-1", 1, None)  # it names no workstation
    assert till.report(1600) == []
    till.turn_to(f"{NEXT}T04:00:09")
    assert till.tick() == []
    closed = till.wait(1000)
    assert causes(closed) == [(TODAY, name, "day_end") for name in ("03", "04", "till-1")]
    assert (closed[0].digest, closed[0].register_total, closed[1].register_total) == (at_shift.digest, 1600, None)
    till.restart()
    assert till.wait() == []


def test_days_that_ended_while_the_agent_was_off_are_closed_in_order_on_its_next_start() -> None:
    till = Till(f"{BEFORE}T12:00:00")
    till.sell(order("1", day=BEFORE))
    till.turn_to(f"{TODAY}T03:59:00")
    till.sell(order("2", day=BEFORE))
    till.turn_to(f"{TODAY}T12:00:00")
    till.sell(order("3"))
    till.restart()
    till.turn_to("2026-11-26T09:00:00")
    assert causes(till.tick()) == [(BEFORE, "03", "day_end"), (TODAY, "03", "day_end")]


def test_a_day_without_an_order_and_without_a_report_is_not_closed_and_one_with_a_report_is() -> None:
    till = Till()
    (closed,) = till.report(0)
    assert (closed.digest, closed.orders, closed.register_total) == (digest([]), 0, 0)
    till.turn_to(f"{NEXT}T12:00:00")
    assert causes(till.tick()) == [(TODAY, "03", "day_end")]
    till.turn_to("2026-11-24T12:00:00")
    assert till.tick() == []


def test_a_clock_that_is_not_set_ends_no_day() -> None:
    till = Till("1970-01-01T09:00:00")
    till.sell(order("1"))
    till.turn_to("1970-01-03T09:00:00")
    assert till.tick() == []
    till.restart()
    till.turn_to(f"{NEXT}T09:00:00")
    assert causes(till.tick()) == [(TODAY, "03", "day_end")]


def test_a_late_void_or_correction_is_told_once_the_till_is_quiet() -> None:
    till = Till()
    sale = order("1")
    till.sell(sale)
    till.report(1600)
    till.sell(order("2"))  # the next shift goes on: that changes nothing yet
    assert till.wait() == []
    till.sell(order("1", 1600, "void"))
    assert till.wait(QUIET_MS - 1) == []
    till.sell(revised(sale, 1700))
    assert till.wait(QUIET_MS - 1) == []
    (changed,) = till.wait(1)
    assert (changed.cause, changed.payable, changed.digest) == ("changed", 1700, digest(till.lines()))
    assert till.wait() == []


def test_a_burst_of_late_orders_is_told_before_it_ends_and_survives_a_restart() -> None:
    till = Till()
    till.sell(order("1"))
    till.turn_to(f"{NEXT}T12:00:00")
    assert causes(till.tick()) == [(TODAY, "03", "day_end")]
    told = []
    for number in range(2, 2 + 2 * MOST_MS // 1000):
        till.sell(order(str(number)))
        told += till.wait(1000)
    assert len(told) == 2
    till.sell(order("last"))
    till.restart()
    assert till.tick() == []
    (closed,) = till.wait()
    assert closed.digest == digest(till.lines())


def test_an_order_that_moves_changes_the_day_it_came_from_and_the_one_it_went_to() -> None:
    till = Till(f"{BEFORE}T23:00:00")
    moving, other = order("1", day=BEFORE), order("2", day=BEFORE)
    till.sell(moving, other)
    till.turn_to(f"{TODAY}T12:00:00")
    till.tick()
    moved = replace(revised(moving, 1600), business_day=TODAY)
    till.sell(moved)
    (closed,) = till.wait()
    assert (closed.business_day, closed.orders, closed.digest) == (BEFORE, 1, digest(till.lines((BEFORE, "03"))))
    till.turn_to(f"{NEXT}T12:00:00")
    (closed,) = till.tick()
    assert (closed.business_day, closed.orders, closed.digest) == (TODAY, 1, digest(till.lines()))


def test_an_old_revision_and_a_day_no_longer_kept_change_nothing() -> None:
    till = Till()
    sale = order("1")
    till.sell(revised(sale, 1700), sale, order("2", day="2026-11-01"))
    (closed,) = till.report(1700)
    assert (closed.orders, closed.payable) == (1, 1700)
    till.turn_to("2026-12-08T12:00:00")
    assert causes(till.tick()) == [(TODAY, "03", "day_end")]
    assert till.tick() == []
    till.sell(revised(revised(sale, 1800), 1900))
    assert till.wait() == []
    assert till.proof.standing(TODAY).orders == 0


def test_rows_of_another_version_are_left_out() -> None:
    till = Till()
    till.sell(order("1"))
    till.rows["book"]["x"] = b"\xc1"
    till.rows["day"] = {"2026-11-22/03": b"\xc1", "nonsense": b"\x80"}
    till.restart()
    assert till.proof.standing(TODAY).orders == 1


def test_days_of_a_box_that_was_off_for_weeks_are_closed_before_they_are_forgotten() -> None:
    till = Till()
    till.sell(order("1"))
    till.turn_to("2027-01-05T12:00:00")
    till.restart()
    assert causes(till.tick()) == [(TODAY, "03", "day_end")]
    assert till.tick() == []
    assert till.proof.standing(TODAY).orders == 0


def test_a_day_whose_only_order_moves_away_is_proved_empty_if_it_was_proved_at_all() -> None:
    till = Till()
    first, second = order("1", workstation="04"), order("2", workstation="05")
    till.sell(first, second)
    till.report(1600, workstation="04")
    for one in (first, second):
        moved = replace(one.attribution, workstation="03")
        till.sell(replace(one, revision=2, attribution=moved))
    (changed,) = till.wait()
    assert (changed.workstation, changed.orders, changed.digest) == ("04", 0, digest([]))
    till.turn_to(f"{NEXT}T12:00:00")
    assert [one.workstation for one in till.tick()] == ["03", "04"]
