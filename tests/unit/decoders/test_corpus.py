"""Streams that others wrote, cut at random, and what they are known to say."""

import random

import pytest

from edge_agent import decoders
from edge_agent.observations import Receipt, Undecoded
from tests.support.streams import corpus_file, corpus_names, cut_at, decode, flip_bits

SEED = 20261122


def receipts(path: str, encoding: str = "gb18030") -> list[Receipt]:
    return [one for one in decode("escpos", [corpus_file(path)], encoding=encoding) if isinstance(one, Receipt)]


def encoding_of(path: str) -> str:
    for mark, encoding in (
        ("big5", "big5"),
        ("ja-", "shift_jis"),
        ("gb", "gb18030"),
        ("zh-", "gb18030"),
        ("ntp", "gb18030"),
    ):
        if mark in path:
            return encoding
    return "cp437"


@pytest.mark.parametrize("path", corpus_names())
def test_two_hundred_cuts_change_nothing(path: str) -> None:
    data = corpus_file(path)
    encoding = encoding_of(path)
    rng = random.Random(SEED)
    whole = decode("escpos", [data], encoding=encoding)
    settings = decoders.settings_model("escpos")(encoding=encoding)
    for _ in range(200 if len(data) < 20_000 else 50):
        cut = rng.randrange(len(data))
        first = decoders.create("escpos", settings)
        seen = first.feed(data[:cut])
        position = first.consumed, first.modes()
        assert seen + first.feed(data[cut:]) + first.idle() == whole, cut
        after = decode("escpos", [position[1] + data[position[0] :]], encoding=encoding)
        assert seen + after == whole, cut
    assert decode("escpos", cut_at(data, [rng.randrange(len(data)) for _ in range(200)]), encoding=encoding) == whole


@pytest.mark.parametrize("path", corpus_names())
def test_sound_streams_hold_no_noise(path: str) -> None:
    data = corpus_file(path)
    seen = decode("escpos", [data], encoding=encoding_of(path))
    undecoded = [one for one in seen if isinstance(one, Undecoded) and one.reason in ("noise", "unfinished")]
    assert sum(len(one.data) for one in undecoded) <= len(data) * 0.005, undecoded


@pytest.mark.parametrize("printer", ["gb18030-epson", "gb18030-escpos", "gb18030-generic"])
def test_the_chinese_receipt_stands_in_its_columns(printer: str) -> None:
    (receipt,) = receipts(f"receiptline/receiptline-zh-{printer}.bin")
    lines = receipt.lines
    assert receipt.flags == ()
    assert receipt.barcodes == ("20261122000137",)
    assert "单号: 20261122000137                  收银机: 03" in lines
    assert "2026-11-22 10:31:05                 收银员: 王芳" in lines
    assert "品名            数量           单价         金额" in lines
    assert "散装苹果       0.856        9.98    8.54" in lines
    assert "会员折扣                            -1.04" in lines
    assert "微信支付                                   10.00" in lines
    assert "─" * 48 in lines
    assert [line.split() for line in lines if line.startswith(("合计", "找零"))] == [
        ["合计", "16.00"],
        ["找零", "14.00"],
    ]


def test_the_chinese_receipt_is_the_same_in_another_code_page_where_it_has_the_characters() -> None:
    (receipt,) = receipts("receiptline/receiptline-zh-big5-epson.bin", "big5")
    assert "微信支付                                   10.00" in receipt.lines
    assert receipt.flags == ()


def test_a_japanese_receipt_with_its_frame() -> None:
    (receipt,) = receipts("receiptline/receiptline-ja-receipt-shiftjis.bin", "shift_jis")
    assert "╭" + "─" * 46 + "╮" in receipt.lines
    assert "│             領　収　証                       │" in receipt.lines
    assert "千鳥コース                          2    ¥17,280" in receipt.lines


def test_an_english_bill_with_its_frame() -> None:
    (receipt,) = receipts("receiptline/receiptline-en-guest-cp437.bin", "cp437")
    assert "│[ ]│CHIDORI                    │  2 │   172.80│" in receipt.lines
    assert receipt.barcodes == ("0003",)


def test_a_kitchen_job_is_two_slips() -> None:
    assert len(receipts("receiptline/receiptline-en-kitchen-cp437.bin", "cp437")) == 2


def test_the_shop_with_a_logo() -> None:
    (receipt,) = receipts("escpos-php/receipt-with-logo.bin", "cp437")
    assert "Subtotal                                   12.95" in receipt.lines
    assert [line.split() for line in receipt.lines if line.startswith("Total")] == [["Total", "$", "14.25"]]
    assert len(receipt.raw) < 1000  # without its picture


def test_the_demo_is_cut_into_its_parts() -> None:
    parts = receipts("escpos-php/demo.bin", "cp437")
    assert [part.lines[:1] for part in parts[:3]] == [("Hello world",), ("ABC",), ("ABCDEFGHIJabcdefghijk",)]
    assert ("Partial cut", "(not available on all printers)") in [part.lines for part in parts]
    assert [part.flags for part in parts].count(("image_only",)) == 2
    assert parts[-1].barcodes == ("Testing 123",) * 3


def test_a_voucher_behind_the_order() -> None:
    order, voucher = receipts("escpost/example-jobs_cafe-order-voucher.hex", "cp437")[:2]
    assert "Blueberry muffin .......................... 3.10" in order.lines
    assert voucher.barcodes == ("https://northstreet.cafe/v/CAFE-1847",)


def test_a_drawer_behind_the_cut_makes_no_receipt() -> None:
    (receipt,) = receipts("qz-tray/escpos_sample.bin", "cp437")
    assert receipt.flags == ()
    assert receipt.lines[-1] == "normal text"


@pytest.mark.parametrize("mode", ["bitImageColumn", "bitImageRaster", "graphics"])
def test_a_picture_alone_is_said_to_be_one(mode: str) -> None:
    (receipt,) = receipts(f"generators/pyescpos-image-{mode}.bin")
    assert (receipt.lines, receipt.flags) == ((), ("image_only",))


@pytest.mark.parametrize("path", ["generators/ntp-star.bin", "generators/rpe-star.bin"])
def test_star_line_mode_is_recognised_and_nothing_read_into_it(path: str) -> None:
    (receipt,) = receipts(path)
    assert (receipt.lines, receipt.barcodes, receipt.flags) == ((), (), ("star",))


def test_a_drawing_instead_of_a_printer_language_is_recognised() -> None:
    (receipt,) = receipts("receiptline/receiptline-zh-gb18030-star.bin")
    assert (receipt.lines, receipt.flags) == ((), ("foreign", "no_cut"))


def test_display_text_is_no_receipt() -> None:
    seen = decode("escpos", [corpus_file("generators/pyescpos-linedisplay.bin")])
    assert [one.reason for one in seen if isinstance(one, Undecoded)] == ["display"]
    assert not any(isinstance(one, Receipt) for one in seen)


def test_one_flipped_bit_in_a_hundred_bytes_leaves_most_text() -> None:
    """Nine receipts of ten keep nine tenths of their lines or all but two, whatever the noise does to the others."""
    texts = [
        ("receiptline/receiptline-zh-gb18030-epson.bin", "gb18030"),
        ("generators/pyescpos-gb.bin", "gb18030"),
        ("generators/ntp-epson.bin", "gb18030"),
        ("escpost/example-jobs_cafe-order-voucher.hex", "cp437"),
        ("receiptline/receiptline-ja-receipt-shiftjis.bin", "shift_jis"),
    ]
    rng = random.Random(SEED)
    good = total = 0
    for path, encoding in texts:
        clean = receipts(path, encoding)
        wanted = [line for one in clean for line in one.lines if line]
        for _ in range(40):
            noisy = decode("escpos", [flip_bits(corpus_file(path), 0.01, rng)], encoding=encoding)
            found = [line for one in noisy if isinstance(one, Receipt) for line in one.lines if line]
            good += mostly_intact(wanted, found)
            total += 1
    assert good >= total * 0.9, (good, total, SEED)


def mostly_intact(wanted: list[str], found: list[str]) -> bool:
    """Tell whether nine tenths of the characters of ``wanted`` are in ``found`` in their order."""
    import difflib

    before, after = "".join("".join(wanted).split()), "".join("".join(found).split())
    same = sum(
        block.size for block in difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    )
    return same >= 0.9 * len(before)
