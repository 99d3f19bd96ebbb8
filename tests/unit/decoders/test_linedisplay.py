"""Line displays: labels that belong to their figures, dialects other than the one configured, two writers at once."""

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from edge_agent import decoders
from edge_agent.decoders import _vectors, linedisplay
from edge_agent.decoders._linedisplay_words import read
from edge_agent.observations import Decoded, DisplayText, Undecoded
from tests.support.streams import corpus_file, cut_at, decode

DIALECTS = ("led8", "led8-binary", "partner", "cd5220", "epson")
VECTORS = [
    vector
    for vector in _vectors.load("linedisplay")
    if all(one.get("undecoded", {}).get("reason") not in ("implausible", "noise") for one in vector.expected)
]


def value(figure: str) -> bytes:
    return b"\x1bQA" + figure.encode() + b"\r"


def lamp(dialect: str, place: int) -> bytes:
    """``place``: 1 unit price, 2 total, 3 received, 4 change."""
    if dialect == "led8":
        return b"\x1bs" + str(place).encode()
    return b"\x1bs" + (bytes((place,)) if dialect == "led8-binary" else bytes((place + 1, 1)))


def new(dialect: str, **more: Any) -> linedisplay.Decoder:
    return linedisplay.Decoder(linedisplay.Settings.model_validate({"dialect": dialect, **more}))


def pairs(observations: list[Decoded]) -> list[tuple[str | None, str]]:
    return [(one.label, one.amount) for one in observations if isinstance(one, DisplayText) and one.amount]


# Labels and their figures.


@pytest.mark.parametrize("dialect", DIALECTS[:3])
@pytest.mark.parametrize("lamp_first", [True, False])
def test_once_the_habit_is_known_a_figure_is_told_at_once(dialect: str, lamp_first: bool) -> None:
    decoder = new(dialect)

    def shown(place: int, figure: str) -> bytes:
        both = (lamp(dialect, place), value(figure))
        return b"".join(both if lamp_first else reversed(both))

    assert decoder.feed(shown(2, "16.00")) == []
    assert pairs(decoder.idle()) == [("total", "16.00")]
    assert pairs(decoder.feed(shown(3, "20.00"))) == [("received", "20.00")]
    assert pairs(decoder.feed(shown(4, "4.00"))) == [("change", "4.00")]
    assert decoder.idle() == []
    assert pairs(decoder.feed(shown(1, "5.00"))) == [("unit_price", "5.00")]


@pytest.mark.parametrize("lamp_first", [True, False])
def test_no_figure_gets_the_lamp_of_another_wherever_silence_falls(lamp_first: bool) -> None:
    """A register's habit is one; how much it sends at a time is chance."""
    rng = random.Random(3)
    places = {"unit_price": 1, "total": 2, "received": 3, "change": 4}
    for _ in range(300):
        sale = [(label, f"{rng.randrange(1, 999)}.{rng.randrange(100):02}") for label in places for _ in range(2)]
        decoder = new("led8")
        seen: list[Decoded] = []
        for label, figure in sale:
            both = (lamp("led8", places[label]), value(figure))
            seen += decoder.feed(b"".join(both if lamp_first else reversed(both)))
            if rng.random() < 0.5:
                seen += decoder.idle()
        seen += decoder.idle()
        assert pairs(seen) == sale


def test_a_total_that_grows_beneath_one_lamp_keeps_its_label() -> None:
    decoder = new("led8")
    seen = decoder.feed(lamp("led8", 2) + value("5.00")) + decoder.idle()
    for figure in ("7.00", "16.00"):
        seen += decoder.feed(value(figure)) + decoder.idle()
    assert pairs(seen) == [("total", "5.00"), ("total", "7.00"), ("total", "16.00")]


def test_a_lamp_that_comes_after_silence_labels_what_is_shown() -> None:
    decoder = new("led8")
    seen = decoder.feed(value("16.00")) + decoder.idle() + decoder.feed(lamp("led8", 2)) + decoder.idle()
    assert pairs(seen) == [(None, "16.00"), ("total", "16.00")]


def test_a_lamp_lit_long_before_its_value_labels_no_other() -> None:
    """The cashier presses "cash": the lamp changes at once, the figure when it has been typed."""
    decoder = new("led8")
    seen = decoder.feed(lamp("led8", 2) + value("16.00")) + decoder.idle()
    seen += decoder.feed(lamp("led8", 3)) + decoder.idle() + decoder.feed(value("20.00")) + decoder.idle()
    seen += decoder.feed(lamp("led8", 4) + b"\x0c" + value("4.00")) + decoder.idle()
    assert pairs(seen) == [("total", "16.00"), ("received", "20.00"), ("change", "4.00")]


def test_a_register_that_puts_its_lamps_out_first_is_read_at_once() -> None:
    decoder = new("led8")
    decoder.feed(b"\x1bs0" + lamp("led8", 2) + value("16.00"))
    decoder.idle()
    assert pairs(decoder.feed(b"\x1bs0" + lamp("led8", 3) + value("20.00"))) == [("received", "20.00")]


def test_figures_without_lamps_teach_no_habit() -> None:
    decoder = new("led8")
    seen = decoder.feed(value("1.00") * 40 + b"".join(lamp("led8", n) + value(f"{n}.00") for n in (2, 3, 4)))
    seen += decoder.idle()
    assert {pair for pair in pairs(seen) if pair[0]} <= {("total", "2.00"), ("received", "3.00"), ("change", "4.00")}


def test_a_cleared_display_shows_nothing_and_lights_no_old_lamp() -> None:
    decoder = new("led8")
    decoder.feed(lamp("led8", 4) + value("4.00"))
    decoder.idle()
    assert decoder.feed(b"\x0c") + decoder.idle() == [DisplayText(())]
    assert pairs(decoder.feed(value("5.00")) + decoder.idle()) == [(None, "5.00")]


def test_a_display_switched_on_at_zero_does_not_shift_the_labels() -> None:
    stream = b"\x1b@\x0c" + value("0.00") + b"".join(lamp("led8", n) + value(f"{n}.00") for n in (1, 2, 3, 4))
    assert pairs(decode("linedisplay", [stream], dialect="led8"))[-4:] == [
        ("unit_price", "1.00"), ("total", "2.00"), ("received", "3.00"), ("change", "4.00"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("figure", "amount"),
    [
        ("16.00", "16.00"),
        ("  0016.5", "16.5"),
        (".50", "0.50"),
        ("7.", "7"),
        ("-3.00", "-3.00"),
        ("12345678", "12345678"),
    ],
)
def test_figures_are_decimal_strings(figure: str, amount: str) -> None:
    assert pairs(decode("linedisplay", [lamp("led8", 2) + value(figure)], dialect="led8")) == [("total", amount)]


@pytest.mark.parametrize("figure", ["1.2.3", "123456789", "1-2", "1 2", "-", ".", "1.2345", "12A", "1,200"])
def test_what_no_digit_display_shows_is_implausible(figure: str) -> None:
    seen = decode("linedisplay", [lamp("led8", 2) + value(figure)], dialect="led8")
    assert [type(one) for one in seen] == [Undecoded]


# The wrong dialect.

# What may come out of vectors read in another dialect: a pair that the vector itself means. CD5220 and Epson share
# CLR and plain text, and a row of digits is the same command in all but Epson's.
SAME = {
    (spoken, configured)
    for group in (("cd5220", "epson"), ("led8", "led8-binary", "partner", "cd5220"))
    for spoken in group
    for configured in group
}


@pytest.mark.parametrize("configured", DIALECTS)
@pytest.mark.parametrize("vector", VECTORS, ids=[vector.name for vector in VECTORS])
@pytest.mark.parametrize("silences", [False, True])
def test_another_dialects_bytes_label_no_figure_wrongly(
    vector: _vectors.Vector, configured: str, silences: bool
) -> None:
    spoken = vector.settings["dialect"]
    if spoken == configured:
        return
    meant = {(one["display"].get("label"), one["display"].get("amount")) for one in vector.expected if "display" in one}
    more = {"encoding": vector.settings["encoding"]} if "encoding" in vector.settings else {}
    decoder = new(configured, **more)
    seen: list[Decoded] = []
    for _ in range(3):  # a register says it again and again
        for piece in _bursts(vector.data) if silences else [vector.data]:
            seen += decoder.feed(piece)
            seen += decoder.idle() if silences else []
        seen += decoder.idle()
    wrong = [pair for pair in pairs(seen) if pair[0] is not None and pair not in meant]
    assert wrong == []
    if (spoken, configured) not in SAME:
        assert pairs(seen) == []


def _bursts(data: bytes) -> list[bytes]:
    """The stream, cut behind every figure."""
    ends = [at + 1 for at, byte in enumerate(data) if byte == 0x0D]
    return cut_at(data, ends)


@pytest.mark.parametrize(("spoken", "configured"), [(a, b) for a in DIALECTS[:3] for b in DIALECTS if a != b])
@pytest.mark.parametrize("lamp_first", [True, False])
def test_a_day_in_the_wrong_dialect_gives_no_label_and_is_called_implausible(
    spoken: str, configured: str, lamp_first: bool
) -> None:
    rng = random.Random(4)
    decoder = new(configured)
    seen: list[Decoded] = []
    fed = 0
    for _ in range(200):
        both = [lamp(spoken, rng.randrange(1, 5)), value(f"{rng.randrange(99)}.{rng.randrange(100):02}")]
        data = b"".join(both if lamp_first else reversed(both))
        fed += len(data)
        seen += decoder.feed(data)
        if rng.random() < 0.7:
            seen += decoder.idle()
    seen += decoder.idle()
    assert [pair for pair in pairs(seen) if pair[0]] == []
    lost = sum(len(one.data) for one in seen if isinstance(one, Undecoded) and one.reason == "implausible")
    assert lost >= 0.9 * fed


def test_trust_comes_back_with_a_burst_that_only_this_dialect_can_say() -> None:
    decoder = new("led8")
    assert pairs(decoder.feed(b"\x1bs\x02" + value("5.00")) + decoder.idle()) == []
    assert decoder.doubtful
    assert pairs(decoder.feed(value("6.00")) + decoder.idle()) == []  # a figure alone proves nothing
    assert pairs(decoder.feed(lamp("led8", 2) + value("7.00")) + decoder.idle()) == [("total", "7.00")]
    assert not decoder.doubtful


# Two transmitters on a line.


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_second_writers_bytes_in_between_give_no_figure_that_neither_wrote(dialect: str) -> None:
    rng = random.Random(5)
    digital = dialect in DIALECTS[:3]

    def command() -> tuple[bytes, str]:
        figure = f"{rng.randrange(10, 99)}.{rng.randrange(10, 99)}"
        if digital:
            return lamp(dialect, 2) + value(figure), figure
        if dialect == "cd5220":
            return b"\x1bQATOTAL          " + figure.encode() + b"\r", figure
        return b"\x0cTOTAL          " + figure.encode() + b"\x1f$\x01\x02", figure

    reported = 0
    for _ in range(300):
        decoder = new(dialect)
        first, first_figure = command()
        decoder.feed(first)
        decoder.idle()
        (ours, our_figure), (theirs, their_figure) = command(), command()
        start = rng.randrange(1, len(ours))
        chosen = sorted(rng.randrange(start, len(ours) + 1) for _ in theirs)
        mixed = bytearray()
        for at in range(len(ours) + 1):
            mixed += bytes(byte for byte, place in zip(theirs, chosen, strict=True) if place == at)
            mixed += ours[at : at + 1]
        seen = decoder.feed(bytes(mixed)) + decoder.idle()
        assert {figure for _, figure in pairs(seen)} <= {first_figure, our_figure, their_figure}
        reported += any(isinstance(one, Undecoded) for one in seen)
    assert reported > 200


# Words.


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (["合计：￥1,280.00", "找零 4.00"], [("total", "1280.00"), ("change", "4.00")]),
        (["收款20.00 找零4.00"], [("received", "20.00"), ("change", "4.00")]),
        (["CHANGE DUE", "  7.50"], [("change", "7.50")]),
        (["単価 ¥120"], [("unit_price", "120")]),
        (["현금 10,000원"], [("received", "10000")]),
        (["お釣り 1,000円"], [("change", "1000")]),
        (["Total: 3,50 EUR"], [("total", "3.50")]),
        (["合計 3点 1,280円"], [("total", "1280")]),
        (["TOTAL(3) 12.50"], [("total", "12.50")]),
        (["12.50"], [(None, "12.50")]),
        (["SUBTOTAL 5.00"], []),
        (["TOTAL TAX 1.20"], []),
        (["TOTAL CASH 16.00"], []),
        (["TOTAL 16.00.00"], []),
        (["TOTAL ITEMS 3"], []),
        (["TOTAL 12.5O"], []),
        (["2026-11-22 12:30"], []),
        (["CASHIER: 3"], [(None, "3")]),
        (["WELCOME 欢迎光临"], []),
    ],
)
def test_words_name_figures(rows: list[str], found: list[tuple[str | None, str]]) -> None:
    assert read(rows) == found


def test_the_stream_of_an_independent_encoder_is_read() -> None:
    data = corpus_file("generators/pyescpos-linedisplay.bin")
    assert decode("linedisplay", [data], dialect="epson") == [DisplayText(("TOTAL        12.50",), "total", "12.50")]


# What every decoder promises.

CODES = """
    1b 1b51 1b5141 0d 0c 18 1b73 1b7332 1b7302 1b730301 02 024c 024d 1f 1f2401 1f24 1b40 1b3d01 1b3d02 1b6c0101 1f54
    1b26014141020102 1b7301 1f02 1f03 1b5144 00 ff 81 b9 e4bda0 1b57 001b001f00 001b001f007374617465 30303161
"""
PIECES = [vector.data for vector in _vectors.load("linedisplay")] + [bytes.fromhex(code) for code in CODES.split()]
streams = st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=12).map(b"".join)
configured = st.sampled_from(DIALECTS)


@settings(max_examples=250)
@given(configured, streams, st.randoms(use_true_random=False))
def test_cuts_change_nothing(dialect: str, data: bytes, rng: random.Random) -> None:
    points = [rng.randrange(len(data) + 1) for _ in range(rng.randrange(6))]
    whole = decode("linedisplay", [data], dialect=dialect)
    assert decode("linedisplay", cut_at(data, points), dialect=dialect) == whole


@settings(max_examples=250)
@given(configured, streams, st.floats(0, 1), st.lists(st.floats(0, 1), max_size=3))
def test_a_fresh_decoder_goes_on_from_unfinished(
    dialect: str, data: bytes, where: float, silences: list[float]
) -> None:
    cut = round(where * len(data))
    edges = sorted({0, *(round(silence * cut) for silence in silences)})
    first = new(dialect)
    for start, end in pairwise(edges):
        first.feed(data[start:end])
        first.idle()
    first.feed(data[edges[-1] : cut])
    assert first.unfinished() == first.modes() + data[first.consumed : cut]
    second = new(dialect)
    second.feed(first.unfinished())
    assert second.modes() == first.modes()
    assert second.feed(data[cut:]) + second.idle() == first.feed(data[cut:]) + first.idle()


@settings(max_examples=250)
@given(configured, streams)
def test_after_silence_everything_is_consumed(dialect: str, data: bytes) -> None:
    decoder = new(dialect)
    decoder.feed(data)
    decoder.idle()
    assert decoder.consumed == len(data)
    assert decoder.unfinished() == decoder.modes()
    assert decoder.idle() == []
    again = decoders.create("linedisplay", linedisplay.Settings.model_validate({"dialect": dialect}))
    assert again.feed(decoder.modes()) == []
    assert again.modes() == decoder.modes()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "block", [b"\x1bs2\x1bQA16.00\r", b"TOTAL 12.50 ", b"\x1bQA", b"\x1b&\x01\x20\x7e\x05", b"\x00", b"\x1b=\x01x"]
)
def test_memory_is_bounded(dialect: str, block: bytes) -> None:
    decoder = new(dialect)
    most = 0
    data = block * (40_000 // len(block))
    for at in range(0, len(data), 4096):
        decoder.feed(data[at : at + 4096])
        most = max(most, len(decoder.unfinished()))
    assert most <= linedisplay.HOLD + linedisplay.MAX_COMMAND + 2048


def test_a_state_that_nobody_wrote_is_read_as_bytes() -> None:
    for forged in (b"0002{}", b"zzzz", b"0004null", b"001f[true,false,[null],null]xxxxxxx"):
        seen = decode("linedisplay", [b"\x00\x1b\x00\x1f\x00state" + forged], dialect="led8")
        assert [type(one) for one in seen] == [Undecoded]


def test_the_dialect_is_never_guessed() -> None:
    with pytest.raises(ValidationError):
        linedisplay.Settings.model_validate({})
    with pytest.raises(ValidationError):
        linedisplay.Settings.model_validate({"dialect": "vfd"})


@pytest.mark.parametrize("order", ["lamp", "value"])
@pytest.mark.parametrize("size", [1, 7, 60])
def test_a_register_that_never_pauses_keeps_its_order(order: str, size: int) -> None:
    """What is put aside has an end in the middle of a sale then: the next piece must not seem to begin anew."""
    wanted = []
    stream = b""
    for number in range(60):
        for lamp, label, amount in ((b"2", "total", 1250 + number), (b"3", "received", 2000), (b"4", "change", 750)):
            figure = f"{amount / 100:.2f}"
            value, light = b"\x1bQA" + figure.encode() + b"\r", b"\x1bs" + lamp
            stream += light + value if order == "lamp" else value + light
            wanted.append((label, figure))
    decoder = new("led8")
    said = [one for start in range(0, len(stream), size) for one in decoder.feed(stream[start : start + size])]
    said += decoder.idle()
    assert [(one.label, one.amount) for one in said if isinstance(one, DisplayText)] == wanted
    assert len(said) == len(wanted)
