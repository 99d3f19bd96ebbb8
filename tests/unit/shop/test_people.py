"""Taps, advertisements and codes become check-ins and visits: what a member's day in the shop leads to."""

import random
from dataclasses import replace

import pytest

from edge_agent.observations import Scan, TagRead
from edge_agent.shop import checkins, presence, taps, tills, today
from edge_agent.shop.outcome import StateChange
from edge_agent.simulator.tags import ndef as tags_ndef
from tests.support.people import AISLE, DOOR, OTHER_READER, READER, UID, People, sdm_tag, settings, uri_tag
from tests.support.slips import TILL, sale

MEMBERS = {("service_token", "badge-1"): "m-1", ("ndef_uri", "https://o2o.example/m/1024"): "m-1024"}
CARD = "https://o2o.example/m/1024"


@pytest.fixture
def people() -> People:
    return People()


def test_a_verified_tap_is_a_check_in_with_a_hash_for_a_name(people: People) -> None:
    (event,) = people.tap(sdm_tag(1))

    (checkin,) = people.data("checkin")
    assert event.type == "o2o.checkin.recorded.v1"
    assert event.partitionkey == "sh-0001/till-1"
    assert event.device == READER
    identity = checkin.pop("identity")
    assert (identity["kind"], identity["verified"], identity["random_uid"]) == ("sdm", True, False)
    assert len(identity["value"]) == 64
    assert UID.hex() not in str(people.rows).lower()
    checkin.pop("checkin_id")
    assert checkin == {
        "revision": 1, "touchpoint": "till-1", "zone": "checkout", "method": "nfc", "methods": ["nfc"], "member": None,
        "order_ids": [], "occurred_at": "2026-11-22T10:30:00.000+08:00",
    }  # fmt: skip


def test_the_light_says_whether_the_tap_counts(people: People) -> None:
    assert people.accepted(sdm_tag(1))
    assert people.accepted(sdm_tag(2)), "the same tap again is no reason to tell somebody off"
    assert not people.accepted(sdm_tag(2)), "a replay"
    assert not people.accepted(sdm_tag(3, file=bytes(16))), "a forgery"
    assert not people.accepted(TagRead("type2", UID, torn=True)), "put it on again"
    assert people.shop.people.taps == {"new": 1, "repeated": 1, "sdm_replayed": 1, "sdm_forged": 1, "torn": 1}


@pytest.mark.parametrize("again", [1, 5, 6])
def test_a_replayed_url_is_refused_also_after_a_restart(people: People, again: int) -> None:
    people.tap(sdm_tag(6))
    people.skip(5 * 3600)
    people.reboot(3600)

    assert people.tap(sdm_tag(again)) == []
    assert people.tap(sdm_tag(7)) != []


def test_a_forgery_does_not_take_the_genuine_cards_turn(people: People) -> None:
    """Both show the same UID: who is debounced is who was verified."""
    people.tap(sdm_tag(900, file=bytes(16)))

    assert len(people.tap(sdm_tag(1))) == 1


def test_a_counter_is_kept_also_where_the_tap_is_still_the_same(people: People) -> None:
    people.tap(sdm_tag(1))
    people.tap(sdm_tag(9))
    people.restart()
    people.skip(5 * 3600)

    assert people.tap(sdm_tag(9)) == []


def test_the_same_tap_within_the_debounce_says_nothing(people: People) -> None:
    shop = People(settings(presence={"checkin_window": "1s"}))
    shop.tap(uri_tag(CARD))
    shop.skip(50)
    shop.restart()
    assert shop.tap(uri_tag(CARD)) == []
    shop.skip(30)
    assert len(shop.tap(uri_tag(CARD))) == 1


def test_a_card_that_lay_there_for_an_hour_is_not_tapped_anew_when_it_is_lifted() -> None:
    shop = People(settings(presence={"checkin_window": "1s"}))
    shop.tap(uri_tag(CARD), away=False)
    shop.skip(3600)
    shop.lift(uri_tag(CARD))
    shop.skip(2)
    assert shop.tap(uri_tag(CARD)) == []
    shop.skip(61)
    assert len(shop.tap(uri_tag(CARD))) == 1


def test_two_readers_each_have_their_own_debounce(people: People) -> None:
    people.tap(uri_tag(CARD))
    people.tap(uri_tag(CARD), OTHER_READER)

    assert people.shop.people.taps["new"] == 2
    assert people.types("checkin") == ["checkin.recorded"], "of one member in one window"


def test_one_check_in_a_window_however_often(people: People) -> None:
    for minutes in (0, 61, 61, 61, 61):
        people.skip(minutes * 60)
        people.tap(uri_tag(CARD))

    first, second = people.data("checkin")
    assert first["checkin_id"] != second["checkin_id"]
    assert second["occurred_at"] == "2026-11-22T14:34:00.000+08:00"
    assert people.shop.counts(people.now).checkins == 2


def test_a_window_outlives_restarts_and_a_clock_that_is_set(people: People) -> None:
    people.tap(uri_tag(CARD))
    people.skip(3600)
    people.now = type(people.now)(
        people.now.wall_ms + 86_400_000, people.now.uptime_ms, people.now.boot_id, people.now.quality
    )
    people.restart()
    assert people.tap(uri_tag(CARD)) == [], "the clock was set by a day: within a boot only the uptime counts"


def test_the_methods_that_saw_a_member_are_listed_on_one_check_in() -> None:
    shop = People(settings(members=MEMBERS | {("ndef_uri", CARD): "m-1"}))
    shop.works()
    shop.stay(5)
    shop.tap(uri_tag(CARD))
    shop.tap(uri_tag(CARD), OTHER_READER)

    first, second = shop.data("checkin")
    assert (first["method"], first["methods"], first["revision"], first["member"]) == ("ble", ["ble"], 1, "m-1")
    assert (second["method"], second["methods"], second["revision"]) == ("ble", ["ble", "nfc"], 2)
    assert first["checkin_id"] == second["checkin_id"]
    assert shop.shop.counts(shop.now).checkins == 1


def test_a_members_code_checks_in_and_a_product_is_nobody() -> None:
    shop = People(settings(members={("code", "M1024"): "m-1024"}))
    shop.observe(Scan("6901234567892"), shop.now)
    shop.observe(Scan("M1024"), shop.now)

    assert shop.types() == ["code.presented", "code.presented", "checkin.recorded"]
    assert shop.data("checkin")[0]["method"] == "scan"


def test_a_card_number_on_a_tag_is_redacted(people: People) -> None:
    people.tap(TagRead("type2", UID, tags_ndef.text("会员卡号 6222021234567890128")))
    people.tap(TagRead("type2", b"\x04\x01\x02\x03\x04\x05\x06", tags_ndef.uri("tel:13800138000")))

    said = str([*people.data("checkin"), people.rows])
    assert "6222021234567890128" not in said
    assert "13800138000" not in said


def test_a_telephone_without_a_name_is_told_as_such(people: People) -> None:
    people.tap(TagRead("type4", bytes.fromhex("08A1B2C3")))

    (checkin,) = people.data("checkin")
    identity = checkin["identity"]
    assert (identity["kind"], identity["verified"], identity["random_uid"]) == ("uid", False, True)
    assert "08a1b2c3" not in str(people.rows).lower()


# --- the member at the till ------------------------------------------------------------------------------------------


def test_an_order_is_given_to_whoever_tapped_just_before(people: People) -> None:
    people.tap(sdm_tag(1))
    people.skip(60)
    people.sell()
    people.sell(sale("20261122000138"))

    (checkin,) = people.data("checkin")
    first, second = people.data("order")
    assert first["checkin_id"] == checkin["checkin_id"]
    assert first["member"] == checkin["identity"]["value"]
    assert (second["checkin_id"], second["member"]) == (None, None), "one tap, one order"


def test_a_tap_that_proves_nothing_names_no_member(people: People) -> None:
    people.tap(uri_tag(CARD))
    people.sell()

    (order,) = people.data("order")
    assert order["member"] is None
    assert order["checkin_id"] == people.data("checkin")[0]["checkin_id"]


def test_a_tap_just_after_the_order_belongs_to_it(people: People) -> None:
    people.sell()
    people.restart()
    people.skip(30)
    people.tap(sdm_tag(1))

    assert people.data("checkin")[0]["order_ids"] == [people.data("order")[0]["order_id"]]


def test_a_member_who_checked_in_hours_ago_is_linked_by_a_revision(people: People) -> None:
    people.tap(sdm_tag(1))
    people.skip(7200)
    people.sell()
    people.tap(sdm_tag(2))

    first, second = people.data("checkin")
    assert first["checkin_id"] == second["checkin_id"]
    assert (second["revision"], second["order_ids"]) == (2, [people.data("order")[0]["order_id"]])


def test_a_tap_gives_back_an_earlier_order_for_a_nearer_one(people: People) -> None:
    """The customer before has paid 40 s ago; the member taps, and pays 12 s later."""
    people.sell()
    people.skip(40)
    people.tap(sdm_tag(1))
    people.restart()
    people.skip(12)
    people.sell(sale("20261122000138"))

    before, hers = people.data("order")
    taken, given_back = people.data("checkin")
    assert (before["checkin_id"], hers["checkin_id"]) == (None, taken["checkin_id"])
    assert hers["member"] == taken["identity"]["value"]
    assert (taken["order_ids"], taken["revision"]) == ([before["order_id"]], 1)
    assert (given_back["order_ids"], given_back["revision"]) == ([hers["order_id"]], 2)
    assert given_back["checkin_id"] == taken["checkin_id"]


def test_each_of_two_purchases_of_a_visit_keeps_its_check_in(people: People) -> None:
    for number in (137, 138):
        people.sell(sale(f"20261122000{number}"))
        people.skip(5)
        people.tap(sdm_tag(number))
        people.skip(3600)

    first, second = people.data("order")
    assert people.data("checkin")[-1]["order_ids"] == [first["order_id"], second["order_id"]]


def test_a_members_code_at_the_till_is_as_good_as_a_tap() -> None:
    shop = People(settings(members={("code", "M1024"): "m-1024"}))
    shop.observe(Scan("M1024"), shop.now)
    shop.sell()

    (order,) = shop.data("order")
    assert order["member"] == "m-1024"
    assert order["checkin_id"] == shop.data("checkin")[0]["checkin_id"]


def test_a_tap_that_leads_to_nothing_because_of_a_defect_is_tapped_again(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("edge_agent.shop.people.draft", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            people.tap(sdm_tag(1))

    assert people.accepted(sdm_tag(1))
    assert people.types() == ["checkin.recorded"]


def test_a_tap_keeps_the_order_that_is_nearer(people: People) -> None:
    """She taps right after paying; the next customer pays a minute later."""
    people.sell()
    people.skip(5)
    people.tap(sdm_tag(1))
    people.skip(60)
    people.sell(sale("20261122000138"))

    first, second = people.data("order")
    (checkin,) = people.data("checkin")
    assert checkin["order_ids"] == [first["order_id"]]
    assert (second["checkin_id"], second["member"]) == (None, None)


@pytest.mark.parametrize("gap_s", [30, 60, 120, 240])
def test_members_at_a_busy_till_get_their_own_orders(gap_s: int) -> None:
    """Every fourth customer taps some seconds before paying, or after; the others pay in cash and go."""
    rng = random.Random(gap_s)
    shop = People()
    own: dict[str, int] = {}
    for number in range(200):
        gap = rng.uniform(0.6, 1.4) * gap_s
        taps = rng.random() < 0.25
        early = rng.uniform(2, min(60, 0.4 * gap))
        uid = bytes([4, *number.to_bytes(6)])
        shop.skip(gap - early)
        if taps:
            shop.tap(sdm_tag(1, uid))
            own[shop.data("checkin")[-1]["checkin_id"]] = number
        shop.skip(early)
        shop.sell(sale(f"2026112200{number:04d}"))

    orders = {order["checkin_id"]: int(order["order_no"][-4:]) for order in shop.data("order") if order["checkin_id"]}
    last = {checkin["checkin_id"]: checkin["order_ids"] for checkin in shop.data("checkin")}
    numbers = {order["order_id"]: int(order["order_no"][-4:]) for order in shop.data("order")}
    right = sum(orders.get(checkin) == number for checkin, number in own.items())
    assert right >= 0.9 * len(own), f"{right} of {len(own)}"
    told = {checkin: numbers[named[-1]] for checkin, named in last.items() if named and checkin in orders}
    assert told.items() <= orders.items(), "check-in and order name each other"


@pytest.mark.parametrize("reader", [READER, OTHER_READER])
def test_too_late_or_elsewhere_is_nobodys(people: People, reader: str) -> None:
    people.tap(sdm_tag(1), reader)
    people.skip(91 if reader == READER else 5)
    people.sell()

    assert people.data("order")[0]["checkin_id"] is None


def test_a_shop_without_readers_keeps_nothing_of_its_orders() -> None:
    shop = People(replace(settings(), devices={TILL: settings().devices[TILL]}))
    shop.sell()

    assert tills.PART not in shop.rows


# --- presence --------------------------------------------------------------------------------------------------------


def test_a_badge_enters_and_leaves(people: People) -> None:
    people.works()
    people.stay(90)
    people.wait(70)

    assert people.types("presence") == ["presence.entered", "presence.dwelled", "presence.left"]
    entered, dwelled, left = people.data("presence")
    assert entered["visit_id"] == dwelled["visit_id"] == left["visit_id"]
    assert entered["identity"] == {"kind": "service_token", "value": "badge-1", "verified": True, "random_uid": False}
    assert (entered["zone"], entered["touchpoint"], entered["dwell_seconds"]) == ("entrance", "door", 0)
    assert left["dwell_seconds"] in range(80, 92)
    assert people.types("checkin") == ["checkin.recorded"]
    assert people.shop.counts(people.now).visitors == 1


def test_who_comes_twice_a_day_is_one_visitor(people: People) -> None:
    people.works()
    for _ in range(2):
        people.stay(20)
        people.wait(120)
        people.restart()
        people.works()
    assert people.types("presence") == ["presence.entered", "presence.left"] * 2
    assert people.shop.counts(people.now).visitors == 1

    people.skip(86_400)
    people.stay(20)
    assert people.shop.counts(people.now).visitors == 1, "and one of the next day"


def test_a_visit_comes_from_the_scanner_that_saw_it(people: People) -> None:
    people.works()
    people.stay(20)

    assert {(event.type, event.device) for event in people.events} == {
        ("o2o.presence.entered.v1", DOOR),
        ("o2o.checkin.recorded.v1", DOOR),
    }


def test_a_mute_radio_is_no_departure_however_short_the_time_out() -> None:
    shop = People(settings(presence={"leave_after_badge": "10s", "leave_after_phone": "10s"}))
    shop.works()
    for _ in range(20):
        shop.wait(1)
        shop.badge()
        for stranger in range(3):
            shop.hear_stranger(stranger)
    shop.wait(60)

    assert shop.types("presence") == ["presence.entered"]


def test_while_a_scanner_is_down_nobody_leaves(people: People) -> None:
    people.works()
    people.stay(10)
    people.works(DOOR, healthy=False)
    people.wait(3600)
    assert people.types("presence") == ["presence.entered"]

    people.works(DOOR)
    people.stay(10)
    assert people.types("presence.left") == []


def test_a_rebuilt_memory_keeps_scanners_working(people: People) -> None:
    """After a failed commit the rules go back to what is on disk; the radio has not gone for it."""
    people.works()
    people.stay(10)
    people.shop.restore(people.state, people.now)
    people.wait(120)

    assert people.types("presence") == ["presence.entered", "presence.left"]


def test_no_address_is_kept_or_told(people: People) -> None:
    people.works()
    for _ in range(20):
        people.wait(1)
        people.badge(address="C0:FF:EE:00:00:01")
        people.badge(scanner=AISLE, rssi=-90, address="C0:FF:EE:00:00:01")

    said = str([people.rows, people.data("")]).lower()
    assert "c0:ff:ee" not in said
    assert "c0ffee" not in said


def test_with_a_clock_that_was_never_set_a_rotating_token_is_nobody(people: People) -> None:
    people.now = replace(people.now, wall_ms=86_400_000)
    people.works()
    people.stay(20)

    assert people.events == []


# --- forgetting ------------------------------------------------------------------------------------------------------


def test_a_forgotten_member_leaves_no_row(people: People) -> None:
    people.works()
    people.stay(10)
    people.tap(sdm_tag(1))
    value = people.data("checkin")[1]["identity"]["value"]
    for member in (value, "badge-1"):
        people.keep(people.shop.forget(member))

    for part in (checkins.PART, tills.PART, taps.RECENT, presence.PART, today.VISITORS):
        assert people.rows.get(part, {}) == {}, part
    assert value not in str(people.rows), "the counter's key is not theirs"
    assert not people.accepted(sdm_tag(1)), "a URL seen before stays refused"
    people.restart()
    people.works()
    people.wait(300)
    assert people.types("presence") == ["presence.entered"], "a visit that is forgotten does not end, either"


def test_forgetting_somebody_leaves_the_others_alone(people: People) -> None:
    people.tap(sdm_tag(1))
    people.tap(uri_tag(CARD))
    value = people.data("checkin")[0]["identity"]["value"]
    people.keep(people.shop.forget(value))
    people.restart()

    assert people.tap(uri_tag(CARD)) == []
    assert list(people.rows[checkins.PART]) == [f"ndef_uri:{CARD}"]


def test_a_member_is_forgotten_under_every_identity() -> None:
    shop = People(settings(members={("ndef_uri", CARD): "m-1", ("service_token", "badge-1"): "m-1"}))

    known = shop.shop.people.identities_of("m-1")

    assert {("ndef_uri", CARD), ("service_token", "badge-1")} <= known


# --- any order, any restart ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_a_restart_anywhere_changes_nothing_about_taps_and_orders(seed: int) -> None:
    rng = random.Random(seed)
    whole, cut = People(), People()
    counter, number = 0, 0
    for _ in range(60):
        choice, seconds = rng.random(), rng.choice((0.5, 5, 40, 70, 4000))
        if rng.random() < 0.3:
            cut.restart()
        for shop in (whole, cut):
            shop.skip(seconds)
        counter, number = counter + (choice < 0.5), number + (choice >= 0.5)
        for shop in (whole, cut):
            if choice < 0.3:
                shop.tap(sdm_tag(counter))
            elif choice < 0.5:
                shop.tap(uri_tag(CARD))
            else:
                shop.sell(sale(f"202611220{number:05d}"))

    def told(shop: People) -> list[object]:
        names: dict[str, int] = {}
        return [
            (
                event.type,
                *(names.setdefault(str(plain.get(key)), len(names)) for key in ("checkin_id", "order_id", "order_ids")),
            )
            for event, plain in zip(shop.events, shop.data(""), strict=True)
        ]

    assert told(whole) == told(cut)


def test_state_rows_are_bounded_in_time(people: People) -> None:
    """Whatever is kept of a person says until when: the storage deletes it then."""
    changes: list[StateChange] = []
    for read in (sdm_tag(1), uri_tag(CARD)):
        outcome = people.shop.observe(READER, read, people.now)
        changes += outcome.state
    kept = {change.part for change in changes if change.expires_ms is None}
    assert kept <= {taps.COUNTERS, "today"}, "a counter must outlive every replay"
