"""Tags: the best identity is taken, and none that is forged, torn or new at each tap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.identities import Identity
from edge_agent.identities.hashing import Hasher
from edge_agent.identities.sdm_keys import SdmKeys
from edge_agent.identities.tags import LONGEST_VALUE, Tagged, identify
from edge_agent.observations import TagRead
from tests.unit.identities.ndef_bytes import message, poster, text, uri
from tests.unit.identities.sdm_tag import ENCRYPTED, KEYS, PLAIN, UID, tap

HASHER = Hasher(b"the tenant's key")
OTHER_UID = bytes.fromhex("04FFEEDDCCBBAA")
MEMBER = "https://shop.example/m?id=10086"
AID = "F0010203040506"


def test_a_verified_tag_is_known_by_the_hash_of_its_uid_and_brings_its_counter() -> None:
    value = HASHER.of("sdm", UID)
    read = TagRead("type4", UID, message(uri(tap(ENCRYPTED, 61)[8:], 4), text("会员")))

    assert identify(read, HASHER, KEYS) == Tagged(Identity("sdm", value, verified=True), counter=(value, 61))


def test_a_verified_uri_is_found_behind_others_and_in_a_poster() -> None:
    read = TagRead("type4", UID, message(uri(MEMBER), poster(uri(tap(PLAIN, 61)), text("title"))))

    tagged = identify(read, HASHER, KEYS)

    assert tagged.counter == (HASHER.of("sdm", UID), 61)


def test_a_forged_tag_has_no_identity_whatever_else_it_has() -> None:
    forged = tap(ENCRYPTED, 61, keys=SdmKeys(bytes(16), bytes(16)))
    read = TagRead("type4", UID, message(uri(MEMBER), uri(forged)), answers={AID: b"token"})

    assert identify(read, HASHER, KEYS) == Tagged(None, refused="sdm_forged")


def test_a_torn_tag_has_no_identity() -> None:
    read = TagRead("type4", UID, torn=True, answers={AID: b"token"})

    assert identify(read, HASHER, KEYS) == Tagged(None, refused="torn")


@pytest.mark.parametrize("template", [ENCRYPTED, PLAIN])
def test_without_keys_a_uri_new_at_each_tap_is_passed_over(template: str) -> None:
    identities = {
        identify(TagRead("type4", UID, message(uri(tap(template, counter)))), HASHER, None).identity
        for counter in range(5)
    }

    assert identities == {Identity("uid", HASHER.of("uid", UID))}


def test_without_keys_what_stands_beside_such_a_uri_is_taken() -> None:
    read = TagRead("type4", UID, message(uri(tap(ENCRYPTED, 1)), uri(MEMBER)))

    assert identify(read, HASHER, None).identity == Identity("ndef_uri", MEMBER)


def test_the_order_of_what_is_not_verified() -> None:
    sent = message(text("会员一〇〇八六"), uri(MEMBER))
    answers = {"F0000000000001": b"", AID: b"token-1", "F0000000000002": b"token-2"}

    assert identify(TagRead("type4", UID, sent, answers=answers), HASHER, KEYS).identity == Identity("aid", "token-1")
    assert identify(TagRead("type2", UID, sent), HASHER, KEYS).identity == Identity("ndef_uri", MEMBER)
    assert identify(TagRead("type2", UID, message(text("会员"))), HASHER, KEYS).identity == Identity(
        "ndef_text", "会员"
    )
    assert identify(TagRead("type2", UID, b""), HASHER, KEYS).identity == Identity("uid", HASHER.of("uid", UID))
    assert identify(TagRead("classic", UID), HASHER, None).identity == Identity("uid", HASHER.of("uid", UID))
    assert identify(TagRead("type2", b""), HASHER, None) == Tagged(None)


def test_a_felica_card_is_known_by_its_idm() -> None:
    idm = bytes.fromhex("0123456789ABCDEF")

    assert identify(TagRead("type3", idm), HASHER, None).identity == Identity("idm", HASHER.of("idm", idm))


@pytest.mark.parametrize(
    ("answer", "value"),
    [(b"token 1~", "token 1~"), (b"\x00\xff", "00ff"), ("会".encode(), "e4bc9a"), (b"a\n", "610a"), (b"a\x7f", "617f")],
)
def test_an_answer_is_text_if_it_is_printable_ascii_and_else_hex(answer: bytes, value: str) -> None:
    assert identify(TagRead("type4", UID, answers={AID: answer}), HASHER, None).identity == Identity("aid", value)


@pytest.mark.parametrize(
    "read",
    [
        TagRead("type4", UID, answers={AID: b"a" * 60_000}),
        TagRead("type4", UID, answers={AID: b"\0" * 60_000}),
        TagRead("type4", UID, message(uri("a:" + "b" * 8000))),
        TagRead("type4", UID, message(text("会" * 2000))),
    ],
)
def test_a_value_has_an_end(read: TagRead) -> None:
    identity = identify(read, HASHER, KEYS).identity

    assert identity is not None
    assert len(identity.value) == LONGEST_VALUE


@pytest.mark.parametrize(
    "sent",
    [
        message(text("line\nline")),
        message(text("\x00")),
        message(text("  ")),
        message(uri("")),
        message(uri("a:\x7f")),
        message(text("tag 04a1B2c3D4e5F6")),
        message(uri("https://shop.example/04A1B2C3D4E5F6x00001F")),
    ],
)
def test_what_is_no_token_or_repeats_the_uid_is_passed_over(sent: bytes) -> None:
    assert identify(TagRead("type2", UID, sent), HASHER, None) == Tagged(Identity("uid", HASHER.of("uid", UID)))


def test_a_malformed_message_is_said_and_what_could_be_read_is_used() -> None:
    whole = message(uri(MEMBER), text("x"))

    torn = identify(TagRead("type2", UID, whole[:-1]), HASHER, KEYS)
    noise = identify(TagRead("type2", UID, b"\xff\xff\xff"), HASHER, KEYS)

    assert torn == Tagged(Identity("ndef_uri", MEMBER), malformed="undecodable")
    assert noise == Tagged(Identity("uid", HASHER.of("uid", UID)), malformed="undecodable")


@pytest.mark.parametrize(
    ("uid", "random_uid"), [("08A1B2C3", True), ("04A1B2C3", False), ("08A1B2C3D4E5F6", False), ("", False)]
)
def test_a_made_up_uid_is_said_of_any_identity(uid: str, random_uid: bool) -> None:
    octets = bytes.fromhex(uid)
    reads = [
        TagRead("type4", octets, message(uri(tap(ENCRYPTED, 1)))),
        TagRead("type4", octets, message(uri(MEMBER))),
        TagRead("type4", octets, answers={AID: b"token"}),
        *([TagRead("type4", octets)] if octets else []),
    ]
    for read in reads:
        identity = identify(read, HASHER, KEYS).identity
        assert identity is not None
        assert identity.random_uid is random_uid


def test_the_same_octets_hash_differently_for_each_kind_and_key() -> None:
    values = {HASHER.of(kind, UID) for kind in ("sdm", "uid", "idm")} | {Hasher(b"other").of("uid", UID)}

    assert len(values) == 4
    assert {len(value) for value in values} == {64}
    assert UID.hex() not in "".join(values)


@given(
    st.builds(
        TagRead,
        technology=st.sampled_from(["type2", "type3", "type4", "classic", "?"]),
        uid=st.binary(max_size=12),
        ndef=st.none()
        | st.binary(max_size=120)
        | st.text(max_size=40).map(lambda words: message(text(words), uri("https://shop.example/" + words))),
        torn=st.booleans(),
        answers=st.dictionaries(st.text(max_size=4), st.binary(max_size=20), max_size=3),
    ),
    st.sampled_from([None, KEYS]),
)
def test_any_tag_is_judged_and_nothing_unproved_is_verified(read: TagRead, keys: SdmKeys | None) -> None:
    tagged = identify(read, HASHER, keys)

    assert tagged.identity is None or not tagged.identity.verified
    assert tagged.identity is None or 0 < len(tagged.identity.value) <= LONGEST_VALUE
    assert tagged.counter is None
    assert (tagged.refused == "torn") == read.torn


def test_one_damaged_octet_never_makes_another_person() -> None:
    genuine = message(uri(tap(ENCRYPTED, 61)))
    allowed = identify(TagRead("type4", UID, genuine), HASHER, KEYS).counter
    for at in range(len(genuine)):
        for octet in (0x00, 0x30, 0x46, 0xFF):
            damaged = genuine[:at] + bytes([octet]) + genuine[at + 1 :]
            assert identify(TagRead("type4", OTHER_UID, damaged), HASHER, KEYS).counter in {None, allowed}


@pytest.mark.parametrize(
    "written",
    [
        "04:a1:b2:c3:d4:e5:f6", "04-A1-B2-C3-D4-E5-F6", "04 A1 B2 C3 D4 E5 F6", "F6E5D4C3B2A104",
        str(int.from_bytes(UID)), str(int.from_bytes(UID[::-1])),
    ],
)  # fmt: skip
def test_a_uid_is_known_however_it_is_written(written: str) -> None:
    read = TagRead("type2", UID, message(text(f"card {written}"), uri(f"https://shop.example/{written}")))

    assert identify(read, HASHER, None).identity == Identity("uid", HASHER.of("uid", UID))


def test_what_is_too_long_is_not_cut_within_a_number() -> None:
    """Half a card number is not recognised as one, and would not be redacted."""
    long = "x" * (LONGEST_VALUE - 10) + " 6222021234567890128"
    identity = identify(TagRead("type2", OTHER_UID, message(text(long))), HASHER, None).identity

    assert identity == Identity("ndef_text", "x" * (LONGEST_VALUE - 10))
