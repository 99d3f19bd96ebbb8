"""Payment terminals: one payment for each answer, whatever the line does; a wrong check sum is never one."""

import random
from functools import reduce
from operator import xor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from edge_agent import decoders
from edge_agent.decoders import ecr
from edge_agent.observations import Decoded, Payment, Undecoded
from tests.support.streams import cut_at, decode, flip_bits

ACK, NAK, ENQ, EOT = b"\x06", b"\x15", b"\x05", b"\x04"
TAGGED: dict[str, Any] = {
    "lrc": "length-etx",
    "length": "bcd",
    "body": "separated",
    "fields": {"result": "tag 02", "amount": "tag 40", "reference": "tag 65", "type": "tag 11"},
    "results": {"00": "approved", "51": "declined", "UC": "cancelled"},
    "types": {"01": "bank_card", "02": "wechat_pay"},
}
PLAIN: dict[str, Any] = {
    "lrc": "body-etx",
    "length": "none",
    "body": "positions",
    "fields": {"result": "bytes 1-2", "amount": "bytes 3-14", "reference": "bytes 15-20"},
    "results": {"00": "approved"},
}


def message(body: bytes) -> bytes:
    covered = bytes.fromhex(f"{len(body):04d}") + body + b"\x03"
    return b"\x02" + covered + bytes((reduce(xor, covered),))


def answer(number: int, amount: int, result: str = "00", kind: str = "01") -> bytes:
    fields = ("6000000000", f"02{result}", f"40{amount:012d}", f"65{number:06d}", f"11{kind}")
    return message("\x1c".join(fields).encode())


def payments(seen: list[Decoded]) -> list[Payment]:
    return [one for one in seen if isinstance(one, Payment)]


def test_what_the_codes_mean_is_configuration() -> None:
    stream = answer(1, 1600) + answer(2, 5, "UC", "02") + answer(3, 7, "99", "77")
    assert payments(decode("ecr", [stream], **TAGGED)) == [
        Payment("approved", "sale", 1600, "bank_card", "000001"),
        Payment("cancelled", "sale", 5, "wechat_pay", "000002"),
        Payment("unknown", "sale", 7, None, "000003"),
    ]


@pytest.mark.parametrize("between", [b"", NAK, NAK + ENQ, EOT + ENQ, ACK, ACK + ENQ])
def test_the_same_answer_again_is_the_same_payment(between: bytes) -> None:
    seen = decode("ecr", [answer(1, 1600) + between + answer(1, 1600) + ACK], **TAGGED)
    assert len(payments(seen)) == 1


@pytest.mark.parametrize(("between", "count"), [(NAK, 1), (ENQ, 1), (ACK, 2), (message(b"another"), 2)])
def test_without_a_reference_only_what_came_between_tells_two_payments_from_one(between: bytes, count: int) -> None:
    bare = TAGGED | {"fields": {"result": "tag 02", "amount": "tag 40"}}
    assert len(payments(decode("ecr", [answer(1, 500) + between + answer(1, 500)], **bare))) == count


def test_no_flipped_bit_makes_a_payment() -> None:
    whole = answer(7, 1600)
    for at in range(len(whole)):
        for bit in range(8):
            broken = whole[:at] + bytes((whole[at] ^ 1 << bit,)) + whole[at + 1 :]
            assert payments(decode("ecr", [broken], **TAGGED)) == [], (at, bit)


def test_an_answer_that_lost_a_byte_costs_no_other() -> None:
    first, second, third = answer(1, 100), answer(2, 200), answer(3, 300)
    for lost in range(len(second)):
        seen = decode("ecr", [first + second[:lost] + second[lost + 1 :] + third], **TAGGED)
        assert [one.amount for one in payments(seen)][:1] == [100]
        assert [one.amount for one in payments(seen)][-1:] == [300]
        assert 200 not in {one.amount for one in payments(seen)}, lost


def test_a_length_that_was_read_wrong_hides_no_answer_for_ever() -> None:
    """It claims two thousand bytes; the answers in them come when the line falls silent."""
    stream = b"\x02\x20\x00" + answer(1, 100) + ACK + answer(2, 200)
    assert [one.amount for one in payments(decode("ecr", [stream], **TAGGED))] == [100, 200]


def test_on_a_noisy_line_a_false_payment_needs_two_errors_that_agree() -> None:
    """One byte of exclusive or is what the terminals have: of 6,000 answers with 1 % of bytes flipped hardly any."""
    rng = random.Random(17)
    sent = {f"{number:06d}": rng.randrange(100_000) for number in range(1, 6001)}
    stream = flip_bits(b"".join(answer(int(number), amount) + ACK for number, amount in sent.items()), 0.01, rng)
    seen = payments(decode("ecr", [stream], **TAGGED))
    false = [one for one in seen if sent.get(one.reference or "") != one.amount]
    assert len(seen) - len(false) >= 0.4 * len(sent)  # 73 bytes: 0.99 ** 73 arrive as they were sent
    assert len(false) <= 0.01 * len(sent)


@settings(max_examples=150)
@given(
    st.lists(st.sampled_from([answer(1, 5), answer(2, 6), ACK, NAK, b"\x02", b"\x03", b"x"]), max_size=12), st.data()
)
def test_a_fresh_decoder_knows_the_last_answer(pieces: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(pieces)
    cut = data.draw(st.integers(0, len(stream)))
    bare = ecr.Settings(**TAGGED | {"fields": {"result": "tag 02"}})
    first = decoders.create("ecr", bare)
    seen = first.feed(stream[:cut])
    second = decoders.create("ecr", bare)
    assert second.feed(first.modes()) == []
    seen += second.feed(stream[first.consumed :]) + second.idle()
    whole = decoders.create("ecr", bare)
    assert seen == whole.feed(stream) + whole.idle()


def test_a_card_number_is_nowhere_unless_somebody_maps_it() -> None:
    body = b"6000000000\x1c0200\x1c40000000001600\x1c306222021234567890123"
    (payment,) = payments(decode("ecr", [message(body)], **TAGGED))
    assert "6222" not in repr(payment)
    decoder = decoders.create("ecr", ecr.Settings(**TAGGED))
    decoder.feed(message(body))
    assert len(decoder.modes()) == 9


def test_messages_without_a_length_end_at_etx() -> None:
    body = b"00000000001600000042"
    whole = b"\x02" + body + b"\x03" + bytes((reduce(xor, body + b"\x03"),))
    assert payments(decode("ecr", [b"\x02junk" + whole], **PLAIN)) == [
        Payment("approved", "sale", 1600, None, "000042")
    ]


@pytest.mark.parametrize(
    ("form", "printed", "expected"),
    [
        ("minor", b"000000000000", 0),
        ("minor", b"       1600 ", 1600),
        ("minor", b"            ", None),
        ("decimal", b"     1234.50", 123450),
        ("decimal", b"        16.0", 1600),
    ],
)
def test_amounts(form: str, printed: bytes, expected: int | None) -> None:
    body = b"00" + printed + b"000042"
    whole = b"\x02" + body + b"\x03" + bytes((reduce(xor, body + b"\x03"),))
    assert [one.amount for one in payments(decode("ecr", [whole], **PLAIN | {"amount": form}))] == [expected]


@pytest.mark.parametrize(
    ("form", "printed"), [("minor", b"0000000016.0"), ("decimal", b"      16.005"), ("minor", b"-16")]
)
def test_what_is_no_amount_is_no_payment(form: str, printed: bytes) -> None:
    body = b"00" + printed.rjust(12) + b"000042"
    whole = b"\x02" + body + b"\x03" + bytes((reduce(xor, body + b"\x03"),))
    assert decode("ecr", [whole], **PLAIN | {"amount": form}) == [Undecoded(whole, "amount")]


def test_a_flood_comes_back_in_bounded_pieces() -> None:
    data = (b"\x02\x09\x99" + b"z" * 97) * 5000
    decoder = decoders.create("ecr", ecr.Settings(**TAGGED))
    most = 0
    seen: list[Decoded] = []
    for piece in cut_at(data, list(range(0, len(data), 16384))):
        seen += decoder.feed(piece)
        most = max(most, len(decoder.unfinished()))
    seen += decoder.idle()
    assert most <= 16384 + 4096 + ecr.MAX_BODY
    assert b"".join(one.data for one in seen if isinstance(one, Undecoded)) == data


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("fields", {"amount": "tag 40"}, "result"),
        ("fields", {"result": "byte 1"}, "must be a place"),
        ("answers", {"somewhere": ("1",)}, "must be a place"),
        ("results", {"00": "fine"}, "approved"),
        ("types", {"1": "gold"}, "cash"),
        ("body", "positions", "not possible"),
        ("lrc", "all", "stx-etx"),
    ],
)
def test_a_map_that_cannot_be_is_refused(key: str, value: object, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        ecr.Settings.model_validate(TAGGED | {key: value})
