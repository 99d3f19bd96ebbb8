"""What a cash register prints: sales with their truth, and the ESC/POS bytes of their receipts."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from unicodedata import east_asian_width

WIDTH = 32  # columns of 58 mm paper in font A

_INIT = b"\x1b@"
_CHINESE = b"\x1c&"  # FS &: two-byte text from here on
_CENTRE, _LEFT = b"\x1ba\x01", b"\x1ba\x00"
_DOUBLE, _SINGLE = b"\x1d!\x11", b"\x1d!\x00"
_DRAWER = b"\x1bp\x00\x19\xfa"
_CUT = b"\x1dV\x42\x00"  # feed, then a partial cut

# Name, price in cents.
GOODS = {
    "zh-retail": (
        ("农夫山泉550ml", 200), ("康师傅红烧牛肉面", 550), ("伊利纯牛奶250ml*12", 4990), ("洽洽香瓜子308g", 1290),
        ("清风抽纸3包", 990), ("可口可乐330ml", 300), ("双汇火腿肠", 150), ("苹果(斤)", 698),
    ),
    "zh-restaurant": (
        ("宫保鸡丁", 3800), ("鱼香肉丝", 3200), ("米饭", 200), ("酸梅汤", 800), ("水煮鱼", 6800), ("清炒时蔬", 1800),
    ),
    "en-retail": (
        ("Whole Milk 1L", 189), ("Sourdough Loaf", 350), ("Free Range Eggs 6", 275), ("Cheddar 400g", 465),
        ("Bananas", 120), ("Orange Juice", 220),
    ),
}  # fmt: skip
STYLES = (*GOODS, "mixed")

_TENDERS_ZH = (("cash", "现金"), ("wechat_pay", "微信支付"), ("alipay", "支付宝"), ("bank_card", "银行卡"))
_TENDERS_EN = (("cash", "CASH"), ("bank_card", "VISA"))


@dataclass(frozen=True, slots=True)
class Item:
    """Goods on a receipt; money in cents."""

    name: str
    quantity: int
    price: int

    @property
    def amount(self) -> int:
        """Return quantity times price."""
        return self.quantity * self.price


@dataclass(frozen=True, slots=True)
class Tender:
    """How it was paid: the contract's type, the label as printed, the amount handed over in cents."""

    type: str
    label: str
    amount: int


@dataclass(frozen=True, slots=True)
class Sale:
    """One transaction as the register books it; money in cents, a return's too."""

    style: str
    kind: str
    order_no: str
    printed_at: datetime
    items: tuple[Item, ...]
    discount: int
    tenders: tuple[Tender, ...]
    workstation: str = "03"

    @property
    def gross(self) -> int:
        """Return the sum of the lines."""
        return sum(item.amount for item in self.items)

    @property
    def payable(self) -> int:
        """Return what was to be paid, or paid back."""
        return self.gross - self.discount

    @property
    def change(self) -> int:
        """Return what was handed back."""
        return sum(tender.amount for tender in self.tenders) - self.payable


def ring_up(rng: random.Random, style: str, order_no: str, printed_at: datetime) -> Sale:
    """Return a transaction: one in twenty is a return, one in four has a discount, one in three is paid in cash."""
    goods = GOODS[style]
    items = tuple(Item(name, rng.randint(1, 3), price) for name, price in rng.sample(goods, rng.randint(1, 5)))
    gross = sum(item.amount for item in items)
    kind = "return" if rng.random() < 0.05 else "sale"
    discount = gross // 10 if kind == "sale" and rng.random() < 0.25 else 0
    known = _TENDERS_EN if style == "en-retail" else _TENDERS_ZH
    type_, label = known[0] if rng.random() < 1 / 3 else rng.choice(known[1:])
    payable = gross - discount
    handed_over = -(-payable // 1000) * 1000 if type_ == "cash" and kind == "sale" else payable
    return Sale(style, kind, order_no, printed_at, items, discount, (Tender(type_, label, handed_over),))


def encode(sale: Sale, mark: str = "") -> bytes:
    """Return the bytes a register sends for a sale, from initialising the printer to the cut.

    ``mark``: a line above all others, such as that of a reprint.
    """
    chinese = sale.style != "en-retail"
    body = _chinese(sale) if chinese else _english(sale)
    title = "人民广场店" if chinese else "CORNER STORE"
    drawer = any(tender.type == "cash" for tender in sale.tenders)
    thanks = "谢谢惠顾" if chinese else "Thank you"
    return printed(title, [mark, *body] if mark else body, thanks, sale.order_no, drawer=drawer, chinese=chinese)


def printed(
    title: str, lines: Sequence[str], thanks: str = "", code: str = "", *, drawer: bool = False, chinese: bool = True
) -> bytes:
    """Return the bytes of a slip: its title large and centred, its lines, a QR code, a last line, the cut."""
    coded = "gb18030" if chinese else "ascii"
    parts = [
        _INIT,
        _CHINESE if chinese else b"",
        _CENTRE + _DOUBLE + title.encode(coded) + b"\n" + _SINGLE + _LEFT,
        *(line.encode(coded) + b"\n" for line in lines),
        _CENTRE + _qr(code.encode("ascii")) + b"\n" + _LEFT if code else b"",
        thanks.encode(coded) + b"\n\n",
        _DRAWER if drawer else b"",
        _CUT,
    ]
    return b"".join(parts)


def _chinese(sale: Sale) -> list[str]:
    restaurant = sale.style == "zh-restaurant"
    sign = -1 if sale.kind == "return" else 1
    lines = ["退货单" if sign < 0 else ("结账单" if restaurant else "销售小票")]
    lines += [
        f"单号:{sale.order_no}",
        f"时间:{sale.printed_at:%Y-%m-%d %H:%M:%S}",
        f"收银员:王芳  机号:{sale.workstation}",
    ]
    lines += ["-" * WIDTH, row("菜名" if restaurant else "品名", "数量", "单价", "金额")]
    for item in sale.items:
        lines += _item(item, sign)
    lines += ["-" * WIDTH, pair("合计:", sign * sale.gross)]
    lines += [pair("优惠:", sale.discount)] if sale.discount else []
    lines += [pair("应退:" if sign < 0 else "应收:", sign * sale.payable)]
    lines += [pair(f"{tender.label}:", sign * tender.amount) for tender in sale.tenders]
    return lines + ([pair("找零:", sale.change)] if sale.change else [])


def _english(sale: Sale) -> list[str]:
    sign = -1 if sale.kind == "return" else 1
    lines = ["REFUND"] if sign < 0 else []
    lines += [
        f"Receipt No: {sale.order_no}",
        f"Date: {sale.printed_at:%Y-%m-%d %H:%M:%S}",
        f"Till: {sale.workstation}  Cashier: Anna",
    ]
    lines += ["-" * WIDTH, row("Item", "Qty", "Price", "Amount")]
    for item in sale.items:
        lines += _item(item, sign)
    lines += ["-" * WIDTH]
    lines += [pair("Subtotal", sale.gross), pair("Discount", -sale.discount)] if sale.discount else []
    lines += [pair("TOTAL", sign * sale.payable)]
    lines += [pair(tender.label, sign * tender.amount) for tender in sale.tenders]
    return lines + ([pair("CHANGE", sale.change)] if sale.change else [])


def _item(item: Item, sign: int) -> list[str]:
    return [item.name, row("", str(sign * item.quantity), money(item.price), money(sign * item.amount))]


def row(name: str, quantity: str, price: str, amount: str) -> str:
    """Return one row of goods, in columns."""
    return _pad(name, 12) + _pad(quantity, -4) + _pad(price, -8) + _pad(amount, -8)


def pair(label: str, amount: int) -> str:
    """Return a label and an amount in cents, at both ends of a row."""
    return _pad(label, WIDTH - 12) + _pad(money(amount), -12)


def money(cents: int) -> str:
    """Return cents as they are printed."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


def _pad(text: str, width: int) -> str:
    """Fill to ``width`` printed columns; a negative width aligns to the right."""
    columns = sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
    blank = " " * (abs(width) - columns)
    return blank + text if width < 0 else text + blank


def _qr(data: bytes) -> bytes:
    """Return the GS ( k commands that store and print a QR code: model 2, module size 4, error correction L."""
    store = (len(data) + 3).to_bytes(2, "little") + b"\x31\x50\x30" + data
    functions = (
        b"\x04\x00\x31\x41\x32\x00",
        b"\x03\x00\x31\x43\x04",
        b"\x03\x00\x31\x45\x30",
        store,
        b"\x03\x00\x31\x51\x30",
    )
    return b"".join(b"\x1d(k" + function for function in functions)
