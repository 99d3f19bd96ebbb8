"""Answers to reset as readers give them: by pcsc-tools' list of ATRs and the ACR122U's manual."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.devices.pcsc.atr import technology
from edge_agent.simulator.smartcard import answer_to_reset
from edge_agent.simulator.tags.felica import Felica
from edge_agent.simulator.tags.type2 import Classic, Ntag213

STORAGE = "3B8F8001804F0CA000000306"


@pytest.mark.parametrize(
    ("atr", "expected"),
    [
        (STORAGE + "030001000000006A", "classic"),  # 1K
        (STORAGE + "0300020000000069", "classic"),  # 4K
        (STORAGE + "0300260000000000", "classic"),  # Mini
        (STORAGE + "0300030000000068", "type2"),  # Ultralight, NTAG
        (STORAGE + "03003A0000000051", "type2"),  # Ultralight C
        (STORAGE + "03003D0000000056", "type2"),  # Ultralight EV1
        (STORAGE + "11003B0000000042", "type3"),  # FeliCa
        (STORAGE + "03F0110000000000", "type3"),  # FeliCa at 212 kbit/s on an ACR122U
        (STORAGE + "03FF200000000000", "type4"),  # by its SAK alone
        (STORAGE + "03FF600000000000", "type4"),
        (STORAGE + "03FF080000000000", "classic"),
        (STORAGE + "03FF000000000000", "type2"),
        (STORAGE + "03FF400000000000", None),  # a telephone's peer-to-peer
        (STORAGE + "0B00140000000077", None),  # ICODE SLI, ISO 15693
        ("3B8180018080", "type4"),  # DESFire, NTAG 424 DNA
        ("3B80800101", "type4"),  # a telephone
        ("3B8F80010031B86404B0ECC1739401808290000E", "type4"),  # an identity card
        ("", None),
    ],
)
def test_answers_to_reset(atr: str, expected: str | None) -> None:
    assert technology(bytes.fromhex(atr)) == expected


def test_the_simulated_reader_makes_up_the_ones_that_readers_do() -> None:
    found = [answer_to_reset(tag) for tag in (Ntag213(bytes(7), None), Classic(bytes(4)), Felica(bytes(8), None))]
    assert [atr.hex().upper() for atr in found] == [
        STORAGE + "0300030000000068",
        STORAGE + "030001000000006A",
        STORAGE + "11003B0000000042",
    ]


@given(st.one_of(st.binary(max_size=33), st.binary(max_size=10).map(lambda rest: bytes.fromhex(STORAGE) + rest)))
def test_no_answer_to_reset_is_too_strange(atr: bytes) -> None:
    assert technology(atr) in {"type2", "type3", "type4", "classic", None}
