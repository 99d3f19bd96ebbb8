"""What must not leave a shop, in the ways it comes along a till's line."""

import base64
import re
from collections.abc import Iterable
from typing import Any

from tests.support.slips import sale

CUT = b"\x1dV\x42\x00"
PHONE, CARD, PAYMENT = "13812345678", "4111111111111111", "134567890123456789"
SECRETS = (PHONE, CARD, PAYMENT)


def printed(text: str) -> bytes:
    """Return a slip as a till sends it."""
    return b"\x1b@\x1c&" + text.replace("\n", "\r\n").encode("gb18030") + CUT


# Slips that hold a secret each, by how.
HIDDEN = {
    "plain": printed(f"会员手机: {PHONE}\n银行卡号: {CARD}\n付款码: {PAYMENT}\n"),
    "beside a sale": printed(sale(extra=f"会员手机: {PHONE}\n银行卡: {CARD}\n付款码: {PAYMENT}\n")),
    "in bold": printed("x").replace(b"x", "会员手机: 138\x1bE\x0112345678\x1bE\x00\n".encode("gb18030")),
    "in bold the second time": printed(f"会员手机: {PHONE}\nx").replace(b"x", b"mobile: 138\x1bE\x0112345678\n"),
    "over two rows": printed(" " * 40 + f"card: {CARD}\n"),
    "without a word": printed(f"hello {PHONE} {PAYMENT} {CARD}\n"),
    "never printed": b"\x1b@hello\n\x1d(k\x0e\x001P0" + PHONE.encode() + CUT,
    "a bar code": printed("hello\n").replace(b"hello\r\n", b"\x1dk\x49\x12" + PAYMENT.encode()),
    "wide": printed("会员手机: " + "".join(chr(ord(digit) + 0xFEE0) for digit in PHONE)),
    "another language": b"\x1b@^XA^FO50,50^FD" + PHONE.encode() + b"^FS^FD" + CARD.encode() + b"^FS^XZ\n" + CUT,
    "in noise": b"\xff\xfe\x80" * 40 + PHONE.encode() + b"\x80\xff\x01\x02" * 40 + CUT,
    "with a parity bit": bytes(b | 0x80 for b in b"hello " + PHONE.encode()) + CUT,
    "in EBCDIC": f"hello {PHONE} ".encode("cp037") + CUT,
    "in UTF-16": f"hello {PHONE} ".encode("utf-16-le") + CUT,
    "a digit each": printed(" ".join(PHONE)),
}


def unwrapped(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows that hold raw bytes, those as they may be read: as they are, as seven bits, as EBCDIC."""
    found = []
    for row in rows:
        if "raw" in row:
            raw = base64.b64decode(row["raw"])
            readings = (raw, bytes(byte & 0x7F for byte in raw), raw.decode("cp037").encode("utf-8"))
            found.append({**row, "raw": "\n".join(_bare(reading.decode("latin-1")) for reading in readings)})
    return found


def revealed(text: str) -> None:
    """Fail where a text shows a secret, however it is written."""
    readings = (text, re.sub(r"(?<=\d)[ -](?=\d)", "", text), text.encode("gb18030").decode("cp037"))
    seven_bits = bytes(byte & 0x7F for byte in text.encode("gb18030")).decode("ascii")
    for reading in (*readings, seven_bits):
        assert not [secret for secret in SECRETS if secret in reading]
    assert not re.search("[０-９]{5}", text)


def _bare(text: str) -> str:
    """Return the digits alone where no more than a blank or a command stands between them."""
    return re.sub(r"(?<=\d)(?:\x1b[E!].|[ \x00-])(?=\d)", "", text, flags=re.DOTALL)
