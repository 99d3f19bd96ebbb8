import pytest

from edge_agent.simulator.tags.type2 import ACK, NAK, VERSION, Classic, Ntag213

UID = bytes.fromhex("04A1B2C3D4E5F6")
MESSAGE = bytes.fromhex("D101025503" + "61")


def memory(tag: Ntag213) -> bytes:
    pages = [tag.exchange(bytes([0x30, page])) for page in range(0, 44, 4)]
    return b"".join(page or b"?" for page in pages)


def test_header_and_message_are_where_nxp_has_them() -> None:
    content = memory(Ntag213(UID, MESSAGE))
    assert content[:9] == UID[:3] + bytes([0x88 ^ 0x04 ^ 0xA1 ^ 0xB2]) + UID[3:] + bytes([0xC3 ^ 0xD4 ^ 0xE5 ^ 0xF6])
    assert content[12:16] == bytes.fromhex("E1101200")
    assert content[16:25] == b"\x03\x06" + MESSAGE + b"\xfe"


def test_without_ndef_there_is_no_capability_container() -> None:
    assert memory(Ntag213(UID, None))[12:160] == bytes(148)


def test_reads_roll_over_at_the_end_and_stop_beyond() -> None:
    tag = Ntag213(UID, MESSAGE)
    assert tag.exchange(b"\x30\x2c") == bytes(4) + memory(tag)[:12]
    assert tag.exchange(b"\x3a\x00\x03") == memory(tag)[:16]
    assert tag.exchange(b"\x60") == VERSION
    assert tag.exchange(b"\x30\x2d") == NAK


def test_after_an_error_it_is_silent_until_selected_again() -> None:
    tag = Ntag213(UID, MESSAGE)
    assert tag.exchange(b"\x1a\x00") == NAK
    assert tag.exchange(b"\x60") is None
    tag.poll(b"")
    assert tag.exchange(b"\x60") == VERSION


def test_user_memory_can_be_written_and_nothing_else() -> None:
    tag = Ntag213(UID, MESSAGE)
    assert tag.exchange(b"\xa2\x05abcd") == ACK
    assert memory(tag)[20:24] == b"abcd"
    assert tag.exchange(b"\xa2\x00abcd") == NAK


def test_a_claim_stands_where_the_length_does() -> None:
    assert memory(Ntag213(UID, MESSAGE, claims=65535))[16:20] == b"\x03\xff\xff\xff"


def test_an_endless_tag_answers_whatever_is_asked() -> None:
    tag = Ntag213(UID, MESSAGE, claims=65535, endless=True)
    assert tag.exchange(b"\xc2\xff") == ACK
    assert tag.exchange(b"\x01\x00\x00\x00") is None
    answer = tag.exchange(b"\x30\xfe")
    assert answer is not None
    assert len(answer) == 16
    assert Ntag213(UID, MESSAGE).exchange(b"\xc2\xff") == NAK


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Ntag213(UID, bytes(160))
    with pytest.raises(ValueError, match="7 bytes"):
        Ntag213(UID[:4], MESSAGE)
    with pytest.raises(ValueError, match="4 bytes"):
        Classic(UID)
