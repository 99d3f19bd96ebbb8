"""What is written shows what was meant, on a display that the decoder plays; and nothing else can be written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.decoders.linedisplay import Decoder, Settings
from edge_agent.devices.display.encode import Command, UnshowableError, again, words
from edge_agent.observations import DisplayText, Undecoded

DIALECTS = ("led8", "led8-binary", "partner", "cd5220", "epson")


def display(dialect: str, data: bytes) -> list[object]:
    decoder = Decoder(Settings.model_validate({"dialect": dialect}))
    return [*decoder.feed(data), *decoder.idle()]


def joined(commands: tuple[Command, ...]) -> bytes:
    return b"".join(command.data for command in commands)


@pytest.mark.parametrize("dialect", DIALECTS[:3])
@pytest.mark.parametrize(
    ("row", "label", "figure"),
    [
        ("总计 16.00", "total", "16.00"),
        ("CHANGE 4.00", "change", "4.00"),
        ("12.5", None, "12.5"),
        ("收款：1,280", "received", "1280"),
    ],
)
def test_a_digit_display_shows_the_figure_beside_its_lamp(dialect: str, row: str, label: str, figure: str) -> None:
    shown = display(dialect, joined(words(dialect, (row,), "gb18030", 20)))
    assert shown[-1] == DisplayText((figure,), label, figure)


@pytest.mark.parametrize("dialect", DIALECTS[3:])
def test_a_text_display_shows_the_rows(dialect: str) -> None:
    rows = ("王芳，您的积分 1280", "x" * 20)
    shown = display(dialect, joined(words(dialect, rows, "gb18030", 20)))
    assert isinstance(shown[-1], DisplayText)
    assert shown[-1].rows == rows


def test_what_the_code_page_has_not_is_blank() -> None:
    shown = display("epson", joined(words("epson", ("café 😀 ok",), "gb18030", 20)))
    assert shown == [DisplayText(("café    ok",))]


@pytest.mark.parametrize(
    "rows",
    [("hello",), ("5.00", "6.00"), ("123456789",), ("",), ("TOTAL 5.00\r\x1bs\x01",)],
)
@pytest.mark.parametrize("dialect", DIALECTS[:3])
def test_a_digit_display_refuses_what_it_cannot_show(dialect: str, rows: tuple[str, ...]) -> None:
    with pytest.raises(UnshowableError):
        words(dialect, rows, "gb18030", 20)


@pytest.mark.parametrize(
    "rows", [("x" * 21,), ("a", "b", "c"), ("王" * 11,), (" ",), ("a\x1bs\x01",), ("a\nb",), ("a\x7f",)]
)
@pytest.mark.parametrize("dialect", DIALECTS[3:])
def test_a_text_display_refuses_what_it_cannot_show(dialect: str, rows: tuple[str, ...]) -> None:
    with pytest.raises(UnshowableError):
        words(dialect, rows, "gb18030", 20)


ENCODINGS = ("gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "utf_8", "cp437", "cp1252", "iso8859_15")


@settings(max_examples=400)
@given(st.sampled_from(DIALECTS), st.lists(st.text(max_size=22), max_size=3), st.sampled_from(ENCODINGS))
def test_no_text_becomes_a_command(dialect: str, rows: list[str], encoding: str) -> None:
    """Whatever the text: the dialect's decoder understands all of it, and it holds only commands made here."""
    try:
        commands = words(dialect, rows, encoding, 20)
    except UnshowableError:
        return
    decoder = Decoder(Settings.model_validate({"dialect": dialect, "encoding": encoding}))
    seen = [*decoder.feed(joined(commands)), *decoder.idle()]
    assert not any(isinstance(one, Undecoded) for one in seen)
    heads = {command.data[:2] for command in commands if command.data[0] < 0x20}
    assert heads <= {b"\x0c", b"\x1bQ", b"\x1bl", b"\x1f$", b"\x1bs"}
    for command in commands:
        if command.data[:2] == b"\x1bs":
            assert dialect in DIALECTS[:3]
        body = b"".join(command.text) if command.data[0] < 0x20 else command.data
        assert all(byte >= 0x20 and byte != 0x7F for byte in body)


@settings(max_examples=200)
@given(st.sampled_from(DIALECTS), st.data())
def test_a_command_broken_off_anywhere_leaves_the_display_at_a_command(dialect: str, data: st.DataObject) -> None:
    commands = words(dialect, ("TOTAL 16.00", "找零 4.00") if dialect in DIALECTS[3:] else ("16.00",), "gb18030", 20)
    place = data.draw(st.integers(0, len(commands) - 1))
    sent = data.draw(st.integers(1, len(commands[place].data)))
    written = joined(commands[:place]) + commands[place].data[:sent] + commands[place].rest(sent)
    decoder = Decoder(Settings.model_validate({"dialect": dialect}))
    decoder.feed(written)
    assert decoder.between_commands
    assert not decoder.doubtful


def test_again_is_what_was_there() -> None:
    for dialect, data in [
        ("led8", b"\x1bs2\x1bQA16.00\r"),
        ("led8", b"\x1bQ@5.00\r\x1bQA16.00\r\x1bQB20.00\r\x1bQC4.00\r"),
        ("partner", b"\x1bs\x05\x01\x1bQA4.00\r"),
        ("cd5220", b"\x1bQATOTAL          16.00\r\x1bQBCHANGE          4.00\r"),
        ("cd5220", b"\x0c\x1bl\x05\x02TOTAL\x1b\x12"),
        ("cd5220", b"\x0c\x1bl\x01\x02LOWER\x1bQDWELCOME TO OUR LITTLE STORE\r"),
        ("epson", "\x0c合计 16.00\x1f$\x03\x02找零\x1f\x03".encode("gb18030")),
    ]:
        first = Decoder(Settings.model_validate({"dialect": dialect}))
        first.feed(data)
        second = Decoder(Settings.model_validate({"dialect": dialect}))
        second.feed(joined(words(dialect, ("TOTAL 1.00",), "gb18030", 20)))
        second.feed(joined(again(dialect, first.screen.state, "gb18030", 20)))
        a, b = first.screen.state, second.screen.state
        for name in ("values", "lit", "rows", "x", "y", "mode", "strings", "scrolling"):
            assert getattr(a, name, None) == getattr(b, name, None), (dialect, data, name)
