import pytest

from edge_agent.simulator.tags.felica import Felica

IDM = bytes.fromhex("0102030405060708")
MESSAGE = bytes(range(40))


def read(card: Felica, *blocks: int) -> bytes:
    """Return status flags and what follows them."""
    elements = b"".join(
        bytes([0x80, block]) if block < 256 else b"\x00" + block.to_bytes(2, "little") for block in blocks
    )
    body = b"\x06" + IDM + b"\x01\x0b\x00" + bytes([len(blocks)]) + elements
    answer = card.exchange(bytes([len(body) + 1]) + body)
    assert answer is not None
    assert answer[0] == len(answer)
    assert answer[1:10] == b"\x07" + IDM
    return answer[10:]


def test_attributes_and_blocks() -> None:
    card = Felica(IDM, MESSAGE)
    attributes = read(card, 0)[3:]
    assert attributes[:5] == bytes.fromhex("1004010003")
    assert attributes[11:14] == bytes.fromhex("000028")
    assert sum(attributes[:14]) == int.from_bytes(attributes[14:], "big")
    assert read(card, 1, 2, 3)[3:] == MESSAGE + bytes(8)
    assert read(card, 4)[:2] == b"\x01\xa8"


def test_a_card_without_ndef_is_of_another_system() -> None:
    card = Felica(IDM, None)
    assert card.exchange(bytes.fromhex("060012FC0100")) is None
    assert card.exchange(bytes.fromhex("0600FFFF0100")) == bytes.fromhex("1401") + IDM + bytes.fromhex(
        "0120220427674EFF" + "0003"
    )
    assert read(card, 0)[:2] == b"\xff\xa6"


def test_only_its_own_idm_is_answered() -> None:
    assert Felica(IDM, b"").exchange(bytes.fromhex("0A04") + bytes(8)) is None
    assert Felica(IDM, b"").exchange(b"\x0a\x04" + IDM) == b"\x0b\x05" + IDM + b"\x00"
    assert Felica(IDM, b"").exchange(b"\x09\x04" + IDM) is None


def test_a_claim_of_megabytes() -> None:
    card = Felica(IDM, MESSAGE, claims=0xFFFFFF, endless=True)
    assert read(card, 0)[3:][11:14] == b"\xff\xff\xff"
    assert read(card, 60000)[3:] == bytes(16)


def test_an_idm_has_eight_bytes() -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        Felica(b"\x01", b"")
