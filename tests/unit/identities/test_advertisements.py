"""Advertisements: who is recognised by what, in which order, how fast; and that anything may be in the air."""

import random
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace

import pytest
from bluetooth_data_tools import get_cipher_for_irk
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.identities import Identity
from edge_agent.identities.advertisements import ANONYMOUS, MOST_REMEMBERED, Sighted, Sightings
from edge_agent.identities.beacons import APPLE, EDDYSTONE, eddystone_eid, eddystone_uid, ibeacon
from edge_agent.identities.enrolled import Carrier, enrolled
from edge_agent.identities.private_address import Resolver
from edge_agent.identities.rotating import ephemeral_id, token
from edge_agent.observations import Advertisement

NOW = 1795343400
NOW_MS = NOW * 1000
TOKEN_KEY, EID_KEY = bytes(range(16)), bytes(range(16, 32))
IRK = bytes.fromhex(
    "ec0234a357c8ad05341010a60a397d9b"
)  # Core 5.4, Vol 3, Part H, D.7: its address is 0D:FB:AA+70:81:94
IRK_ADDRESS = "70:81:94:0D:FB:AA"
SERVICE = "0000fcd2-0000-1000-8000-00805f9b34fb"
UUID = "5f2dd896-b886-4549-ae01-e41acd7a354a"
NAMESPACE = "00112233445566778899"

ENROLLED = enrolled(
    f"""
    service_uuid = "fcd2"
    [[carrier]]
    id = "member-1"
    token_key = "{TOKEN_KEY.hex()}"
    [[carrier]]
    id = "badge-7"
    kind = "badge"
    eid_key = "{EID_KEY.hex()}"
    eid_exponent = 10
    eid_epoch = {NOW - 5000}
    [[carrier]]
    id = "member-2"
    irk = "{IRK.hex()}"
    """
)
MEMBER_1 = Sighted(Identity("service_token", "member-1", verified=True), "phone")
MEMBER_2 = Sighted(Identity("irk", "member-2", verified=True), "phone")
BADGE_7 = Sighted(Identity("eddystone_eid", "badge-7", verified=True), "badge")
BEACON = Sighted(Identity("ibeacon", f"{UUID}/258/65535"), "badge")
INSTANCE = Sighted(Identity("eddystone_uid", f"{NAMESPACE}/aabbccddeeff"), "badge")

TOKEN = token(TOKEN_KEY, NOW // 900, 8)
IBEACON = bytes.fromhex("0215") + uuid.UUID(UUID).bytes + bytes.fromhex("0102FFFFC5")
EDDYSTONE_UID = bytes.fromhex("00EE" + NAMESPACE + "AABBCCDDEEFF0000")
EDDYSTONE_EID = bytes.fromhex("30EE") + ephemeral_id(EID_KEY, 10, 5000)


def sightings(namespaces: tuple[str, ...] | None = None) -> Sightings:
    return Sightings(ENROLLED, (UUID.upper(),), namespaces)


def advertisement(
    manufacturer: Mapping[int, bytes] | None = None,
    services: Mapping[str, bytes] | None = None,
    address: str = "C0:00:00:00:00:01",
) -> Advertisement:
    return Advertisement(address, -60, 0, manufacturer or {}, services or {})


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (advertisement(services={SERVICE: TOKEN}), MEMBER_1),
        (advertisement({APPLE: IBEACON}), BEACON),
        (advertisement(services={EDDYSTONE: EDDYSTONE_UID}), INSTANCE),
        (advertisement(services={EDDYSTONE: EDDYSTONE_UID[:18]}), INSTANCE),
        (advertisement(services={EDDYSTONE: EDDYSTONE_EID}), BADGE_7),
        (advertisement(address=IRK_ADDRESS), MEMBER_2),
        (advertisement(address=IRK_ADDRESS.lower()), MEMBER_2),
        (advertisement(), ANONYMOUS),
    ],
)
def test_each_way_to_be_recognised(sent: Advertisement, expected: Sighted) -> None:
    assert sightings().identify(sent, NOW_MS) == expected


def test_the_better_proof_goes_first() -> None:
    """All at once, as BlueZ merges them; then the best is taken away, one after the other."""
    manufacturer = {APPLE: IBEACON, 0x0006: b"\x01\x09\x20"}
    services = {SERVICE: TOKEN, EDDYSTONE: EDDYSTONE_EID}
    everything = advertisement(manufacturer, services, IRK_ADDRESS)
    seen = sightings()

    assert seen.identify(everything, NOW_MS) == MEMBER_1
    assert seen.identify(replace(everything, services={EDDYSTONE: EDDYSTONE_EID}), NOW_MS) == BEACON
    assert seen.identify(replace(everything, services={EDDYSTONE: EDDYSTONE_EID}, manufacturer={}), NOW_MS) == BADGE_7
    assert seen.identify(replace(everything, services={}, manufacturer={}), NOW_MS) == MEMBER_2


@pytest.mark.parametrize(
    "sent",
    [
        advertisement(services={SERVICE: TOKEN[:-1]}),
        advertisement(services={SERVICE: TOKEN + b"\0"}),
        advertisement(services={SERVICE: b""}),
        advertisement(services={"": TOKEN}),
        advertisement(services={SERVICE.replace("fcd2", "fcd3"): TOKEN}),
        advertisement({APPLE: IBEACON[:-1]}),
        advertisement({APPLE: IBEACON + b"\0"}),
        advertisement({APPLE: b"\x02\x16" + IBEACON[2:]}),
        advertisement({APPLE: b"\x02\x15" + bytes(21)}),
        advertisement({0x0059: IBEACON}),
        advertisement(services={EDDYSTONE: EDDYSTONE_UID[:17]}),
        advertisement(services={EDDYSTONE: EDDYSTONE_UID[:19]}),
        advertisement(services={EDDYSTONE: EDDYSTONE_UID + b"\0"}),
        advertisement(services={EDDYSTONE: EDDYSTONE_EID + b"\0"}),
        advertisement(services={EDDYSTONE: EDDYSTONE_EID[:-1]}),
        advertisement(services={EDDYSTONE: b"\x10" + EDDYSTONE_UID[1:]}),
        advertisement(services={EDDYSTONE: b"\x30\xee" + bytes(8)}),
        advertisement(address="70:81:94:0D:FB:AB"),
        advertisement(address="F0:81:94:0D:FB:AA"),
        advertisement(address="70:81:94:0D:FB"),
        advertisement(address="70:81:94:0D:FB:AA:00"),
        advertisement(address=""),
        advertisement(address="70:81:94:0D:FB:ZZ"),
    ],
)
def test_what_only_looks_like_it_is_anonymous(sent: Advertisement) -> None:
    assert sightings().identify(sent, NOW_MS) == ANONYMOUS


def test_other_beacons_than_the_shops_are_anonymous() -> None:
    assert (
        sightings((NAMESPACE.upper(),)).identify(advertisement(services={EDDYSTONE: EDDYSTONE_UID}), NOW_MS) == INSTANCE
    )
    for namespaces in ((), ("ff" * 10,)):
        seen = sightings(namespaces).identify(advertisement(services={EDDYSTONE: EDDYSTONE_UID}), NOW_MS)
        assert seen == ANONYMOUS
    assert Sightings(None, (), None).identify(advertisement({APPLE: IBEACON}), NOW_MS) == ANONYMOUS


def test_codes_hold_one_period_before_and_after_and_no_longer() -> None:
    seen = sightings()
    by_token, by_eid = advertisement(services={SERVICE: TOKEN}), advertisement(services={EDDYSTONE: EDDYSTONE_EID})
    step_begins, period_begins = NOW - NOW % 900, NOW - 5000 + 4096
    for begins, length, sent, who in ((step_begins, 900, by_token, MEMBER_1), (period_begins, 1024, by_eid, BADGE_7)):
        for at, expected in (
            (begins - length - 1, ANONYMOUS),
            (begins - length, who),
            (begins, who),
            (begins + 2 * length - 1, who),
            (begins + 2 * length, ANONYMOUS),
            (begins, who),
        ):
            assert seen.identify(sent, at * 1000) == expected, at - begins


def test_while_the_clock_is_not_synchronized_only_what_needs_no_time_is_recognised() -> None:
    seen = sightings()
    timed = [advertisement(services={SERVICE: TOKEN}), advertisement(services={EDDYSTONE: EDDYSTONE_EID})]
    for wall_ms, expected in ((None, [ANONYMOUS] * 2), (NOW_MS, [MEMBER_1, BADGE_7]), (None, [ANONYMOUS] * 2)):
        assert [seen.identify(sent, wall_ms) for sent in timed] == expected
        assert seen.identify(advertisement({APPLE: IBEACON}), wall_ms) == BEACON
        assert seen.identify(advertisement(address=IRK_ADDRESS), wall_ms) == MEMBER_2


def test_a_flood_of_addresses_is_forgotten_again() -> None:
    seen = sightings()
    generator = random.Random(3)
    for _ in range(2 * MOST_REMEMBERED):
        address = ":".join(f"{octet:02X}" for octet in (0x40 | generator.randrange(64), *generator.randbytes(5)))
        seen.identify(advertisement({APPLE: generator.randbytes(4)}, address=address), NOW_MS)

    assert len(seen._by_payload) == len(seen._by_address) == MOST_REMEMBERED
    assert seen.identify(advertisement(address=IRK_ADDRESS), NOW_MS) == MEMBER_2


def test_keys_are_tried_once_for_each_address(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def counted(resolver: Resolver[Carrier], address: str) -> Carrier | None:
        tried.append(address)
        return owner(resolver, address)

    owner = Resolver.owner
    monkeypatch.setattr(Resolver, "owner", counted)
    seen = sightings()
    for minute in range(0, 3600, 60):
        for octet in range(3):
            seen.identify(
                advertisement({APPLE: bytes([octet, minute % 7])}, address=IRK_ADDRESS), NOW_MS + minute * 1000
            )
    assert tried == [IRK_ADDRESS]


def test_repeated_advertisements_cost_a_fraction_of_what_new_ones_cost() -> None:
    """500 devices and as many enrolled: a repetition is a look-up, whatever the number of keys."""
    generator = random.Random(500)
    text = 'service_uuid = "fcd2"\n' + "".join(
        f'[[carrier]]\nid = "m{index}"\ntoken_key = "{generator.randbytes(16).hex()}"\n'
        f'irk = "{generator.randbytes(16).hex()}"\n'
        for index in range(500)
    )
    seen = Sightings(enrolled(text), (), None)
    sent = [
        advertisement(
            {APPLE: generator.randbytes(20)},
            {SERVICE: generator.randbytes(8)},
            f"4A:00:00:00:{at >> 8:02X}:{at & 255:02X}",
        )
        for at in range(500)
    ]

    def seconds() -> float:
        begin = time.process_time()
        for each in sent:
            seen.identify(each, NOW_MS)
        return time.process_time() - begin

    new, repeated = seconds(), min(seconds() for _ in range(5))

    assert new / repeated > 10  # it is about a hundred


def test_an_address_of_ones_own_key_is_resolved() -> None:
    """The library's function, the other way round: a random part, and the hash that belongs to it."""
    generator = random.Random(7)
    encryptor = get_cipher_for_irk(IRK).encryptor()
    for _ in range(20):
        part = bytes([0x40 | generator.randrange(64)]) + generator.randbytes(2)
        address = part + encryptor.update(bytes(13) + part)[13:]
        assert sightings().identify(advertisement(address=address.hex(":").upper()), None) == MEMBER_2


payloads = st.binary(max_size=40) | st.sampled_from([TOKEN, IBEACON, EDDYSTONE_UID, EDDYSTONE_EID])
mutated = st.builds(
    lambda payload, at, octet: payload[:at] + bytes([octet]) + payload[at + 1 :],
    st.sampled_from([TOKEN, IBEACON, EDDYSTONE_UID, EDDYSTONE_EID]),
    st.integers(0, 30),
    st.integers(0, 255),
)


@given(
    st.builds(
        Advertisement,
        address=st.text(max_size=20) | st.sampled_from(["AA:BB:CC:DD:EE:FF", IRK_ADDRESS]),
        rssi=st.integers(-300, 300),
        arrived_ms=st.integers(),
        manufacturer=st.dictionaries(st.sampled_from([APPLE, 0, 0xFFFF, -1]), payloads | mutated, max_size=3),
        services=st.dictionaries(st.sampled_from([SERVICE, EDDYSTONE, ""]) | st.text(), payloads | mutated, max_size=3),
    ),
    st.none() | st.integers(min_value=-(10**15), max_value=10**19),
)
def test_any_advertisement_is_judged(sent: Advertisement, wall_ms: int | None) -> None:
    seen = SEEN.identify(sent, wall_ms)

    assert (seen.identity is None) == (seen.carrier == "anonymous")
    if seen.identity is not None and seen.identity.verified:
        assert TOKEN in sent.services.values() or EDDYSTONE_EID in sent.services.values() or sent.address == IRK_ADDRESS
    assert SEEN.identify(sent, wall_ms) == seen


SEEN = sightings()


@given(st.binary(max_size=40) | mutated)
def test_any_payload_is_parsed_or_not(payload: bytes) -> None:
    beacon = ibeacon({APPLE: payload})
    uid, eid = eddystone_uid({EDDYSTONE: payload}), eddystone_eid({EDDYSTONE: payload})

    assert beacon is None or len(payload) == 23
    assert uid is None or (len(payload) in {18, 20} and len(uid[0]) == 20 and len(uid[1]) == 12)
    assert eid is None or (len(payload) == 10 and eid == payload[2:])
