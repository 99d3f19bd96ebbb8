"""What is printed under words: the labelled amounts of a slip, and the means of payment it names."""

import re
from collections.abc import Sequence
from dataclasses import replace

from edge_agent.receipts.amounts import Number
from edge_agent.receipts.grid import Pair, Row
from edge_agent.receipts.layout import figures_only
from edge_agent.receipts.paid import Figure, Method
from edge_agent.receipts.words import Lexicon, fold

_PAID_BY = re.compile(r"卡|券|支付|付款|钱包|pay|card|wallet|money|マネー|ペイ|カード|페이|카드|머니")
_COUNT_OR_TOTAL = "count_or_total"
_CODE = 10**7  # a whole number as long as this, without a currency mark, is a code and no amount
_ZEROS = re.compile(r"0\d+")  # 03 is a till or a serial number, not an amount
# What an offer at the foot says after its name: 满减券: 下次满200可用50元
_OFFER = re.compile(
    r"[^\W\d_]{2,}\d[\d.,]*元?[^\W\d_]{2,}|下次|满\d+.?可|可抵|next (?:visit|purchase|order)", re.IGNORECASE
)
_INVITES = re.compile(
    r"(?:微信|支付宝|云闪付|wechat|alipay)(?:支付|钱包)?\s*[/、,或&和+]?\s*(?:微信|支付宝|云闪付|wechat|alipay)|"
    r"请.{0,8}扫|[↓↑→←]|scan to pay"
)
_PARTS = re.compile(r"[-/ ]+")  # 寄付-支付宝
_TENDER_VALUE = re.compile(r"^[^\d¥$£€:-]+")
_HEADED = re.compile(r"[-=*~—─]{4}")
_CARD_END = re.compile(r"\(?(?:[*xX•.#-]+ ?)*\d{4}\)?")


def figures(rows: Sequence[Row], lexicon: Lexicon, digits: int) -> tuple[list[Figure], list[Method]]:
    """Return the labelled amounts of rows, and the means of payment that are named without one."""
    found: list[Figure] = []
    methods: list[Method] = []
    cents = digits > 0 and any(n.places == digits for row in rows for n in row.numbers)
    for row, completed in _completed(rows):
        pairs = _without_card_ends(completed) if cents else completed
        for pair in pairs:
            _collect(row, pair, lexicon, digits, found, methods)
        if not pairs and (other := _unnamed(row, digits)) is not None:
            found.append(other)
    found = _rounded([_in_parts(figure, lexicon) for figure in found], digits)
    if not methods and not any(f.role in ("tender", "net", "received", "change") for f in found):
        methods = _balances(rows)
    return _between(found), methods


def _rounded(found: list[Figure], digits: int) -> list[Figure]:
    """Tell a total that is printed rounded from what was rounded off: ``Total: 6.18  Rounded: 6.20``."""
    totals = [f.amount for f in found if f.role in ("total", "due") and f.amount]
    unit = 10**digits
    for at, figure in enumerate(found):
        near = [t for t in totals if figure.role == "rounding" and 0 < abs(t - figure.amount) < unit <= figure.amount]
        if near and figure.amount > unit:
            found[at] = replace(figure, amount=figure.amount - near[-1])
            return [*found, replace(figure, role="due")]
    return found


def _without_card_ends(pairs: list[Pair]) -> list[Pair]:
    """Drop the last four digits of a card, where amounts have cents: ``Visa 4242 (Contactless)   17.45``."""
    found: list[Pair] = []
    for pair in pairs:
        if found and found[-1].word.role == pair.word.role == "bank_card" and not found[-1].numbers:
            found[-1] = replace(found[-1], value=pair.value, numbers=pair.numbers)
        elif pair.word.role == "bank_card" and _CARD_END.fullmatch(pair.value) is not None:
            found.append(replace(pair, value="", numbers=()))
        else:
            found.append(pair)
    return found


def _balances(rows: Sequence[Row]) -> list[Method]:
    """Return the stored-value card that a slip prints the balance of, where it says nothing else of the payment."""
    pairs = [(row.index, p) for row in rows for p in row.pairs if p.word.role == "card_balance" and p.numbers]
    return [Method(index, pair.label, "stored_value") for index, pair in pairs[:1]]


def _unnamed(row: Row, digits: int) -> Figure | None:
    """Return the amount of a row whose words nobody knows; the sums may show what it is: a fee, a discount."""
    if len(row.tokens) < 2 or row.tokens[0].number is not None or any(t.number is not None for t in row.tokens[:-1]):
        return None
    number = row.tokens[-1].number
    if number is None or number.rate or number.unit or not (number.money or (digits and number.places == digits)):
        return None
    amount = number.minor(digits)
    return Figure(row.index, "unknown", " ".join(t.text for t in row.tokens[:-1]), amount) if amount else None


def _between(found: list[Figure]) -> list[Figure]:
    """Drop the unnamed amounts that do not stand between two named ones: between the goods and the payment."""
    named = [f.row for f in found if f.role != "unknown"]
    first, last = (min(named), max(named)) if named else (0, 0)
    total = next((f.amount for f in reversed(found) if f.role in ("due", "total")), None)
    kept = [f for f in found if f.role != "unknown" or first < f.row < last]
    below = [f for f in found if f.role == "unknown" and f.row > last and total is not None and f.amount <= total]
    return [*kept, *(replace(f, role="wallet") for f in below if _by_card(f))]


def _in_parts(figure: Figure, lexicon: Lexicon) -> Figure:
    """Return an unknown amount as the means of payment that a part of its label names: ``刷脸付-支付宝``."""
    parts = _PARTS.split(figure.label) if figure.role == "unknown" else ()
    kind = next((role for part in parts if (role := lexicon.role(part, "tenders")) is not None), None)
    return figure if len(parts) < 2 or kind is None else replace(figure, role="tender", type=kind)


def _by_card(figure: Figure) -> bool:
    """Tell whether an unknown label below the total sounds like a means of payment: a shop's own card or wallet."""
    return _PAID_BY.search(fold(figure.label)) is not None


def _collect(row: Row, pair: Pair, lexicon: Lexicon, digits: int, found: list[Figure], methods: list[Method]) -> None:
    if pair.word.role == "taxed":
        if sum(n.money or not n.rate for n in pair.numbers) > 1 and (tax := amount_of(pair.numbers, digits)):
            found.append(Figure(row.index, "tax", pair.label, tax))
        return
    offer = len(pair.numbers) < 2 and pair.word.role != "method" and _OFFER.search(pair.value) is not None
    amount = None if offer or _ZEROS.fullmatch(pair.value) else amount_of(pair.numbers, digits)
    role = pair.word.role
    if role in ("method", "net", "received", "refund"):
        named = _named_tender(pair, lexicon)
        if named is not None:
            if amount is None:
                methods.append(Method(row.index, named[0], named[1]))
            else:
                found.append(Figure(row.index, "tender", named[0], amount, named[1]))
            return
    if amount is None:
        # ------其他------ stands above goods; 微信/支付宝扫码付款 ↓ invites to pay.
        headed = _HEADED.search(row.text) is not None or _INVITES.search(fold(row.text)) is not None
        if pair.word.group == "tenders" and not pair.value and len(row.tokens) <= 3 and not headed:
            methods.append(Method(row.index, pair.label, role))
        return
    if pair.word.group == "tenders":
        found.append(Figure(row.index, "tender", pair.label, amount, role))
    elif pair.word.group == "money":
        inside = _inside(pair, lexicon) if role in ("net", "received", "refund") else None
        if inside is not None:
            found.append(Figure(row.index, "tender", inside[0], amount, inside[1]))
        elif role != _COUNT_OR_TOTAL or _has_money(pair, digits):
            found.append(Figure(row.index, "total" if role == _COUNT_OR_TOTAL else role, pair.label, amount))


def _named_tender(pair: Pair, lexicon: Lexicon) -> tuple[str, str] | None:
    """Return label and type of the means of payment that stands as a value: ``付款:银行卡  16.00``."""
    match = _TENDER_VALUE.match(pair.value)
    if match is None:
        rest = re.search(r"\(([^()]+)\)\s*$", pair.value)
        if rest is None or pair.word.role == "method":
            return None
        text = rest[1]
    else:
        text = match[0].strip(" (（")
    parts = [part.strip(" ()（）0123456789.,¥￥") for part in _PARTS.split(pair.value)[1:]]
    found = [(part, role) for part in (text, *parts) if part and (role := lexicon.role(part, "tenders")) is not None]
    named = [tender for tender in found if tender[1] != "other"]  # 扫码支付-微信 is WeChat's
    return next(iter(named or found), None)


def _inside(pair: Pair, lexicon: Lexicon) -> tuple[str, str] | None:
    """Return the means of payment in the brackets of a label: ``实收(微信): 16.00``."""
    match = re.search(r"\(([^()]+)\)", pair.label)
    if match is None:
        return None
    word = lexicon.meaning(match[1])
    return (match[1], word.role) if word is not None and word.group == "tenders" else None


def amount_of(numbers: Sequence[Number], digits: int) -> int | None:
    """Return the amount among the numbers after a label: the last that looks like money, else the last whole one."""
    usable = [n for n in numbers if not n.rate and not n.unit and not _is_code(n, digits)]
    for number in reversed(usable):
        if number.money or (digits and number.places == digits):
            return number.minor(digits)
    return usable[-1].minor(digits) if usable else None


def _has_money(pair: Pair, digits: int) -> bool:
    return any(n.money or (digits and n.places == digits) for n in pair.numbers)


def _is_code(number: Number, digits: int) -> bool:
    """Tell whether a number is too long for an amount printed without decimals where amounts have them."""
    return digits > 0 and not number.places and not number.money and abs(number.value) >= _CODE


def _completed(rows: Sequence[Row]) -> list[tuple[Row, list[Pair]]]:
    """Give labels without a value the numbers of the row below, one each."""
    found = []
    for index, row in enumerate(rows):
        pairs = list(row.pairs)
        empty = [p for p in pairs if not p.value and p.word.group in ("money", "tenders")]
        if empty and len(empty) == len(pairs) and index + 1 < len(rows):
            below = rows[index + 1]
            if figures_only(rows, index + 1) and len(below.tokens) == len(empty):
                pairs = [
                    replace(p, value=t.text, numbers=(t.number,))
                    for p, t in zip(empty, below.tokens, strict=True)
                    if t.number is not None
                ]
        found.append((row, pairs))
    return found
