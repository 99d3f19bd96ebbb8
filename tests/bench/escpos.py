"""How fast the ESC/POS decoder reads, in bytes of printed receipts a second of processor time."""

import time

from edge_agent.decoders import escpos

BYTES = 2_000_000
CHUNK = 4096  # what one read of a fast line returns

_INIT, _CUT, _DRAWER = b"\x1b@\x1ba\x00\x1d!\x00", b"\x1bd\x04\x1dVB\x00", b"\x1bp\x00\x32\xfa"
_GOODS = [
    ("农夫山泉550ml", "2", "2.00", "4.00"),
    ("康师傅红烧牛肉面", "1", "4.50", "4.50"),
    ("散装苹果", "0.856", "9.98", "8.54"),
    ("Coca-Cola 330ml", "6", "2.50", "15.00"),
]


def _cells(text: str, width: int) -> bytes:
    data = text.encode("gb18030")
    return data + b" " * (width - len(data))


def _by_blanks(number: int) -> bytes:
    """A till that lays out its columns with blanks, as most do."""
    rule = b"-" * 32 + b"\n"
    head = _INIT + b"\x1ba\x01\x1bE\x01\x1d!\x11" + "瑞幸便利店\n".encode("gb18030") + b"\x1d!\x00\x1bE\x00\x1ba\x00"
    lines = [f"单号:{20261122000000 + number} 收银员:王芳\n".encode("gb18030"), b"2026-11-22 10:31:05\n", rule]
    lines += [
        _cells(a, 16) + _cells(b, 6) + c.rjust(5).encode() + d.rjust(6).encode() + b"\r\n" for a, b, c, d in _GOODS * 3
    ]
    totals = "".join(
        f"{name}{amount:>24}\n" for name, amount in (("合计", "96.12"), ("现金", "100.00"), ("找零", "3.88"))
    )
    code = b"\x1dk\x49\x10{B" + b"%014d" % number
    return head + b"".join(lines) + rule + totals.encode("gb18030") + code + _CUT + _DRAWER


def _by_positions(number: int) -> bytes:
    """A driver that sets the style before each run and places columns in dots."""
    style = b"\x1b-0\x1c-0\x1bE0\x1dB0\x1d!\x00"
    lines = []
    for row in _GOODS * 3:
        for column, text in enumerate(row):
            lines.append(
                b"\x1b$" + (column * 144).to_bytes(2, "little") + style + b"\x1bt\x00\x1c&" + text.encode("gb18030")
            )
        lines.append(b"\n" + style)
    return _INIT + b"".join(lines) + b"No %d\n" % number + _CUT


def escpos_rate() -> float:
    """Return MB/s over a mix of both kinds of receipt, in equal numbers."""
    stream = bytearray()
    number = receipts = 0
    while len(stream) < BYTES:
        stream += _by_blanks(number) + _by_positions(number)
        number += 1
    decoder = escpos.Decoder(escpos.Settings())
    started = time.process_time()
    for at in range(0, len(stream), CHUNK):
        receipts += len(decoder.feed(bytes(stream[at : at + CHUNK])))
    elapsed = time.process_time() - started
    if receipts != 2 * number:
        raise RuntimeError(f"{receipts} observations of {2 * number} receipts: the figure means nothing")
    return len(stream) / elapsed / 1e6
