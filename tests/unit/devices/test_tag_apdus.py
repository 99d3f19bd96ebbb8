"""Reading tags by APDUs: from the simulated tags, and from everything that is none."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.devices.tag_apdus import LONGEST_NDEF, TornError, Transmit, read_tag, read_uid
from edge_agent.simulator import smartcard
from edge_agent.simulator.tags import ndef as tags_ndef
from edge_agent.simulator.tags.drawer import ClassicSpec, Drawer, FelicaSpec, Ntag213Spec, PhoneSpec, Spec, Type4Spec

UID = "04A1B2C3D4E5F6"
OTHER, AID = "F099999999", "F0010203040506"
MOST_EXCHANGES = 2000  # the longest message in the shortest parts, a few times


class Counted:
    """A card that is asked, and how often it was."""

    def __init__(self, transmit: Transmit) -> None:
        self.asked: list[bytes] = []
        self._transmit = transmit

    def __call__(self, command: bytes) -> bytes:
        self.asked.append(command)
        assert len(self.asked) <= MOST_EXCHANGES
        return self._transmit(command)


def card(spec: Spec) -> Counted:
    tag = Drawer(lambda _: None).make(spec)
    return Counted(lambda command: smartcard.answer(tag, command))


@pytest.mark.parametrize("message", [b"", b"\xd0\x00\x00", tags_ndef.text("x" * 100)])
@pytest.mark.parametrize("technology", ["type2", "type4"])
def test_messages_come_out_as_they_were_written(technology: str, message: bytes) -> None:
    octets = message.hex()
    spec = Ntag213Spec(uid=UID, octets=octets) if technology == "type2" else Type4Spec(uid=UID, octets=octets)
    read = read_tag(card(spec), technology, ())
    assert (read.uid.hex().upper(), read.ndef, read.torn) == (UID, message, False)


@given(length=st.integers(0, 134))
def test_a_type_2_message_of_any_length_is_read_to_its_end(length: int) -> None:
    message = bytes(range(length))
    assert read_tag(card(Ntag213Spec(uid=UID, octets=message.hex())), "type2", ()).ndef == message


@pytest.mark.parametrize(("length", "torn"), [(LONGEST_NDEF, False), (LONGEST_NDEF + 1, True)])
def test_the_longest_message(length: int, torn: bool) -> None:
    read = read_tag(card(Type4Spec(uid=UID, octets="AB" * length)), "type4", ())
    assert (read.torn, read.ndef) == (torn, None if torn else b"\xab" * length)


@pytest.mark.parametrize("endless", [False, True])
@pytest.mark.parametrize("claims", [200, 5000, 65535])
def test_a_tag_that_claims_more_than_it_holds_is_torn(claims: int, endless: bool) -> None:
    for technology, spec in (
        ("type2", Ntag213Spec(uid=UID, text="x", claims=claims, endless=endless)),
        ("type4", Type4Spec(uid=UID, text="x", claims=claims, endless=endless)),
    ):
        asked = card(spec)
        read = read_tag(asked, technology, ())
        assert (read.torn, read.ndef, read.uid.hex().upper()) == (True, None, UID)


def test_a_telephone_that_answers_is_not_asked_for_ndef() -> None:
    asked = card(PhoneSpec(answers={AID: b"token".hex()}, text="hello"))
    assert read_tag(asked, "type4", (OTHER, AID)).answers == {AID: b"token"}
    assert len(asked.asked) == 3  # its UID and two applications


def test_a_telephone_that_does_not_answer_may_have_ndef() -> None:
    read = read_tag(card(PhoneSpec(text="hello")), "type4", (OTHER,))
    assert (read.answers, read.ndef) == ({}, tags_ndef.text("hello"))


def test_of_felica_and_classic_the_uid_alone_is_read() -> None:
    felica, classic = card(FelicaSpec(idm="012E44A711223344", text="x")), card(ClassicSpec(uid="DEADBEEF"))
    assert read_tag(felica, "type3", (AID,)).uid.hex() == "012e44a711223344"
    assert read_tag(classic, "classic", (AID,)).uid.hex() == "deadbeef"
    assert len(felica.asked) == len(classic.asked) == 1


def test_a_reader_that_knows_no_storage_cards_leaves_the_uid() -> None:
    answers = {b"\xff\xca": bytes.fromhex(UID) + b"\x90\x00"}
    read = read_tag(lambda command: answers.get(command[:2], b"\x6e\x00"), "type2", ())
    assert (read.uid.hex().upper(), read.ndef, read.torn) == (UID, None, False)


def test_a_message_behind_other_tlvs_is_found() -> None:
    memory = bytes.fromhex("E1101200" + "0103A00C34" + "00" + "FD0211 22".replace(" ", "") + "0303D00000FE")
    assert read_tag(type2(memory), "type2", ()).ndef == b"\xd0\x00\x00"


@pytest.mark.parametrize(
    "memory",
    [
        pytest.param("E1101200FE0303D00000", id="behind the end"),
        pytest.param("00000000", id="no capability container"),
        pytest.param("E110010000000000000000", id="eight empty bytes"),
    ],
)
def test_a_type_2_tag_without_a_message(memory: str) -> None:
    read = read_tag(type2(bytes.fromhex(memory)), "type2", ())
    assert (read.ndef, read.torn) == (None, False)


def test_responses_in_parts_and_wrong_lengths_are_followed_up() -> None:
    answers = {
        bytes.fromhex("FFCA000000"): bytes.fromhex("6C07"),
        bytes.fromhex("FFCA000007"): bytes.fromhex("01020304") + bytes.fromhex("6103"),
        bytes.fromhex("00C0000003"): bytes.fromhex("0506079000"),
    }
    assert read_uid(lambda command: answers[command]) == bytes(range(1, 8))


def test_a_card_that_has_ever_more_to_say_is_not_listened_to_for_ever() -> None:
    asked = Counted(lambda _: b"\x00\x61\x01")
    with pytest.raises(TornError):
        read_uid(asked)


@given(
    technology=st.sampled_from(["type2", "type3", "type4", "classic"]),
    answers=st.lists(st.binary(max_size=40) | st.binary(max_size=20).map(lambda data: data + b"\x90\x00")),
)
def test_no_answer_is_too_strange(technology: str, answers: list[bytes]) -> None:
    left = iter(answers)
    asked = Counted(lambda _: next(left, b""))
    read = read_tag(asked, technology, (AID,))
    assert len(read.uid) <= 10
    assert len(read.ndef or b"") <= LONGEST_NDEF
    assert not (read.torn and read.ndef is not None)


@given(spec=st.sampled_from([Ntag213Spec(uid=UID, text="x" * 90), Type4Spec(uid=UID, text="x" * 90)]), data=st.data())
def test_one_wrong_answer_never_makes_a_shorter_message(spec: Spec, data: st.DataObject) -> None:
    technology = "type2" if isinstance(spec, Ntag213Spec) else "type4"
    whole = read_tag(card(spec), technology, ()).ndef
    right = card(spec)
    wrong_at = data.draw(st.integers(1, 12))
    wrong = data.draw(st.sampled_from([b"", b"\x90", b"\x63\x00", b"\x90\x00", b"\x6a\x82"]))

    def transmit(command: bytes) -> bytes:
        answer = right(command)
        return wrong if len(right.asked) == wrong_at else answer

    read = read_tag(transmit, technology, ())
    assert read.torn or read.ndef in (None, whole)


def type2(memory: bytes) -> Callable[[bytes], bytes]:
    """Return a reader with a Type 2 tag; ``memory`` from page 3 on, the rest blank."""
    blank = bytes(12) + memory + bytes(3000)

    def transmit(command: bytes) -> bytes:
        if command[:2] != b"\xff\xb0":
            return bytes(7) + b"\x90\x00"
        first = int.from_bytes(command[2:4], "big") * 4
        return blank[first : first + command[4]] + b"\x90\x00"

    return transmit
