"""Codes that change: published vectors, and which of them hold when."""

import hashlib
import hmac

import pytest

from edge_agent.identities.enrolled import enrolled
from edge_agent.identities.rotating import RotatingCodes, ephemeral_id, token

KEY = "000102030405060708090a0b0c0d0e0f"
NOW = 1795343400


@pytest.mark.parametrize(
    ("key", "exponent", "seconds", "code"),
    [
        # RadiusNetworks/ephemeral_calc, spec/encryptor_spec.rb
        ("0102030405060708090A111213141516", 10, 0, "A9B76A71C5F89290"),
        ("0102030405060708090A111213141516", 10, 2000, "4144413E45FEFA58"),
        # The identity key of a published registration, and its first identifier
        ("7C91330E61DFEA4606B5B3ECB4457D76", 0, 0, "436BFE57D5A09505"),
    ],
)
def test_published_ephemeral_identifiers(key: str, exponent: int, seconds: int, code: str) -> None:
    assert ephemeral_id(bytes.fromhex(key), exponent, seconds).hex().upper() == code


def test_an_identifier_holds_for_its_period() -> None:
    key = bytes.fromhex(KEY)
    codes = [ephemeral_id(key, 4, seconds) for seconds in range(65520, 65568)]

    assert len(set(codes)) == 3
    assert codes == [codes[0]] * 16 + [codes[16]] * 16 + [codes[32]] * 16


def test_a_token_is_the_beginning_of_an_hmac_over_the_step() -> None:
    expected = hmac.new(bytes.fromhex(KEY), bytes.fromhex("00000000001e6fea"), hashlib.sha256).digest()

    assert token(bytes.fromhex(KEY), 0x1E6FEA, 8) == expected[:8]
    assert token(bytes.fromhex(KEY), 0x1E6FEA, 16) == expected[:16]


def test_tokens_of_three_steps_hold() -> None:
    codes = RotatingCodes(enrolled(f'service_uuid = "fcd2"\n[[carrier]]\nid = "m"\ntoken_key = "{KEY}"'))
    step = NOW // 900

    assert codes.turn(NOW)
    assert set(codes.tokens) == {token(bytes.fromhex(KEY), each, 8) for each in (step - 1, step, step + 1)}
    assert not codes.turn(NOW)
    assert not codes.turn((step + 1) * 900 - 1)
    assert codes.turn((step + 1) * 900)
    assert set(codes.tokens) == {token(bytes.fromhex(KEY), each, 8) for each in (step, step + 1, step + 2)}
    assert codes.turn(0)
    assert set(codes.tokens) == {token(bytes.fromhex(KEY), each, 8) for each in (0, 1)}


@pytest.mark.parametrize("exponent", range(16))
def test_identifiers_of_three_periods_hold_and_turn_on_time(exponent: int) -> None:
    text = f'[[carrier]]\nid = "b"\neid_key = "{KEY}"\neid_exponent = {exponent}\neid_epoch = {NOW - 100_000}'
    codes = RotatingCodes(enrolled(text))
    period = 1 << exponent
    begin = NOW - 100_000 + (100_000 >> exponent << exponent)
    expected = {ephemeral_id(bytes.fromhex(KEY), exponent, begin - NOW + 100_000 + by) for by in (-period, 0, period)}

    assert codes.turn(NOW)
    assert set(codes.eids) == expected
    until = min(begin + period, NOW - NOW % 900 + 900)
    assert not codes.turn(until - 1)
    assert codes.turn(until)
    assert codes.turn(begin + period) or until == begin + period
    assert len(set(codes.eids) & expected) == 2


def test_a_beacon_whose_clock_has_not_begun_or_has_run_out_has_no_identifier() -> None:
    text = f'[[carrier]]\nid = "b"\neid_key = "{KEY}"\neid_exponent = 0\neid_epoch = {NOW}'
    codes = RotatingCodes(enrolled(text))

    for now, many in ((NOW - 2, 0), (NOW - 1, 1), (NOW, 2), (NOW + 1, 3), (NOW + (1 << 32), 1), (NOW + (2 << 32), 0)):
        codes.turn(now)
        assert len(codes.eids) == many
