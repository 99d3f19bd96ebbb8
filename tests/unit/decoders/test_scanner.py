"""Scanned codes: framing, limits, what outlives a code. The forms themselves are in scanner.toml."""

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from edge_agent.decoders import scanner
from edge_agent.observations import Scan, Undecoded
from edge_agent.redact import Redactor
from tests.support.streams import cut_at, decode

PIECES = [
    b"6901028075831\r",
    b"]E069\n",
    b"\r\n",
    b"\x1d",
    b"]",
    b"~a#\r",
    "王芳".encode(),
    b"\x00",
    b" ",
]
streams = st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=15).map(b"".join)


def new() -> scanner.Decoder:
    return scanner.Decoder(scanner.Settings())


@settings(max_examples=200)
@given(streams, st.randoms(use_true_random=False))
def test_cuts_change_nothing(data: bytes, rng: random.Random) -> None:
    points = [rng.randrange(len(data) + 1) for _ in range(rng.randrange(6))]
    assert decode("scanner", cut_at(data, points)) == decode("scanner", [data])


@settings(max_examples=200)
@given(streams, st.floats(0, 1), st.lists(st.floats(0, 1), max_size=3))
def test_a_fresh_decoder_goes_on_from_unfinished(data: bytes, where: float, silences: list[float]) -> None:
    cut = round(where * len(data))
    edges = sorted({0, *(round(silence * cut) for silence in silences)})
    first = new()
    for start, end in pairwise(edges):
        first.feed(data[start:end])
        first.idle()
    first.feed(data[edges[-1] : cut])
    assert first.unfinished() == first.modes() + data[first.consumed : cut]
    second = new()
    second.feed(first.unfinished())
    assert second.feed(data[cut:]) + second.idle() == first.feed(data[cut:]) + first.idle()
    assert first.consumed == len(data)
    assert first.unfinished() == first.modes() == b""
    assert first.idle() == []


@settings(max_examples=200)
@given(streams)
def test_no_byte_vanishes_but_line_ends_and_blanks(data: bytes) -> None:
    seen = decode("scanner", [data])
    back = b"".join(one.data for one in seen if isinstance(one, Undecoded))
    codes = sum(len(one.code) for one in seen if isinstance(one, Scan))
    assert len(back) + 4 * codes + 3 * len(seen) + sum(data.count(byte) for byte in b"\r\n \0") + 4 >= len(data)


def test_a_code_that_never_ends_comes_back_and_is_never_half_read() -> None:
    data = b"7" * (3 * scanner.MAX_LINE + 5) + b"\r" + b"6901028075831\r"
    seen = decode("scanner", [data])
    assert b"".join(one.data for one in seen if isinstance(one, Undecoded)) == data[: -len(b"6901028075831\r")]
    assert [one.code for one in seen if isinstance(one, Scan)] == ["6901028075831"]
    first = new()
    taken = first.feed(data[: 2 * scanner.MAX_LINE])
    assert len(first.unfinished()) <= scanner.MAX_LINE + 12
    second = new()
    assert taken + second.feed(first.unfinished()) + second.feed(data[2 * scanner.MAX_LINE :]) + second.idle() == seen


@pytest.mark.parametrize("code", ["a" * 4296, "王" * 1800])
def test_the_largest_qr_codes_come_whole(code: str) -> None:
    assert decode("scanner", [code.encode() + b"\r"]) == [Scan(code)]


def test_a_code_in_the_scanners_own_encoding() -> None:
    assert decode("scanner", ["会員".encode("shift_jis") + b"\r"], encoding="shift_jis") == [Scan("会員")]


@pytest.mark.parametrize("decoration", [b"%s\r", b"]C0%s\r\n", b"]Q1%s", b" %s \r"])
@pytest.mark.parametrize("code", [b"134567890123456789", b"281234567890123456", b"6222021234567890128"])
def test_a_payment_code_reaches_the_redactor_bare(decoration: bytes, code: bytes) -> None:
    (scan,) = decode("scanner", [decoration % code])
    assert isinstance(scan, Scan)
    assert code.decode() not in Redactor(b"k" * 32).redact_code(scan.code)


def test_nothing_here_could_write_a_payment_code_down() -> None:
    source = Path(scanner.__file__).read_text(encoding="utf-8")
    assert "structlog" not in source
    assert "logging" not in source
    assert "print(" not in source


def test_settings_are_strict() -> None:
    with pytest.raises(ValidationError):
        scanner.Settings.model_validate({"prefix": "x" * 17})
