"""Codes printed on receipts: a request for an invoice reaches the order, other links its evidence, no secret does."""

import pytest
from escpos.printer import Dummy

from edge_agent.contract import data
from edge_agent.observations import Receipt
from edge_agent.receipts.codes import invoice_link, links
from edge_agent.redact import Redactor
from edge_agent.shop.slips import SlipReader
from tests.support.slips import TILL, at, sale, settings
from tests.support.streams import decode

LINK = "https://inv.example.com/r/8f3a1c"
ORDER = "https://order.example.com/o/20261122000137"


def order(receipt: Receipt) -> data.Order:
    slip = SlipReader(settings(), Redactor(b"key")).receipt(settings().devices[TILL], receipt, at())
    assert isinstance(slip.data, data.Order)
    return slip.data


def stored(kind: int, content: str) -> bytes:
    """Return the commands that store a two-dimensional code of a kind (48 PDF417, 49 QR …) and print it."""
    body = bytes((kind, 80, 48)) + content.encode()
    model = b"\x1d(k\x04\x00\x31\x41\x31\x00" if kind == 49 else b""  # QR model 1
    return (
        model + b"\x1d(k" + len(body).to_bytes(2, "little") + body + b"\x1d(k\x03\x00" + bytes((kind, 81, 48)) + b"\n"
    )


def of_bytes(codes: bytes, extra: str = "") -> data.Order:
    printed = b"\x1b@\x1c&" + sale(extra=extra).encode("gb18030") + b"\n" + codes + b"\x1dV\x42\x00"
    (receipt,) = [one for one in decode("escpos", [printed]) if isinstance(one, Receipt)]
    return order(receipt)


@pytest.mark.parametrize("kind", [48, 49, 50, 51, 54], ids=["pdf417", "qr", "maxicode", "databar", "datamatrix"])
def test_a_code_of_any_kind_reaches_the_order(kind: int) -> None:
    found = of_bytes(stored(kind, LINK), "扫码开具电子发票")
    assert found.invoice == LINK
    assert found.evidence.links == (LINK,)


def test_the_qr_command_of_chinese_printers_and_a_bar_code() -> None:
    qr = b"\x1bZ\x00L\x06" + len(LINK).to_bytes(2, "little") + LINK.encode()
    bar = b"\x1dkI\x10{B20261122000137"
    found = of_bytes(qr + b"\n" + bar + b"\n", "扫码开票")
    assert (found.invoice, found.order_no, found.evidence.links) == (LINK, "20261122000137", (LINK,))


def test_a_code_by_an_independent_encoder() -> None:
    printer = Dummy()
    printer.qr(LINK, native=True)
    assert of_bytes(printer.output, "请扫描二维码开具发票").invoice == LINK


def test_other_links_are_evidence_and_no_invoice() -> None:
    found = of_bytes(stored(49, ORDER))
    assert (found.invoice, found.evidence.links) == (None, (ORDER,))


def test_of_two_links_the_one_that_says_so_is_the_invoice() -> None:
    named = "https://fapiao.example.com/k/1"
    found = of_bytes(stored(49, ORDER) + stored(49, named), "扫码开票")
    assert (found.invoice, found.evidence.links) == (named, (ORDER, named))


@pytest.mark.parametrize(
    ("row", "code", "expected"),
    [
        ("扫码开票", LINK, LINK),
        ("电子发票请扫描", LINK, LINK),
        ("Scan to get your invoice", LINK, LINK),
        ("e-Invoice", "inv.example.com/r/1", "inv.example.com/r/1"),
        ("", "https://www.example.com/kaipiao?id=1", "https://www.example.com/kaipiao?id=1"),
        ("TAX INVOICE No 42", LINK, None),  # a title
        ("发票号码 12345678", LINK, None),  # one that was issued
        ("本小票不作为开票凭证", LINK, None),
        ("开票日期 2026-11-22", LINK, None),
        ("欢迎关注公众号", LINK, None),
        ("扫码开票", "20261122000137", None),  # no link
    ],
)
def test_what_asks_for_an_invoice(row: str, code: str, expected: str | None) -> None:
    assert invoice_link(["便利店", row, "合计 16.00"], [code]) == expected


def test_where_it_cannot_be_told_which_link_it_is_none_is_named() -> None:
    assert invoice_link(["扫码开票"], [LINK, ORDER]) is None
    assert invoice_link([], ["https://a.example/fapiao/1", "https://b.example/fapiao/2"]) is None
    assert links([LINK, LINK, "6901028075831", " " + ORDER]) == (LINK, ORDER)


@pytest.mark.parametrize("secret", ["134567890123456789", "6222021234567890128", "13812345678"])
def test_a_secret_printed_as_a_code_is_in_no_order(secret: str) -> None:
    found = of_bytes(stored(49, secret) + stored(49, LINK), "扫码开票")
    assert secret not in repr(found)
    assert found.invoice == LINK
