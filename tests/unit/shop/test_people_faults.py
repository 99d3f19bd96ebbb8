"""What a shop's people, clocks and upgrades do to the rules, and what must not come of it."""

from dataclasses import replace

import pytest

from edge_agent.clock import Moment
from edge_agent.identities.enrolled import enrolled
from edge_agent.identities.sdm_keys import SdmKeys
from edge_agent.observations import Advertisement, TagRead
from edge_agent.shop import checkins, presence, taps, tills, today
from edge_agent.shop.settings import DeviceFacts
from edge_agent.simulator import beacons
from tests.support.people import (
    AISLE,
    BADGE_KEY,
    DOOR,
    FILE,
    META,
    OTHER_READER,
    READER,
    UID,
    People,
    sdm_tag,
    settings,
    uri_tag,
)
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


@pytest.mark.parametrize("days", [-400, 1, 400])
def test_what_still_matters_is_kept_when_the_clock_is_set(people: People, days: int) -> None:
    """The storage deletes rows by the wall clock; by the uptime the tap was three seconds ago."""
    people.tap(sdm_tag(1))
    people.wait(2)
    people.now = replace(people.now, wall_ms=people.now.wall_ms + days * DAY_MS)
    people.skip(1)
    outcome = people.shop.tick(people.now)
    people.wait(1)

    left = {change.part: (change.expires_ms or 0) - people.now.wall_ms for change in outcome.state}
    assert left.keys() == {taps.RECENT, checkins.PART, tills.PART}
    assert 50_000 < left[taps.RECENT] <= 60_000
    assert 3.9 * 3_600_000 < left[checkins.PART] <= 4 * 3_600_000
    assert 50_000 < left[tills.PART] <= 90_000
    people.restart()
    assert people.tap(sdm_tag(2)) == []


def test_rows_are_not_written_again_without_a_reason(people: People) -> None:
    people.tap(sdm_tag(1))
    for _ in range(10):
        people.skip(1)
        assert people.shop.tick(people.now).state == ()
    people.skip(5 * 3600)
    people.now = replace(people.now, wall_ms=people.now.wall_ms + DAY_MS)
    assert people.shop.tick(people.now).state == (), "what is past is not brought back"


# --- cards that lie there --------------------------------------------------------------------------------------------


def test_a_card_that_lay_there_is_not_tapped_anew_whoever_else_taps_meanwhile() -> None:
    people = People(settings(presence={"checkin_window": "1s"}))
    people.tap(uri_tag(CARD), away=False)
    people.skip(120)
    people.tap(uri_tag("https://o2o.example/m/2", b"\x04other!"), OTHER_READER)
    people.lift(uri_tag(CARD))
    people.skip(2)

    assert people.tap(uri_tag(CARD)) == []


def test_a_card_that_is_lost_for_a_moment_and_lies_on_is_not_tapped_anew() -> None:
    people = People(settings(presence={"checkin_window": "1s"}))
    people.tap(uri_tag(CARD))
    people.skip(1)
    people.tap(uri_tag(CARD), away=False)
    people.skip(120)
    people.lift(uri_tag(CARD))
    people.skip(2)

    assert people.tap(uri_tag(CARD)) == []


def test_a_forgotten_members_card_leaves_nothing_when_it_is_lifted(people: People) -> None:
    people.tap(sdm_tag(1), away=False)
    value = people.data("checkin")[0]["identity"]["value"]
    people.keep(people.shop.people.forget(value))
    people.lift(sdm_tag(1))

    assert people.rows[taps.RECENT] == {}


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


def test_made_up_visitors_fill_neither_memory_nor_disk(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(today, "VISITORS_MAX", 3)
    people.works()
    people.stay(5)
    for number in range(10):
        beacon = beacons.eddystone_uid(bytes(10), number.to_bytes(6, "big"))
        for _ in range(3):
            people.wait(1)
            heard = Advertisement("C0:00:00:00:00:07", -60, people.now.uptime_ms, services={beacons.EDDYSTONE: beacon})
            people.observe(heard, people.now, DOOR)

    assert people.shop.counts(people.now).visitors == 11
    assert len(people.rows[today.VISITORS]) == 3
    people.restart()
    assert people.shop.counts(people.now).visitors == 11
    assert len(people.shop._visitors._last) == 3


# --- slips at the till -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slip", [VOID, DELIVERY])
def test_a_tap_is_not_given_to_a_slip_that_no_customer_at_the_till_is_behind(people: People, slip: str) -> None:
    people.tap(sdm_tag(1))
    people.sell(slip)
    people.sell(sale("20261122000138"))

    other, order = people.data("order")
    assert (other["checkin_id"], other["member"]) == (None, None)
    assert order["checkin_id"] == people.data("checkin")[0]["checkin_id"]


@pytest.mark.parametrize("slip", [VOID, DELIVERY])
def test_nor_does_such_a_slip_wait_for_a_tap(people: People, slip: str) -> None:
    people.sell()
    people.sell(slip)
    people.tap(sdm_tag(1))

    (checkin,) = people.data("checkin")
    wanted = [] if slip is VOID else [people.data("order")[0]["order_id"]]
    assert checkin["order_ids"] == wanted, "a voided order is nobody's; a platform's slip changes nothing"


def test_a_slip_that_cannot_be_written_does_not_take_the_tap_with_it(people: People) -> None:
    people.tap(sdm_tag(1))
    broken = receipt(sale("20261122000137").replace("王芳", "\ud800"))
    with pytest.raises(UnicodeEncodeError):
        people.observe(broken, people.now)
    people.keep(people.shop.defect(TILL, broken, people.now))
    people.sell(sale("20261122000138"))

    assert people.data("order.completed")[0]["checkin_id"] == people.data("checkin")[0]["checkin_id"]


# --- one carrier, several keys ---------------------------------------------------------------------------------------


def test_a_telephone_with_a_token_and_an_irk_is_one_visitor() -> None:
    irk = bytes(range(16))
    file = f'service_uuid = "fcd2"\n[[carrier]]\nid = "m-1"\ntoken_key = "{BADGE_KEY.hex()}"\nirk = "{irk.hex()}"\n'
    people = People(replace(settings(), enrolled=enrolled(file)))
    people.works()
    address = beacons.private_address(irk, b"\x42\x13\x37")
    for second in range(40):
        people.wait(1)
        if second % 2:
            people.badge(address=address)
        else:  # the operating system's own advertisement, from the same address
            people.observe(Advertisement(address, -60, people.now.uptime_ms), people.now, DOOR)

    assert people.types("presence") == ["presence.entered"]
    assert people.types("checkin") == ["checkin.recorded"]
    people.keep(people.shop.people.forget("m-1"))
    assert people.rows[presence.PART] == {}
    assert people.rows[checkins.PART] == {}


# --- rows of another version -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [taps.COUNTERS, taps.RECENT, checkins.PART, tills.PART, presence.PART, today.PART])
@pytest.mark.parametrize("row", [b"", b"\xff\xfe", b'["\xff"]', b"\x81\xa1x\x01", b'{"x": 1}', b"null", bytes(600)])
def test_a_row_of_another_version_costs_itself_and_no_start(people: People, part: str, row: bytes) -> None:
    people.works()
    people.stay(5)
    people.tap(uri_tag(CARD))
    people.rows[part] = dict.fromkeys([*people.rows.get(part, {}), "counts", "till-1"], row)
    people.restart()
    people.works()

    people.wait(3)
    people.sell()
    people.tap(sdm_tag(1))
    people.restart()
    assert people.types("order") == ["order.completed"]


# --- many strangers, another configuration ---------------------------------------------------------------------------


def test_memory_holds_only_what_may_still_matter(people: People) -> None:
    """A telephone shows another UID at each tap: 3,000 of them in eight hours."""
    for number in range(3_000):
        people.skip(10)
        people.tap(TagRead("type4", b"\x08" + number.to_bytes(3, "big")))
    assert len(people.shop.people._taps._recent) <= 7
    assert len(people.shop.people._checkins._open) <= 4 * 360 + 1
    assert people.shop.counts(people.now).checkins == 3_000


def changed(people: People, **devices: DeviceFacts | None) -> None:
    """Restart with devices replaced or, where None, taken out of the configuration."""
    names = {"door": DOOR, "aisle": AISLE, "reader": READER}
    known = dict(people._settings.devices)
    for name, facts in devices.items():
        del known[names[name]]
        if facts is not None:
            known[facts.id] = facts
    people._settings = replace(people._settings, devices=known)
    people.restart()


def test_a_visit_ends_once_where_no_scanner_is_left(people: People) -> None:
    people.works()
    people.stay(20)
    changed(people, door=None, aisle=None)
    people.wait(300)
    people.restart()
    people.wait(10)

    assert people.types("presence") == ["presence.entered", "presence.left"]
    assert people.rows[presence.PART] == {}


def test_a_scanner_with_another_name_goes_on_with_the_visit(people: People) -> None:
    people.works()
    people.stay(20)
    changed(people, door=DeviceFacts("new-ble", "porch", kind="ble", zone="entrance"))
    people.works("new-ble")
    people.stay(20, scanner="new-ble")

    assert people.types("presence") == ["presence.entered"]
    assert people.types("checkin") == ["checkin.recorded"]


def test_a_reader_that_went_to_another_touchpoint_takes_no_tap_with_it(people: People) -> None:
    people.tap(sdm_tag(1))
    changed(people, reader=DeviceFacts(READER, "till-2", kind="nfc", sdm=SdmKeys(META, FILE)))
    people.sell()
    people.tap(sdm_tag(2))
    people.sell(sale("20261122000138"))

    assert {order["checkin_id"] for order in people.data("order")} == {None}


# --- odd members -----------------------------------------------------------------------------------------------------

ODD = ["a\nb", 'a"b', "x" * 512, "\u202eevil", "a\0b", "member:m-1", "", "会员"]


@pytest.mark.parametrize("member", ODD)
def test_whatever_a_member_is_called_it_is_one_member(member: str) -> None:
    people = People(settings(members={("ndef_uri", CARD): member or "-"}))
    people.tap(uri_tag(CARD))
    people.skip(61)
    people.restart()
    people.tap(uri_tag(CARD, b"\x04other!"))
    people.keep(people.shop.people.forget(member or "-"))

    assert people.types("checkin") == ["checkin.recorded"]
    assert people.rows[checkins.PART] == {}


def test_nobody_can_check_in_as_somebody_by_what_a_tag_says() -> None:
    people = People(settings(members={("service_token", "badge-1"): "m-1"}))
    people.works()
    people.stay(5)
    for said in ("member:m-1", "service_token:badge-1", "badge-1", "m-1"):
        people.tap(TagRead("type4", UID, None, answers={"F0": said.encode()}))
        people.skip(61)

    assert {checkin["member"] for checkin in people.data("checkin")[1:]} == {None}
    assert len({checkin["checkin_id"] for checkin in people.data("checkin")}) == 5


def test_counters_at_their_ends(people: People) -> None:
    assert len(people.tap(sdm_tag(0))) == 1
    people.skip(5 * 3600)
    assert people.tap(sdm_tag(0)) == []
    assert len(people.tap(sdm_tag((1 << 24) - 1))) == 1
    people.restart()
    people.skip(5 * 3600)
    assert people.tap(sdm_tag(0)) == [], "a counter that began anew is a copy"
