"""Signed envelopes: what was signed comes out byte by byte, anything else has one of the contract's codes."""

import base64
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.contract.envelope import MAX_BYTES, Key, Refused, is_weak, seal, unseal

# RFC 8032, section 7.1, TEST 3.
SECRET = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
PUBLIC = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
MESSAGE = bytes.fromhex("af82")
SIGNATURE = bytes.fromhex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)

PRIVATE = Ed25519PrivateKey.from_private_bytes(SECRET)
OPS = Key("ops-1", PUBLIC, frozenset({"config"}))
OTHER = Key("ops-2", Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw(), frozenset())
KEYS = (OTHER, OPS)
CODES = {"too_large", "malformed", "unsigned", "unknown_key", "bad_signature"}


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def envelope(**fields: Any) -> bytes:
    """Return the envelope of RFC 8032's message; ``fields`` are other ones, None leaves one out."""
    row = {"payload": text(MESSAGE), "signature": text(SIGNATURE), "key_id": "ops-1"} | fields
    return json.dumps({key: value for key, value in row.items() if value is not None}).encode()


def code(data: bytes, keys: tuple[Key, ...] = KEYS) -> str:
    with pytest.raises(Refused) as caught:
        unseal(data, keys)
    assert "\n" not in caught.value.detail
    return caught.value.code


def test_rfc_8032() -> None:
    signed = unseal(envelope(), KEYS)

    assert (signed.payload, signed.key) == (MESSAGE, OPS)
    assert json.loads(seal(MESSAGE, PRIVATE, "ops-1")) == json.loads(envelope())


@pytest.mark.parametrize("payload", [b"", b"\0", b'{"a" : 1}\r\n', bytes(range(256)), b"x" * 700_000])
def test_the_exact_bytes_come_out(payload: bytes) -> None:
    assert unseal(seal(payload, PRIVATE, "ops-1"), KEYS).payload == payload


def test_more_fields_are_for_those_who_know_them() -> None:
    assert unseal(envelope(note={"a": [1]}), KEYS).payload == MESSAGE


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"null", "malformed"),
        (b"[]", "malformed"),
        (b'"x"', "malformed"),
        (envelope()[:-1], "malformed"),
        (envelope() + envelope(), "malformed"),
        (b"\xef\xbb\xbf" + envelope(), "malformed"),
        (b'{"payload":' * 50_000, "malformed"),
        (b"[" * 1_000_000, "malformed"),
        (envelope(payload=1), "malformed"),
        (envelope(key_id=["ops-1"]), "malformed"),
        (envelope(key_id=7), "malformed"),
        (envelope(payload=None), "malformed"),
        (b"{}", "unsigned"),
        (envelope(signature=None), "unsigned"),
        (envelope(signature=""), "unsigned"),
        (envelope(key_id=None), "unsigned"),
        (envelope(key_id=""), "unsigned"),
        (envelope().replace(b'"ops-1"', b"null"), "unsigned"),
        (envelope(key_id="ops-3"), "unknown_key"),
        (envelope(key_id="OPS-1"), "unknown_key"),
        (envelope(key_id="\n" * 5000), "unknown_key"),
        (envelope(key_id="ops-2"), "bad_signature"),
        (envelope(payload=text(MESSAGE + b" ")), "bad_signature"),
        (envelope(payload=""), "bad_signature"),
        (envelope(signature=text(SIGNATURE[:-1])), "bad_signature"),
        (envelope(signature=text(SIGNATURE + b"\0")), "bad_signature"),
        (envelope(signature=text(bytes(64))), "bad_signature"),
        (b" " * (MAX_BYTES + 1 - len(envelope())) + envelope(), "too_large"),
        (b"x" * (MAX_BYTES + 1), "too_large"),
    ],
)
def test_every_refusal_has_its_code(data: bytes, expected: str) -> None:
    assert code(data) == expected


def test_an_envelope_of_exactly_the_largest_size_is_read() -> None:
    assert unseal(b" " * (MAX_BYTES - len(envelope())) + envelope(), KEYS).payload == MESSAGE


@pytest.mark.parametrize("shape", ["{}=", "{}\n", " {}", "-{}", "_{}", "ä{}", "={}"])
@pytest.mark.parametrize("field", ["payload", "signature"])
def test_base64_has_one_form(field: str, shape: str) -> None:
    good = json.loads(envelope())[field]

    assert code(envelope(**{field: shape.format(good)})) == "malformed"
    assert code(envelope(**{field: good.rstrip("=")})) == "malformed"  # no padding


def test_bits_behind_the_last_byte_are_zero() -> None:
    assert text(MESSAGE) == "r4I="
    assert base64.b64decode("r4J=", validate=True) == MESSAGE  # lenient decoders take it for the same

    assert code(envelope(payload="r4J=")) == "malformed"


def test_a_signature_has_one_form() -> None:
    order = 2**252 + 27742317777372353535851937790883648493  # RFC 8032, section 5.1: S must be below it
    other = int.from_bytes(SIGNATURE[32:], "little") + order

    assert code(envelope(signature=text(SIGNATURE[:32] + other.to_bytes(32, "little")))) == "bad_signature"


def test_of_two_keys_of_a_name_none_is_guessed() -> None:
    assert code(envelope(key_id="ops-2"), (OTHER, Key("ops-2", PUBLIC, frozenset()))) == "bad_signature"
    assert code(envelope(), ()) == "unknown_key"


@pytest.mark.parametrize("public", [b"", PUBLIC[:31], PUBLIC + b"\0", b"\xff" * 32, b"\2" + bytes(31)])
def test_a_key_that_is_no_point_signs_nothing(public: bytes) -> None:
    assert code(envelope(), (Key("ops-1", public, frozenset()),)) == "bad_signature"


@pytest.mark.parametrize("first", [b"\0", b"\1"])
def test_for_a_key_of_small_order_anybody_could_sign(first: bytes) -> None:
    weak = first + bytes(31)
    forged = b"\1" + bytes(63)  # R: the neutral point, S: 0
    openssl = Ed25519PublicKey.from_public_bytes(weak)
    messages = [b"%d" % number for number in range(32)]

    assert any(_takes(openssl, forged, message) for message in messages)  # else there is nothing to refuse
    assert is_weak(weak)
    assert is_weak(weak[:31] + b"\x80")
    assert not is_weak(PUBLIC)
    key = Key("ops-1", weak, frozenset())
    for message in messages:
        assert code(envelope(payload=text(message), signature=text(forged)), (key,)) == "bad_signature"


def _takes(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def test_no_flipped_bit_of_a_good_envelope_verifies() -> None:
    good = seal(MESSAGE, PRIVATE, "ops-1")
    for bit in range(len(good) * 8):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        assert code(bytes(flipped)) in CODES


@settings(max_examples=300)
@given(
    st.binary(max_size=300)
    | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.dictionaries(
        st.sampled_from(["payload", "signature", "key_id", "x"]),
        st.none() | st.integers() | st.sampled_from([text(MESSAGE), text(SIGNATURE), "ops-1", "ops-2"]) | st.text(),
    ).map(lambda row: json.dumps(row).encode())
)
def test_any_bytes_are_refused_with_a_code_or_hold_what_was_signed(data: bytes) -> None:
    try:
        signed = unseal(data, KEYS)
    except Refused as refused:
        known = refused.code in CODES
    else:
        known = (signed.payload, signed.key) == (MESSAGE, OPS)
    assert known


@settings(max_examples=100)
@given(st.binary(max_size=400), st.data())
def test_a_truncated_or_spliced_envelope_does_not_verify(payload: bytes, data: st.DataObject) -> None:
    good, other = seal(payload, PRIVATE, "ops-1"), seal(payload + b"!", PRIVATE, "ops-1")
    cut = data.draw(st.integers(0, len(good) - 1))

    assert code(good[:cut]) in CODES
    mixed = json.loads(good) | {"signature": json.loads(other)["signature"]}
    assert code(json.dumps(mixed).encode()) == "bad_signature"
    assert unseal(good, KEYS).payload == payload
