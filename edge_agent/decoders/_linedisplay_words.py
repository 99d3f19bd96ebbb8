"""What the rows of a text display say: a figure and the word that names it, in Chinese, English, Japanese, Korean."""

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

# The four things a display names. Words that hold one another are told apart by length: 应收 is no 收.
_WORDS = {
    "unit_price": "单价 單價 售价 単価 단가 UNIT\\s?PRICE PRICE",
    "total": "合计 合計 总计 總計 总额 總額 应收 應收 应付 應付 总价 ご?請求額 お買上計 お会計"
    " 합계 총액 받을\\s?금액 결제\\s?금액 GRAND\\s?TOTAL TOTAL\\s?DUE AMOUNT\\s?DUE TO\\s?PAY TOTAL AMT\\s?DUE",
    "received": "实收 實收 收款 已收 收您 现金 現金 付款 お預かり お預り 預かり 預り 받은\\s?금액 받은\\s?돈 현금"
    " CASH PAID RECEIVED TENDERED TENDER PAYMENT PAY",
    "change": "找零 找您 找补 找補 找續 找赎 お釣り お釣 釣銭 おつり 거스름돈 잔돈 CHANGE\\s?DUE CHANGE",
}
# Beside one of these a figure is something else: a subtotal, tax, saving, count, card.
_OTHER = re.compile(
    r"小计|小計|소계|SUB[\s-]?TOTAL|\bSUB\b|税|\b(?:TAX|VAT|GST)\b|优惠|優惠|折扣|割引|할인|부가세|\bDISC|\bSAV|\bOFF\b"
    r"|积分|積分|ポイント|포인트|\bPOINT|余额|餘額|残高|잔액|\bBALANCE\b|数量|數量|\bQTY\b|\bITEMS?\b|会员|會員|\bCARD\b|卡",
    re.IGNORECASE,
)


def _word(pattern: str) -> str:
    return rf"\b{pattern}\b" if pattern[0].isascii() and pattern[0].isalpha() else pattern


_LABEL = re.compile(
    "|".join(
        f"(?P<{label}>{'|'.join(_word(word) for word in sorted(words.split(), key=len, reverse=True))})"
        for label, words in _WORDS.items()
    ),
    re.IGNORECASE,
)
# A figure alone: part of no date, time, number or product, and no count of things.
_FIGURE = re.compile(
    r"(?<![\w.,:/#*@(×-])(?P<sign>-?)(?P<currency>(?:RMB|CNY|USD|EUR|JPY|KRW|HK\$|NT\$|[¥$€£₩])?\s?)(?P<sign2>-?)"
    r"(?P<figure>\d{1,3}(?:,\d{3})+(?:\.\d{1,3})?|\d{1,3}(?:\.\d{3})+,\d{2}|\d{1,9}(?:[.,]\d{1,2}|\.\d{3})?)"
    r"(?![\d.,:/*#@×-]*[\d:/*#@×])(?![.,]?[A-Za-z×*%])(?!\s?(?:点|點|件|個|个|개|점|[xX]\b|pcs|kg|公斤|克))",
    re.IGNORECASE,
)


def read(rows: Sequence[str]) -> list[tuple[str | None, str]]:
    """Return the figures that rows show, each with its label, as decimal strings without separators.

    Labelled ones only, where there are any; else the one figure shown, with None. Whatever is ambiguous is left out.
    """
    texts = [unicodedata.normalize("NFKC", row) for row in rows]
    found = [pair for row in texts for pair in _row(row)]
    if not found:
        found = _across(texts)
    if found:
        return found
    figures = [figure for row in texts for figure in _figures(row)]
    if len(figures) == 1 and not any(_LABEL.search(row) or _OTHER.search(row) for row in texts):
        return [(None, figures[0])]
    return []


def _row(row: str) -> list[tuple[str | None, str]]:
    labels = [match for match in _LABEL.finditer(row) if match.lastgroup]
    found: list[tuple[str | None, str]] = []
    for place, match in enumerate(labels):
        end = labels[place + 1].start() if place + 1 < len(labels) else len(row)
        before = labels[place - 1].end() if place else 0
        figures = _figures(row[match.end() : end].lstrip(" :="))
        if not figures and len(labels) == 1:
            figures = _figures(row[: match.start()])
        if len(figures) != 1 or _OTHER.search(row[before:end]):
            continue
        if place and not _figures(row[before : match.start()]):
            continue  # two labels in a row, one figure: nobody can tell whose it is
        found.append((match.lastgroup, figures[0]))
    return found


def _across(rows: Sequence[str]) -> list[tuple[str | None, str]]:
    """A label alone above a figure alone."""
    for above, below in pairwise(rows):
        labels = list(_LABEL.finditer(above))
        figures = _figures(below)
        alone = not _figures(above) and not _LABEL.search(below) and not _OTHER.search(above + below)
        if len(labels) == 1 and len(figures) == 1 and alone:
            return [(labels[0].lastgroup, figures[0])]
    return []


_TORN = re.compile(r"\d\.\.|\.\.\d|\d\.\d+\.\d")  # two points: the figures beside it are no better


def _figures(text: str) -> list[str]:
    if _TORN.search(text):
        return []
    return [_plain(match) for match in _FIGURE.finditer(text)]


def _plain(match: re.Match[str]) -> str:
    figure = match["figure"]
    if re.search(r",\d{1,2}$", figure):  # a decimal comma
        figure = figure.replace(".", "").replace(",", ".")
    sign = "-" if match["sign"] or match["sign2"] else ""
    return sign + figure.replace(",", "")
