"""Printer streams that others wrote, through the decoder, read by the shipped templates."""

from pathlib import Path

import pytest

from edge_agent import decoders, receipts
from edge_agent.observations import Receipt
from edge_agent.receipts import Reading

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "receipts"
TEMPLATES = [receipts.compile(settings) for settings in receipts.shipped().values()]

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of printer streams is not here")


def read(name: str, encoding: str, currency: str) -> list[Reading | None]:
    decoder = decoders.create("escpos", decoders.settings_model("escpos").model_validate({"encoding": encoding}))
    observations = decoder.feed((CORPUS / name).read_bytes()) + decoder.idle()
    slips = [o for o in observations if isinstance(o, Receipt)]
    return [receipts.read(slip.lines, TEMPLATES, currency, slip.barcodes) for slip in slips]


@pytest.mark.parametrize("language", ["escpos", "epson", "generic"])
def test_the_chinese_receipt(language: str) -> None:
    (reading,) = read(f"receiptline/receiptline-zh-gb18030-{language}.bin", "gb18030", "CNY")
    assert reading is not None
    assert (reading.kind, reading.number) == ("sale", "20261122000137")
    assert (reading.workstation, reading.cashier) == ("03", "王芳")
    assert [line.amount for line in reading.lines] == [400, 450, 854, -104]
    assert reading.totals.payable == 1600
    assert reading.totals.change == 1400
    assert [(t.type, t.amount) for t in reading.tenders] == [("wechat_pay", 1000), ("cash", 2000)]
    assert (reading.lines_check, reading.tenders_check) == ("pass", "pass")
    assert str(reading.printed_at) == "2026-11-22 10:31:05"


def test_the_receipt_with_a_logo() -> None:
    (reading,) = read("escpos-php/receipt-with-logo.bin", "cp437", "USD")
    assert reading is not None
    assert (reading.kind, reading.totals.payable, reading.totals.tax_added) == ("sale", 1425, 130)
    assert (reading.lines_check, reading.tenders_check, reading.tenders) == ("pass", "unknown", ())


@pytest.mark.parametrize(
    ("name", "encoding", "currency", "kind", "number", "payable", "tenders"),
    [
        ("receiptline/receiptline-en-receipt-cp437.bin", "cp437", "USD", "sale", None, 18580, [("cash", 20000)]),
        ("receiptline/receiptline-ja-receipt-shiftjis.bin", "shift_jis", "JPY", "sale", None, 18580, [("cash", 20000)]),
        ("receiptline/receiptline-en-guest-cp437.bin", "cp437", "USD", "prebill", "0003-01", 18580, []),
        ("receiptline/receiptline-ja-guest-shiftjis.bin", "shift_jis", "JPY", "prebill", "0003-01", 18580, []),
        ("generators/pyescpos-cafe.bin", "cp437", "EUR", "sale", "A-10023", 2110, [("bank_card", 2110)]),
        ("generators/pyescpos-gb.bin", "gb18030", "CNY", "sale", "8801", 962, [("cash", 1000)]),
        ("generators/rpe-ascii.bin", "cp437", "EUR", "sale", None, 2275, [("cash", 3000)]),
    ],
)
def test_other_receipts(
    name: str, encoding: str, currency: str, kind: str, number: str | None, payable: int, tenders: list[tuple[str, int]]
) -> None:
    (reading,) = read(name, encoding, currency)
    assert reading is not None
    assert (reading.kind, reading.number, reading.totals.payable) == (kind, number, payable)
    assert [(t.type, t.amount) for t in reading.tenders] == tenders


@pytest.mark.parametrize(
    ("name", "encoding", "kind"),
    [
        ("receiptline/receiptline-en-kitchen-cp437.bin", "cp437", "kitchen"),
        ("receiptline/receiptline-ja-kitchen-shiftjis.bin", "shift_jis", "kitchen"),
        ("receiptline/receiptline-en-credit1-cp437.bin", "cp437", "merchant_copy"),
        ("receiptline/receiptline-en-credit2-cp437.bin", "cp437", "merchant_copy"),
        ("receiptline/receiptline-ja-credit1-shiftjis.bin", "shift_jis", "merchant_copy"),
        ("receiptline/receiptline-ja-credit2-shiftjis.bin", "shift_jis", "merchant_copy"),
    ],
)
def test_slips_that_are_no_order(name: str, encoding: str, kind: str) -> None:
    readings = read(name, encoding, "JPY" if "-ja-" in name else "USD")
    assert readings
    assert all(reading is not None and reading.kind == kind for reading in readings)


@pytest.mark.parametrize("name", ["demo", "text-size", "barcode", "character-tables", "margins-and-spacing"])
def test_what_is_no_receipt_is_not_understood(name: str) -> None:
    assert all(reading is None for reading in read(f"escpos-php/{name}.bin", "cp437", "USD"))
