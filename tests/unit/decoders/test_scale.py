"""Scales: what is said of what they send, and what never is."""

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from edge_agent import decoders
from edge_agent.decoders import scale
from edge_agent.observations import Decoded, Undecoded, Weight
from tests.support.streams import cut_at, decode, flip_bits

CONTINUOUS: dict[str, Any] = {"protocol": "toledo-continuous"}
CAS: dict[str, Any] = {"protocol": "cas"}
ASKED: dict[str, Any] = {"protocol": "toledo-8217", "unit": "kg"}


def continuous(grams: int, *, motion: bool = False) -> bytes:
    body = bytes((0x02, 0x2D, 0x38 if motion else 0x30, 0x20)) + f"{grams:6d}     0\r".encode()
    return body + bytes((-sum(body) & 0x7F,))


def cas(grams: int, *, motion: bool = False) -> bytes:
    head = b"US" if motion else b"ST"
    return head + b",GS,1\xc4," + f"{grams / 1000:8.3f}".encode() + b" kg\r\n"


def asked(grams: int) -> bytes:
    return b"\x02" + f"{grams / 1000:06.3f}".encode() + b"\r"


def weights(seen: list[Decoded]) -> list[tuple[str, bool]]:
    return [(one.value, one.stable) for one in seen if isinstance(one, Weight)]


def test_a_scale_at_rest_is_said_once_however_often_it_speaks() -> None:
    stream = continuous(0) * 3000 + continuous(812) * 3000
    assert weights(decode("scale", [stream], **CONTINUOUS)) == [("0.000", True), ("0.812", True)]


def test_of_a_load_that_moves_only_the_beginning_is_said() -> None:
    rng = random.Random(3)
    moving = b"".join(cas(rng.randrange(5000), motion=True) for _ in range(200))
    stream = cas(500) + moving + cas(1500) + moving + cas(1500)
    said = weights(decode("scale", [stream], **CAS))
    assert [stable for _, stable in said] == [True, False, True, False, True]
    assert [value for value, stable in said if stable] == ["0.500", "1.500", "1.500"]


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=40))
def test_what_is_said_is_what_changed(frames: list[tuple[int, bool]]) -> None:
    stream = b"".join(continuous(grams, motion=motion) for grams, motion in frames)
    said = weights(decode("scale", [stream], **CONTINUOUS))
    assert all(before != after for before, after in pairwise(said))
    assert not any(not before[1] and not after[1] for before, after in pairwise(said))
    at_rest = [f"0.00{grams}" for grams, motion in frames if not motion]
    assert {value for value, stable in said if stable} == set(at_rest)


@pytest.mark.parametrize(
    ("given_settings", "make"),
    [(CONTINUOUS, continuous), (CAS, cas), (ASKED, asked)],
    ids=["continuous", "cas", "8217"],
)
def test_a_frame_that_lost_a_byte_costs_no_other(given_settings: dict[str, Any], make: Any) -> None:
    first, second, third = make(1000), make(2000), make(3000)
    for lost in range(len(second)):
        stream = first + second[:lost] + second[lost + 1 :] + third
        seen = decode("scale", [stream], **given_settings)
        said = [value for value, _ in weights(seen)]
        assert said[0] == "1.000"
        assert said[-1] == "3.000"


def test_a_sum_never_lets_a_single_flipped_bit_pass() -> None:
    frame = continuous(1234)
    for at in range(len(frame)):
        for bit in range(8):
            broken = frame[:at] + bytes((frame[at] ^ 1 << bit,)) + frame[at + 1 :]
            assert weights(decode("scale", [broken], **CONTINUOUS)) == [], (at, bit)


def test_a_weight_on_a_noisy_line_is_no_other_weight() -> None:
    """What passes is what was sent, except where two errors in one frame agree with its sum."""
    rng = random.Random(11)
    sent = [rng.randrange(100_000) for _ in range(4000)]
    stream = flip_bits(b"".join(map(continuous, sent)), 0.01, rng)
    said = [value for value, _ in weights(decode("scale", [stream], **CONTINUOUS))]
    known = {f"{grams / 1000:.3f}" for grams in sent}
    false = [value for value in said if value not in known]
    assert len(said) >= 0.8 * len(sent)
    assert len(false) <= 0.002 * len(sent)


def test_every_byte_of_a_wrong_speed_comes_back() -> None:
    data = random.Random(5).randbytes(20_000)
    seen = decode("scale", cut_at(data, [4095, 4096, 4097, 9000]), **CAS)
    assert b"".join(one.data for one in seen if isinstance(one, Undecoded)) == data
    assert max(len(one.data) for one in seen if isinstance(one, Undecoded)) <= 4096


def test_what_was_said_is_known_after_a_restart() -> None:
    first = decoders.create("scale", scale.Settings(protocol="cas"))
    assert weights(first.feed(cas(500))) == [("0.500", True)]
    second = decoders.create("scale", scale.Settings(protocol="cas"))
    assert second.feed(first.modes()) == []
    assert second.modes() == first.modes()
    assert weights(second.feed(cas(500) + cas(600))) == [("0.600", True)]


def test_the_protocol_is_named_and_the_unit_where_the_line_does_not_say_it() -> None:
    with pytest.raises(ValidationError, match="protocol"):
        scale.Settings.model_validate({})
    with pytest.raises(ValidationError, match="unit"):
        scale.Settings.model_validate({"protocol": "toledo-8217"})
    assert scale.Settings.model_validate({"protocol": "cas"}).unit is None
