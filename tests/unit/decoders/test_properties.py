"""What holds for every stream, sensible or not."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent import decoders
from edge_agent.decoders import _vectors, escpos
from edge_agent.observations import Receipt, Undecoded
from tests.support.streams import cut_at, decode

CODES = """
    1b40 1d5600 1d564203 1b69 1c26 1c2e 1b7401 1b7410 1b520f 1c4331 1c4330 1b2400001b5ca800 1b24f401 09
    1b440a141e00 1b4400 1d2111 1d2100 1b2130 1b4d01 1b2005 1d506500 1c5701 1d763000020002004142
    1d7630000200 1d284c02003032 1d382c 1d6b0234303036003132 1d6b4903 1d286b0600315030 1b3d02 1b3d01
    1b1d7400 1b6402 100401 1014010005 0a 0d 0c 00 0000000000000000 1b 1d 1c 10 ff 81 b9 1b2501
    1b26014141020102 1c2843020030 1b700019fa 1b4c 18
"""
FRAGMENTS = [
    *(f"{word}\n".encode("gb18030") for word in ("合计 16.00", "现金  20.00", "TOTAL", "单价×数量    2")),
    *map(bytes.fromhex, CODES.split()),
]
escpos_streams = st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=6), max_size=30).map(b"".join)
escpos_settings = st.sampled_from(["gb18030", "shift_jis", "utf_8", "cp858", "big5"]).map(lambda e: {"encoding": e})
LINES = [
    b'{"payable":5}\n',
    b'{"code":"1"}\r\n',
    b"a,b\n",
    b"payable=1.00;x\n",
    b"\n",
    b"payable,code\n",
    b'{"a":[{',
    b'"\\ud800"',
]
lines_streams = st.lists(st.sampled_from(LINES) | st.binary(max_size=6), max_size=20).map(b"".join)
lines_settings = st.sampled_from(["json", "csv", "key-value"]).map(lambda f: {"format": f})

FRAMES = [vector.data for name in ("scale", "ecr") for vector in _vectors.load(name)]
PARTS = [data[at : at + 9] for data in FRAMES for at in range(0, len(data), 9)] + [b"W", b"\x06", b"\x15", b"\x18" * 4]
frame_streams = st.lists(st.sampled_from(FRAMES) | st.sampled_from(PARTS) | st.binary(max_size=4), max_size=12).map(
    b"".join
)
scale_settings = st.sampled_from(["toledo-8217", "toledo-continuous", "cas"]).map(
    lambda protocol: {"protocol": protocol, "unit": "kg"}
)
ecr_settings = st.sampled_from([vector.settings for vector in _vectors.load("ecr")])

CASES = st.one_of(
    st.tuples(st.just("scale"), scale_settings, frame_streams),
    st.tuples(st.just("ecr"), ecr_settings, frame_streams),
    st.tuples(st.just("escpos"), escpos_settings, escpos_streams),
    st.tuples(st.just("lines"), lines_settings, lines_streams),
)
Case = tuple[str, dict[str, Any], bytes]


@settings(max_examples=400)
@given(CASES, st.randoms(use_true_random=False))
def test_cuts_change_nothing(case: Case, rng: random.Random) -> None:
    name, given_settings, data = case
    points = [rng.randrange(len(data) + 1) for _ in range(rng.randrange(6))]
    whole = decode(name, [data], **given_settings)
    assert decode(name, cut_at(data, points), **given_settings) == whole


@settings(max_examples=400)
@given(CASES, st.floats(0, 1))
def test_a_fresh_decoder_goes_on_from_unfinished(case: Case, where: float) -> None:
    name, given_settings, data = case
    cut = round(where * len(data))
    first = decoders.create(name, decoders.settings_model(name)(**given_settings))
    seen = first.feed(data[:cut])
    assert first.unfinished() == first.modes() + data[first.consumed : cut]
    seen += decode(name, [first.modes(), data[first.consumed :]], **given_settings)
    assert seen == decode(name, [data], **given_settings)


@settings(max_examples=300)
@given(CASES)
def test_after_silence_everything_is_consumed(case: Case) -> None:
    name, given_settings, data = case
    decoder = decoders.create(name, decoders.settings_model(name)(**given_settings))
    decoder.feed(data)
    decoder.idle()
    assert decoder.consumed == len(data)
    assert decoder.unfinished() == decoder.modes()
    assert decoder.idle() == []


@settings(max_examples=300)
@given(escpos_settings, escpos_streams)
def test_a_capture_decodes_to_its_receipt(given_settings: dict[str, Any], data: bytes) -> None:
    seen = decode("escpos", [data], **given_settings)
    if any(isinstance(one, Undecoded) and one.reason in ("noise", "unfinished") for one in seen):
        return  # half a command at a receipt's end is told from noise only by what followed the receipt
    for receipt in seen:
        if isinstance(receipt, Receipt):
            again = [one for one in decode("escpos", [receipt.raw], **given_settings) if isinstance(one, Receipt)]
            assert [(one.lines, one.barcodes) for one in again] == [(receipt.lines, receipt.barcodes)]


@settings(max_examples=200)
@given(st.text(st.sampled_from("abc0123456789 .合计现金找零"), min_size=1).filter(str.strip), st.binary(max_size=20))
def test_no_printed_text_vanishes(text: str, noise: bytes) -> None:
    """Whatever came before it, a line behind a line end stands in a receipt, or its bytes come back."""
    data = noise + b"\x00" * 16 + b"\n" + text.encode("gb18030") + b"\n"
    seen = decode("escpos", [data])
    raws = b"".join(one.raw for one in seen if isinstance(one, Receipt))
    back = b"".join(one.data for one in seen if isinstance(one, Undecoded))
    kept = text.encode("gb18030")
    assert kept.strip() in raws or kept.strip() in back


def test_noise_alone_comes_back_whole() -> None:
    data = bytes((1, 2, 3, 4, 5, 6, 8, 11, 14, 15, 18, 20, 21, 22, 23, 25, 26, 30, 31, 127)) * 50
    assert decode("escpos", [data]) == [Undecoded(data, "noise")]


@pytest.mark.parametrize(
    "pattern", ["text", "noise", "random", "image", "nul", "display", "star", "commands", "padding"]
)
def test_memory_is_bounded_and_a_flood_goes_on(pattern: str) -> None:
    rng = random.Random(5)
    block = {
        "text": b"no line end at all ",
        "noise": b"\x01\x02\x1b\x01",
        "random": rng.randbytes(65536),
        "image": bytes.fromhex("1d76300050000010") + bytes(1000),
        "nul": b"\x00" * 64,
        "display": b"\x1b=\x02 price 12.00 ",
        "star": b"\x1b\x1dt\x00 no cut ",
        "commands": b"A" + b"\x1d!\x11\x1b$\x10\x01" * 50,
        "padding": b"x" + b"\x00" * 4000,
    }[pattern]
    decoder = decoders.create("escpos", escpos.Settings())
    most = 0
    data = block * (2_500_000 // len(block))
    for at in range(0, len(data), 16384):
        decoder.feed(data[at : at + 16384])
        most = max(most, len(decoder.unfinished()))
    assert most <= escpos.MAX_RECEIPT + 512 * 1024 + 16384 + 64
    assert decoder.consumed + most >= len(data) - 16384


def test_the_limit_cuts_at_the_same_byte_however_it_is_fed() -> None:
    rng = random.Random(6)
    data = b"0123456789\r\n\x1bE\x01" * 40_000
    whole = decode("escpos", [data])
    pieces = cut_at(data, [rng.randrange(len(data)) for _ in range(300)])
    assert decode("escpos", pieces) == whole
    first = whole[0]
    assert isinstance(first, Receipt)
    assert first.flags == ("truncated",)


def test_modes_come_back_from_their_prefix() -> None:
    """A fresh decoder fed with ``modes()`` is in the same modes: it gives the same prefix again."""
    rng = random.Random(7)
    for _ in range(300):
        data = b"".join(rng.choice(FRAGMENTS[4:]) for _ in range(12))
        first = decoders.create("escpos", escpos.Settings())
        first.feed(data)
        first.idle()
        second = decoders.create("escpos", escpos.Settings())
        assert second.feed(first.modes()) == []
        assert second.modes() == first.modes()


def test_vectors_are_small() -> None:
    assert all(len(vector.data) <= _vectors.MAX_BYTES for name in decoders.names() for vector in _vectors.load(name))
