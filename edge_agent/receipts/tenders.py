"""How a tender was presented, by whom it was carried, and under which reference."""

import re
from collections.abc import Sequence

from edge_agent.receipts.fields import is_trade_number
from edge_agent.receipts.grid import Row
from edge_agent.receipts.paid import Figure
from edge_agent.receipts.words import fold

_ENTRIES = (
    ("face", re.compile(r"刷脸|人脸|顔認証|face")),
    ("nfc", re.compile(r"(?<!云)闪付|碰一下|挥卡|contactless|apple ?pay|google ?pay|タッチ|tap\b|nfc|id\b|quicpay")),
    ("in_app", re.compile(r"小程序|app支付|线上|公众号|in-?app|online")),
    ("customer_scan", re.compile(r"主扫|扫一扫|收款码|台卡|customer.?scan")),
    ("merchant_scan", re.compile(r"付款码|扫码|被扫|条码|条形码|刷卡支付\(码\)|バーコード|コード支払|merchant.?scan")),
)
_BY_TYPE = {"cash": "cash", "bank_card": "card"}
_PROVIDERS = (
    ("visa", re.compile(r"\bvisa\b")),
    ("mastercard", re.compile(r"master ?card|\bmc\b|万事达")),
    ("amex", re.compile(r"amex|american express|运通")),
    ("unionpay", re.compile(r"银联|云闪付|union ?pay|銀聯")),
    ("jcb", re.compile(r"\bjcb\b")),
    ("meituan", re.compile(r"美团")),
    ("dianping", re.compile(r"点评")),
    ("douyin", re.compile(r"抖音")),
)
_WALLETS = {"wechat_pay": "wechat", "alipay": "alipay", "ecny": "pboc", "unionpay_qr": "unionpay"}
_REFERENCE = re.compile(r"[a-z0-9]{4,40}", re.IGNORECASE)
# Best first: what head office can look the payment up by.
_USEFUL = (
    "交易单号",
    "交易号",
    "支付单号",
    "流水号",
    "订单号",
    "参考号",
    "承认番号",
    "승인번호",
    "授权",
    "auth",
    "approval",
    "appr",
    "ref",
    "rrn",
)


def entry(tender: Figure, rows: Sequence[Row]) -> str:
    """Return how a tender was presented, by its own label, then by what its type admits."""
    label = fold(tender.label)
    for name, pattern in _ENTRIES:
        if pattern.search(label):
            return name
    if tender.type in _BY_TYPE:
        return _BY_TYPE[tender.type]
    if tender.type in _WALLETS and any("付款码" in row.text for row in rows):
        return "merchant_scan"
    return "unknown"


def provider(tender: Figure) -> str | None:
    """Return who carries a tender, if its label or its type says so."""
    label = fold(tender.label)
    for name, pattern in _PROVIDERS:
        if pattern.search(label):
            return name
    return _WALLETS.get(tender.type)


def references(rows: Sequence[Row]) -> str | None:
    """Return the payment's own number, if the slip prints one: 交易单号, an approval code."""
    best: tuple[int, str] | None = None
    for index, row in enumerate(rows):
        for pair in row.pairs:
            if pair.word.role not in ("reference", "number"):
                continue
            label = fold(pair.label)
            rank = next((i for i, word in enumerate(_USEFUL) if word in label), None)
            value = (pair.value or (rows[index + 1].text.strip() if index + 1 < len(rows) else "")).strip(" #:")
            if pair.word.role == "number" and not is_trade_number(pair, value):
                continue
            match = _REFERENCE.fullmatch(value)
            if rank is not None and match is not None and (best is None or rank < best[0]):
                best = (rank, match[0])
    return best[1] if best is not None else None
