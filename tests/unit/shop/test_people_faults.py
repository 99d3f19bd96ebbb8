"""What a shop's people, clocks and upgrades do to the rules, and what must not come of it."""

from dataclasses import replace

import pytest

from edge_agent.clock import Moment
from edge_agent.identities.enrolled import enrolled
from edge_agent.observations import Advertisement, TagRead
from edge_agent.shop import checkins, presence, taps, today
from edge_agent.simulator import beacons
from tests.support.people import BADGE_KEY, DOOR, UID, People, sdm_tag, settings, uri_tag
from tests.support.slips import TILL, receipt, sale

CARD = "https://o2o.example/m/1024"
OTHER_BOOT = "6f2f1c1e-0000-4000-8000-000000000002"
DAY_MS = 86_400_000
VOID = sale().replace("惠民便利店", "惠民便利店\n*** 作废单 ***")
DELIVERY = """\
#12 美团外卖
订单号: 8102345678901234567
下单时间: 2026-11-22 11:02:11
农夫山泉550ml    2  2.00    4.00
合计                        4.00
"""


@pytest.fixture
def people() -> People:
    return People()


def rebooted(people: People, days_back: float, uptime_s: float) -> None:
    """Boot again with a clock that is set back by so much: before, it had been ahead."""
    wall_ms = people.now.wall_ms - round(days_back * DAY_MS)
    people.now = Moment(wall_ms, round(uptime_s * 1000), OTHER_BOOT, people.now.quality)
    people.restart()


# --- a clock that had been ahead -------------------------------------------------------------------------------------


def test_a_tap_is_not_the_same_one_for_a_year_because_the_clock_had_been_ahead(people: People) -> None:
    people.tap(uri_tag(CARD))
    rebooted(people, days_back=365, uptime_s=5 * 3600)

    assert len(people.tap(uri_tag(CARD))) == 1


def test_an_order_is_not_given_to_who_tapped_before_the_clock_was_set_back(people: People) -> None:
    people.tap(sdm_tag(1))
    rebooted(people, days_back=1, uptime_s=600)
    people.sell()

    (order,) = people.data("order")
    assert (order["checkin_id"], order["member"]) == (None, None)


def test_just_after_a_boot_with_the_clock_set_back_a_tap_is_still_the_same_one(people: People) -> None:
    people.tap(uri_tag(CARD))
    rebooted(people, days_back=1, uptime_s=20)

    assert people.tap(uri_tag(CARD)) == []


# --- the counts of the day -------------------------------------------------------------------------------------------


def test_a_tap_before_the_clock_is_set_does_not_begin_another_day(people: People) -> None:
    people.sell()
    noon = people.now
    people.now = Moment(20_000, 20_000, OTHER_BOOT, noon.quality)
    people.restart()
    people.tap(uri_tag(CARD))
    people.now = replace(noon, boot_id=OTHER_BOOT, uptime_ms=120_000)

    counts = people.shop.counts(people.now)
    assert (counts.orders, counts.checkins) == (1, 1)


def test_a_tap_of_yesterday_that_waited_for_the_disk_does_not_undo_the_day() -> None:
    """Each device's observations come in their order, those of two devices do not."""
    people = People()
    people.now = replace(people.now, wall_ms=people.now.wall_ms + round(17.5 * 3_600_000) + 100)  # 04:00:00.1
    people.sell(sale("20261123000001", "2026-11-23 04:00:00"))
    late = replace(people.now, wall_ms=people.now.wall_ms - 300, uptime_ms=people.now.uptime_ms - 300)
    people.observe(uri_tag(CARD), late, "counter-nfc")
    people.sell(sale("20261123000002", "2026-11-23 04:00:00"))

    assert people.shop.counts(people.now).orders == 2


