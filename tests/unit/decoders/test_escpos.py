"""What a receipt printer would do with it, told by an independent encoder and by simulated bad lines."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from escpos.printer import Dummy

from edge_agent import decoders
from edge_agent.decoders import escpos
from edge_agent.observations import Decoded, Receipt, Undecoded
from tests.bench import escpos as bench
from tests.support.streams import decode, misread


def receipts(data: bytes, **settings: Any) -> list[Receipt]:
    return [one for one in decode("escpos", [data], **settings) if isinstance(one, Receipt)]


def meaningless(seen: list[Decoded]) -> int:
    return sum(len(one.data) for one in seen if isinstance(one, Undecoded) and one.reason != "display")


def test_a_western_receipt_by_an_independent_encoder() -> None:
    printer = Dummy()
    printer.set(align="center", bold=True, double_width=True, double_height=True)
    printer.text("Café Zürich\n")
    printer.set(align="left", bold=False, normal_textsize=True)
    printer.text("Espresso             2     7.00\nTOTAL €                    7.00\n")
    printer.barcode("4006381333931", "EAN13")
    printer.barcode("{BA-1001", "CODE128", function_type="B")
    printer.qr("https://example.com/r/1", native=True)
    printer.cut()
    printer.cashdraw(2)
    (receipt,) = receipts(printer.output, encoding="cp437")
    assert [line for line in receipt.lines if line] == [
        "Café Zürich",
        "Espresso             2     7.00",
        "TOTAL €                    7.00",
    ]
    assert receipt.barcodes == ("4006381333931", "A-1001", "https://example.com/r/1")
    assert receipt.flags == ()


@pytest.mark.parametrize("copies", [1, 3])
def test_several_cuts_are_several_receipts(copies: int) -> None:
    printer = Dummy()
    for copy in range(copies):
        printer.text(f"copy {copy}\n")
        printer.cut(mode="PART" if copy % 2 else "FULL")
        printer.cut()
    assert [receipt.lines for receipt in receipts(printer.output)] == [(f"copy {copy}",) for copy in range(copies)]


def test_chinese_text_by_an_independent_encoder() -> None:
    printer = Dummy()
    printer._raw("永辉超市 欢迎光临\n苹果        1.205   7.98    9.62\n".encode("gbk"))
    printer.cut()
    (receipt,) = receipts(printer.output, encoding="gbk")
    assert receipt.lines == ("永辉超市 欢迎光临", "苹果        1.205   7.98    9.62")


def test_a_picture_made_by_an_independent_encoder_leaves_the_text() -> None:
    from PIL import Image

    for implementation in ("bitImageRaster", "graphics", "bitImageColumn"):
        printer = Dummy()
        printer.image(Image.new("1", (200, 64)), impl=implementation)
        printer.text("TOTAL 1.00\n")
        printer.cut()
        (receipt,) = receipts(printer.output)
        assert receipt.lines == ("TOTAL 1.00",)
        assert receipt.flags == ()
        assert len(receipt.raw) < len(printer.output) / 2


@pytest.mark.parametrize("ratio", [0.25, 0.5, 2, 4, 6])
@pytest.mark.parametrize("encoding", ["gb18030", "cp437"])
def test_a_wrong_baud_rate_shows_in_the_share_of_meaningless_bytes(ratio: float, encoding: str) -> None:
    text = bench._by_blanks(1) + bench._by_positions(2)
    assert meaningless(decode("escpos", [text], encoding="gb18030")) == 0
    wrong = misread(text, ratio)
    assert meaningless(decode("escpos", [wrong], encoding=encoding)) >= 0.1 * len(wrong)


def test_a_false_picture_length_costs_one_receipt_at_most() -> None:
    """The noise made a picture of 100 KB out of nothing: silence gives its bytes back and the next receipt is whole."""
    good = b"TOTAL 1.00\n\x1dV\x00"
    decoder = decoders.create("escpos", escpos.Settings())
    seen = decoder.feed(good + b"A\n\x1dv0\x00\x40\x00\x40\x06" + good) + decoder.idle() + decoder.feed(good)
    assert [one.lines for one in seen if isinstance(one, Receipt)] == [("TOTAL 1.00",), ("A",), ("TOTAL 1.00",)]
    assert [one.reason for one in seen if isinstance(one, Undecoded)] == ["unfinished"]


def test_modes_that_outlive_a_receipt_are_in_force_in_the_next() -> None:
    first = b"\x1c.\x1bt\x01\x95\x95\n\x1dV\x00"
    decoder = decoders.create("escpos", escpos.Settings())
    seen = decoder.feed(first + b"\x95\x95\n")
    assert decoder.modes() == b"\x1bt\x01\x1c."
    assert decoder.consumed == len(first)
    assert decoder.unfinished() == b"\x1bt\x01\x1c.\x95\x95\n"
    seen += decoder.idle()
    assert [one.lines for one in seen if isinstance(one, Receipt)] == [("──",), ("──",)]


def test_polling_between_receipts_is_consumed_at_once() -> None:
    decoder = decoders.create("escpos", escpos.Settings())
    for _ in range(1000):
        assert decoder.feed(b"\x10\x04\x01\x1dr\x01\x1da\xff") == []
    assert decoder.consumed == 9000
    assert decoder.unfinished() == b""


@pytest.mark.parametrize(
    ("startup", "code", "text"),
    [
        ("cp437", "1b7402 e0", "Ó"),
        ("cp437", "1b7411 80", "А"),
        ("cp437", "1b742d b9", "ą"),
        ("cp437", "1b7401 b1", "ｱ"),
        ("cp437", "1b74ff 82", "é"),
        ("cp858", "d5", "€"),
        ("cp1252", "80", "€"),
        ("gb18030", "1c2e 82", "é"),
        ("gb18030", "81308130", "\x80"),
        ("gb18030", "1b520f 24", "¥"),
        ("cp437", "1b5203 23", "£"),
        ("euc_jp", "b9e7", "合"),
        ("cp437", "1c26 bacf", "合"),
    ],
)
def test_code_pages(startup: str, code: str, text: str) -> None:
    (receipt,) = receipts(b"." + bytes.fromhex(code) + b"\n\x1b@\x1dV\x00", encoding=startup)
    assert receipt.lines == ("." + text,)


def test_font_b_columns_are_counted_in_its_own_cells() -> None:
    """42 dots of font B are not four cells and a half: 9 dots a cell keep 64 columns in place."""
    data = b"\x1bM\x01" + b"A long name of goods" + b"\x1b$" + (9 * 30).to_bytes(2, "little") + b"12.00\n\x1dV\x00"
    (receipt,) = receipts(data)
    assert receipt.lines == ("A long name of goods          12.00",)


def test_text_printed_twice_in_one_place_is_there_once() -> None:
    data = b"\x1b$\x00\x00TOTAL\x1b$\x00\x00TOTAL\x1b$\xf0\x00 5.00\n\x1dV\x00"
    (receipt,) = receipts(data)
    assert receipt.lines == ("TOTAL                5.00",)


def one_bit_flipped(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1 :]


def one_byte_dropped(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at + 1 :]


def joined_late(data: bytes, rng: random.Random) -> bytes:
    return data[rng.randrange(20) :]


@pytest.mark.parametrize("disturb", [one_bit_flipped, one_byte_dropped, joined_late])
def test_a_small_fault_costs_a_small_part_of_a_receipt(disturb: Callable[[bytes, random.Random], bytes]) -> None:
    """On one decoder, receipt after receipt: a fault does not reach into the next ones."""
    rng = random.Random(4)
    decoder = decoders.create("escpos", escpos.Settings())
    kept = total = 0
    for number in range(200):
        clean = bench._by_blanks(number) if number % 2 else bench._by_positions(number)
        (wanted,) = receipts(clean)
        seen = decoder.feed(disturb(clean, rng)) + decoder.idle()
        found = {line for one in seen if isinstance(one, Receipt) for line in one.lines}
        kept += sum(line in found for line in wanted.lines)
        total += len(wanted.lines)
    assert kept >= 0.97 * total, (kept, total)


def test_line_ends_between_receipts_cost_nothing() -> None:
    decoder = decoders.create("escpos", escpos.Settings())
    for _ in range(30):
        assert decoder.feed(b"\r\n\n\r" * 4096) == []
    (receipt,) = decoder.feed(b"TOTAL 1.00\n\x1dV\x00")
    assert isinstance(receipt, Receipt)
    assert receipt.flags == ()


def test_the_bench_stream_is_read_without_a_loss() -> None:
    rng = random.Random(3)
    data = b"".join(bench._by_blanks(n) + bench._by_positions(n) for n in range(20))
    cuts = sorted(rng.randrange(len(data)) for _ in range(50))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    seen = decode("escpos", pieces)
    assert len(seen) == 40
    assert all(isinstance(one, Receipt) and one.flags == () for one in seen)


BITMAP = b"BM" + (70).to_bytes(4, "little") + bytes(64)
LONG_COMMANDS = {
    "ESC *": b"\x1b*\x21\x02\x00" + b"\x1dV\x00" * 2,
    "ESC &": b"\x1b&\x02AB\x01ab\x02abcd",
    "ESC c 3": b"\x1bc3\x01\x1bc4\x02\x1bc50",
    "ESC C alarm": b"\x1bC\x02\x03\x01",
    "ESC C page length": b"\x1bC\x20",
    "ESC ( A": b"\x1b(A\x04\x000abc",
    "ESC W": b"\x1bW" + bytes(8),
    "FS q": b"\x1cq\x02\x01\x00\x01\x00" + b"\x1dV\x00\x1dV\x00\n\n" + b"\x01\x00\x02\x00" + b"x" * 16,
    "FS g 1": b"\x1cg1\x00\x00\x00\x00\x00\x03\x00abc",
    "FS g 2": b"\x1cg2\x00\x00\x00\x00\x00\x03\x00",
    "FS 2": b"\x1c2\xfe\xa1" + b"\x1b" * 72,
    "GS *": b"\x1d*\x01\x02" + b"\x1d" * 16,
    "GS D": b"\x1dD0C0ab0c" + BITMAP,
    "GS Q": b"\x1dQ0\x00\x02\x00\x03\x00abcdef",
    "GS C": b"\x1dC0\x01\x02\x1dC1\x01\x00\x02\x00\x01\x01\x1dC2\x01\x00",
    "GS g": b"\x1dg0\x00\x14\x00\x1dg2\x00\x14\x00",
    "GS z": b"\x1dz0\x01\x02",
    "GS ( A": b"\x1d(A\x02\x00\x00\x02",
    "GS 8 L": b"\x1d8L\x0b\x00\x00\x000p0\x01\x01\x31\x01\x00\x01\x00\x1d",
    "DLE DC4": b"\x10\x14\x01\x00\x05\x10\x14\x02\x01\x08\x10\x14\x07\x01\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08",
    "DLE EOT": b"\x10\x04\x07\x01\x10\x04\x02\x10\x05\x01",
}


@pytest.mark.parametrize("name", LONG_COMMANDS)
def test_a_command_is_passed_over_whole(name: str) -> None:
    """Its length is right to the byte: what stands before and behind it is read, and nothing of it is."""
    for before in (b"", b"a\n"):
        data = before + LONG_COMMANDS[name] + b"x\n\x1dV\x00"
        seen = decode("escpos", [data])
        assert [one for one in seen if isinstance(one, Undecoded)] == []
        assert [one.lines for one in seen if isinstance(one, Receipt)] == [("a", "x") if before else ("x",)]
        assert decode("escpos", [data[at : at + 1] for at in range(len(data))]) == seen


def test_a_qr_command_of_chinese_printers() -> None:
    (receipt,) = receipts(b"\x1bZ\x00L\x06\x05\x00A-100\n\x1dV\x00")
    assert receipt.barcodes == ("A-100",)


@pytest.mark.parametrize(
    "false",
    [b"\x1dv0\x00\xff\xff\xff\xff", b"\x1d(k\xff\xff1P0", b"\x1d(k\xff\x001A2", b"\x1d(L\x10\x00\x10p",
     b"\x1b*\x05\xff\x07", b"\x1d8L\xff\xff\xff\xff0p", b"\x1dQ0\x00\xff\xff\xff\xff", b"\x1cq\x05\xff\xff\xff\xff",
     b"\x1dD0C0ab0cBM\xff\xff\xff\xff",
     b"\x1dk\x49\x00", b"\x1dkE\x05\x01abc", b"\x1d*\xff\xff", b"\x1bD" + bytes(range(1, 40)), b"\x1d(A\xff\xff"],
)  # fmt: skip
def test_a_false_length_swallows_nothing(false: bytes) -> None:
    seen = decode("escpos", [false + b"\nTOTAL 1.00\n\x1dV\x00"])
    assert [one.lines[-1] for one in seen if isinstance(one, Receipt)] == ["TOTAL 1.00"]
    assert any(isinstance(one, Undecoded) and one.reason == "noise" for one in seen)
