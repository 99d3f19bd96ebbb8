from collections.abc import Mapping

import pytest

from edge_agent.simulator.tags.apdu import NDEF_AID, Applications, Ndef
from edge_agent.simulator.tags.type4 import Type4

UID = bytes.fromhex("04A1B2C3D4E5F6")
AID = bytes.fromhex("F0010203040506")
RATS = b"\xe0\x80"
MESSAGE = bytes(range(256)) * 2


def tag(message: bytes = MESSAGE, answers: Mapping[bytes, bytes] | None = None) -> Type4:
    return Type4("type4", lambda: UID, Applications(Ndef(lambda: message), answers or {}))


def exchange(card: Type4, *frames: str) -> str:
    answer = b""
    for frame in frames:
        answer = card.exchange(bytes.fromhex(frame)) or b""
    return answer.hex().upper()


def select(aid: bytes) -> str:
    return "00A40400" + f"{len(aid):02X}" + aid.hex()


def test_before_rats_it_says_nothing() -> None:
    assert tag().exchange(b"\x02\x00") is None
    assert tag().exchange(RATS) == bytes.fromhex("067777710280")


def test_an_unknown_application_is_not_found() -> None:
    assert exchange(tag(), "E080", "02" + select(AID)) == "02" + "6A82"
    assert exchange(tag(), "E080", "02" + "00B0000002") == "02" + "6D00"


def test_a_phone_answers_its_aid_with_its_token() -> None:
    phone = tag(answers={AID: b"token"})
    assert exchange(phone, "E080", "02" + select(AID)) == "02" + b"token".hex().upper() + "9000"


def read_file(card: Type4, fsdi: str = "8") -> bytes:
    exchange(card, f"E0{fsdi}0", "02" + select(NDEF_AID), "03" + "00A4000C02E104")
    answer = card.exchange(bytes.fromhex("02" + "00B0000000"))
    content, number = b"", 0
    while answer is not None:
        content += answer[1:]
        if not answer[0] & 0x10:
            return content
        number ^= 1
        answer = card.exchange(bytes([0xA2 | number]))
    raise AssertionError("silent in the middle of a chain")


@pytest.mark.parametrize("fsdi", ["0", "5", "8"])
def test_long_answers_are_chained_in_frames_the_reader_can_take(fsdi: str) -> None:
    assert read_file(tag(), fsdi) == (b"\x02\x00" + MESSAGE)[:256] + b"\x90\x00"


def test_a_chained_command_is_put_together() -> None:
    whole = select(AID)
    phone = tag(answers={AID: b"!"})
    assert exchange(phone, "E080", "12" + whole[:8]) == "A2"
    assert exchange(phone, "03" + whole[8:]) == "03" + "21" + "9000"


def test_the_last_block_again_and_a_sign_of_life() -> None:
    phone = tag(answers={AID: b"!"})
    answer = exchange(phone, "E080", "02" + select(AID))
    assert exchange(phone, "B2") == answer  # NAK with the number of the block that was lost
    assert exchange(phone, "B3") == "A2"  # NAK with the next: still here


def test_deselected_it_wants_rats_again() -> None:
    card = tag()
    assert exchange(card, "E080", "C2") == "C2"
    assert card.exchange(b"\x02\x00") is None


def test_a_new_message_for_each_selection_of_the_file() -> None:
    count = iter(range(10))
    card = Type4("type4", lambda: UID, Applications(Ndef(lambda: bytes([next(count)])), {}))
    exchange(card, "E080", "02" + select(NDEF_AID), "03" + "00A4000C02E104")
    assert exchange(card, "02" + "00B0000002", "03" + "00B0000201") == "03" + "00" + "9000"
    assert exchange(card, "02" + "00A4000C02E104", "03" + "00B0000201") == "03" + "01" + "9000"


def test_a_file_that_claims_too_much_ends_in_an_error_or_never() -> None:
    for endless, end in ((False, "6B00"), (True, "9000")):
        card = Type4("type4", lambda: UID, Applications(Ndef(lambda: b"abc", 65535, endless), {}))
        exchange(card, "E080", "02" + select(NDEF_AID), "03" + "00A4000C02E104")
        assert exchange(card, "02" + "00B0000005") == "02" + "FFFF" + b"abc".hex().upper() + "9000"
        assert exchange(card, "03" + "00B0000580") == "03" + end


def test_more_time_is_asked_for_before_each_answer() -> None:
    phone = Type4("phone", lambda: UID, Applications(None, {AID: b"!"}), wtx=2)
    assert exchange(phone, "E080", "02" + select(AID)) == "F201"
    assert exchange(phone, "F201") == "F201"
    assert exchange(phone, "F201") == "02" + "21" + "9000"
    assert phone.exchange(b"\xf2\x01") is None


def test_uid_and_state_are_lost_with_the_field() -> None:
    uids = iter([b"\x08\x01\x02\x03", b"\x08\x04\x05\x06"])
    phone = Type4("phone", lambda: next(uids), Applications(None, {}), sak=0x60)
    assert phone.poll(b"") == bytes.fromhex("0004" + "60" + "04" + "08010203")
    phone.exchange(RATS)
    phone.power_off()
    assert phone.exchange(b"\xb2") is None
    assert phone.poll(b"\x08\x01\x02\x03") is None
    assert phone.poll(b"")[-4:] == b"\x08\x04\x05\x06"  # type: ignore[index]  # None would fail as it should
