"""Goods rows: what was sold, in one row or two, by whichever reading the sums will prove."""

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from edge_agent.receipts import wrapped
from edge_agent.receipts.amounts import Number
from edge_agent.receipts.figures import NOISE, Figures, figures, is_code_label, is_specification, name_of
from edge_agent.receipts.goods import Goods, State, add, goods_row, join_tail, price_of_one, use_leads
from edge_agent.receipts.grid import Row
from edge_agent.receipts.prices import Mode, product_is
from edge_agent.receipts.words import Lexicon, fold, is_wide

_WHOLE = 3  # count, price of one, amount
_COUNT = re.compile(
    r"\s*(?:no\. of |total )?\d{1,3} ?(?:items?|articles?|pcs|pieces|products?|units?|lines?|goods)"
    r"(?: ?(?:sold|bought|purchased|in (?:basket|bag|transaction|total)))?\s*",
    re.IGNORECASE,
)  # 5 Items
_SERIALS = 3  # 1 2 3 before three names is no chance
# A row that begins with its date is of the slip's head: 11-22-2026 18:05:12
_DATED = re.compile(
    r"\s*(?:\d{4}[-/.年]\d{1,2}[-/.月]\d|\d{1,2}([-/.])\d{1,2}\1\d{2,4}(?!\d)|\d{1,2}[-/]\d{1,2}\s+\d{1,2}:\d\d|"
    r"(?:\d{1,2}[ -])?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[. -]*(?:\d{1,2},? )?20\d\d\b)",
    re.IGNORECASE,
)


def read(
    rows: Sequence[Row], lexicon: Lexicon, columns: Sequence[str], mode: Mode, digits: int
) -> tuple[list[Goods], list[int]]:
    """Return the goods and discount lines of the rows of the goods region, and the indexes of rows not understood."""
    state = State(headed=bool(columns))
    for at, row in enumerate(rows):
        if not state.goods and _is_unknown_field(row):
            continue
        if _COUNT.fullmatch(row.text):
            join_tail(state)
            continue
        if at + 1 < len(rows) and row.numbers and _named_for(row, rows[at + 1], columns, digits):
            join_tail(state)
            state.pending = [name_of(row.tokens)]
            continue
        if _is_total(row, lexicon):
            state.unread.append(row.index)
            continue
        if row.rule or (not row.pairs and _DATED.match(row.text)) or (_is_field(row) and not _is_coded(row, digits)):
            join_tail(state)
            state.pending.clear()
            state.bounded = True
            continue
        labelled = _labelled(row) and not _is_coded(row, digits)
        if not (_details(state, row, lexicon, digits) or _adjustment(state, row, digits) or labelled):
            goods_row(state, row, columns, mode, digits)
    join_tail(state)
    names = wrapped.joined([g.name for g in state.goods], state.tails)
    state.goods = [replace(good, name=name) for good, name in zip(state.goods, names, strict=True)]
    if state.goods and not _serial(state, columns):
        use_leads(state)
    return state.goods, state.unread


def _named_for(row: Row, below: Row, columns: Sequence[str], digits: int) -> bool:
    """Tell whether a row is but a name with figures in it, as all figures of a good stand below: ``ﾓｸﾈｼﾞ 3.8x50``."""
    first = below.tokens[0] if below.tokens else None
    if row.pairs or first is None or first.number is None or row.tokens[0].number is not None:
        return False
    if any(n.money or (digits and n.places == digits) for n in row.numbers) or any(t.gap > 1 for t in row.tokens[1:]):
        return False
    found = figures(below, columns)
    if found.code or (found.name and not NOISE.fullmatch(found.name)) or len(found.numbers) < _WHOLE:
        return False
    *factors, amount = found.numbers[-_WHOLE:]
    minor = amount.minor(digits)
    return minor is not None and product_is(factors[0], factors[1], abs(minor), digits)


def _serial(state: State, columns: Sequence[str]) -> bool:
    """Tell whether the numbers before the names simply run; English tills print counts there and no serial numbers."""
    leads = [n for n in state.leads if n is not None]
    counts = not columns and len(leads) < _SERIALS and all(g.name.isascii() for g in state.goods)
    return leads == list(range(1, len(state.leads) + 1)) and not counts


def _labelled(row: Row) -> bool:
    """Tell whether the row says something else: a field, a count, a remark."""
    if not row.pairs or not row.pairs[0].value:
        return False
    first = row.pairs[0]
    if _sounds_numbered(row):
        return False
    if first.word.role == "count":  # "ITEM 1123456 SOCKS" is a name
        return len(row.pairs) > 1 or all(t.number is not None for t in row.tokens[1:])
    return first.word.group in ("fields", "info")


def _is_field(row: Row) -> bool:
    """Tell whether the row is a field of the slip's head: no remark on an item, no ``NO7 SERUM  29.95``."""
    if _sounds_numbered(row):
        return False
    pairs = [pair for pair in row.pairs if pair.value or pair.word.group != "info"]  # [매장]  주문번호 45
    return bool(pairs) and pairs[0].word.group == "fields" and bool(pairs[0].value)


def _is_total(row: Row, lexicon: Lexicon) -> bool:
    """Tell whether a row no label was found in begins with a word for the total all the same: it is no good."""
    if row.pairs or not row.numbers or not is_wide(row.tokens[0].text):
        return False
    return lexicon.role(row.tokens[0].text, "money") in ("total", "due", "subtotal", "net")


def _is_unknown_field(row: Row) -> bool:
    """Tell whether a row of the head names something by a colon and a bare number: ``取引ID:1234``."""
    value = row.tokens[1].number if len(row.tokens) == 2 and not row.pairs and row.tokens[0].colon else None
    return value is not None and not (value.money or value.places or value.unit)


def _sounds_numbered(row: Row) -> bool:
    last = row.tokens[-1].number
    words = [t for t in row.tokens[1:] if t.number is None]
    return (
        bool(row.pairs)
        and row.pairs[0].word.role == "number"
        and bool(words)
        and last is not None
        and (last.money or last.places == 2)
    )


def _is_coded(row: Row, digits: int) -> bool:
    """Tell whether a row gives an article's number or batch and then its figures: ``UPC:6923644278908   1   55.00``."""
    numbers = [n for n in row.numbers if not n.rate]
    priced = len(numbers) > 1 and any(n.money or (digits and n.places == digits) for n in numbers[-2:])
    return priced and (is_code_label(row.tokens[0]) or is_specification(row.text.strip()))


# --- labelled rows ----------------------------------------------------------------------------------------------------


def _details(state: State, row: Row, lexicon: Lexicon, digits: int) -> bool:
    """Read ``单价:2.00 数量:2 小计:4.00`` under a name."""
    found: dict[str, Number] = {}
    for label, value in zip(row.tokens, row.tokens[1:], strict=False):
        if label.colon and value.number is not None:
            role = lexicon.headings.get(fold(label.text))
            if role is not None:
                found.setdefault(role, value.number)
    first = row.tokens[0]
    if not found and state.goods and len(row.numbers) == 1 and _names_price(first.text, lexicon):
        price_of_one(state, row.numbers[0], digits)  # (単価 150)
        return True
    if not found and first.colon and lexicon.headings.get(fold(first.text)) == "name" and len(row.tokens) > 1:
        end = next((i for i, t in enumerate(row.tokens) if i > 1 and t.gap > 1), len(row.tokens))
        state.pending = [name_of(row.tokens[1:end])]
        return True
    if not ({"quantity", "unit_price"} <= found.keys() or ({"quantity", "amount"} <= found.keys() and state.pending)):
        return False
    quantity, price = found["quantity"], found.get("unit_price")
    amount = found.get("amount")
    if amount is None and price is not None:
        amount = Number((quantity.value * price.value).quantize(Decimal(1).scaleb(-digits)), digits)
    minor = None if amount is None else amount.minor(digits)
    if minor is None:
        return False
    if not state.pending and state.goods and abs(state.goods[-1].amount) == abs(minor):
        return True
    add(state, row, Figures("", None, None, (), None), minor, quantity, price, digits)
    return True


def _names_price(text: str, lexicon: Lexicon) -> bool:
    """Tell whether a row begins with 单价 or 単価, in brackets or not; English ones are names: PRICE'S CANDLES."""
    return is_wide(text) and lexicon.headings.get(fold(text).strip("(@ ")) == "unit_price"


def _adjustment(state: State, row: Row, digits: int) -> bool:
    """Read a discount or fee row among the goods."""
    for pair in row.pairs[:1]:
        role = pair.word.role
        numbers = [n for n in pair.numbers if not n.rate and not n.unit]
        if role not in ("discount", "saved", "fee", "tip", "coupon", "rounding", "group_voucher") or not numbers:
            continue
        amount = numbers[-1].minor(digits)
        if amount is None or (pair.word.group == "tenders" and amount >= 0):
            return False
        if role in ("fee", "tip"):
            return False
        if role == "discount" and len(numbers) > 1 and amount > 0:
            return False  # a name that sounds like a discount: 特价鸡蛋 2 3.50 7.00
        certain = amount < 0 and role != "saved"
        first = row.tokens[0]  # 3 FOR 2 SAVING
        label = f"{first.text} {pair.label}" if first.number is not None and not first.number.places else pair.label
        state.goods.append(Goods(row.index, "discount", label, -abs(amount), certain=certain))
        state.pending.clear()
        return True
    return False
