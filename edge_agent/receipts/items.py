"""Goods rows: what was sold, in one row or two, by whichever reading the sums will prove."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from edge_agent.receipts import wrapped
from edge_agent.receipts.amounts import Number
from edge_agent.receipts.figures import (
    NOISE,
    Figures,
    Mode,
    figures,
    interpret,
    is_code_label,
    is_specification,
    name_of,
    product_is,
    which,
)
from edge_agent.receipts.grid import Row
from edge_agent.receipts.words import Lexicon, fold

_SERIALS = 3  # 1 2 3 before three names is no chance
# A row that begins with its date is of the slip's head: 11-22-2026 18:05:12
_DATED = re.compile(
    r"\s*(?:\d{4}[-/.年]\d{1,2}[-/.月]\d|\d{1,2}([-/.])\d{1,2}\1\d{2,4}(?!\d)|\d{1,2}[-/]\d{1,2}\s+\d{1,2}:\d\d)"
)
_TIMES = re.compile(r"(.*[^\d\s.])\s*[*×xX](\d{1,3})$")
_PACK = re.compile(
    r"\d\s*(?:ml|l|g|kg|mg|cm|片|粒|抽|克|毫升|升|包|袋|枚)$", re.IGNORECASE
)  # 250ml*12 is a pack of twelve


@dataclass(frozen=True, slots=True)
class Goods:
    """One line of the order as read: ``kind`` is ``sale``, ``discount`` or ``fee``; money in minor units.

    ``certain``: False for a discount printed without a minus, which may be no more than a remark.
    """

    row: int
    kind: str
    name: str
    amount: int
    quantity: Decimal | None = None
    unit: str | None = None
    unit_price: int | None = None
    code: str | None = None
    certain: bool = True


@dataclass(slots=True)
class _State:
    goods: list[Goods] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    held: tuple[Number, Number] | None = None
    nameless: bool = False
    unread: list[int] = field(default_factory=list)
    bounded: bool = False
    code_first: bool = False
    headed: bool = False
    full: int | None = None
    leads: list[int | None] = field(default_factory=list)
    tails: list[tuple[int, str]] = field(default_factory=list)


def read(
    rows: Sequence[Row], lexicon: Lexicon, columns: Sequence[str], mode: Mode, digits: int
) -> tuple[list[Goods], list[int]]:
    """Return the goods and discount lines of the rows of the goods region, and the indexes of rows not understood."""
    state = _State(headed=bool(columns))
    for row in rows:
        if row.rule or (not row.pairs and _DATED.match(row.text)) or (_is_field(row) and not _is_coded(row, digits)):
            _join_tail(state)
            state.pending.clear()
            state.bounded = True
            continue
        labelled = _labelled(row) and not _is_coded(row, digits)
        if not (_details(state, row, lexicon, digits) or _adjustment(state, row, digits) or labelled):
            _goods_row(state, row, columns, mode, digits)
    _join_tail(state)
    names = wrapped.joined([g.name for g in state.goods], state.tails)
    state.goods = [replace(good, name=name) for good, name in zip(state.goods, names, strict=True)]
    if state.goods and not _serial(state, columns):
        _use_leads(state)
    return state.goods, state.unread


def _serial(state: _State, columns: Sequence[str]) -> bool:
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
    return bool(row.pairs) and row.pairs[0].word.group == "fields" and bool(row.pairs[0].value)


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


def _join_tail(state: _State) -> None:
    """Give a name that filled its column what is printed below it: there it was wrapped."""
    if (state.goods or state.headed) and len(state.pending) == 1 and state.pending[0]:
        if state.full is not None and state.goods:
            state.goods[-1] = replace(state.goods[-1], name=state.goods[-1].name + state.pending[0])
        elif not wrapped.is_modifier(state.pending[0]):
            state.tails.append((len(state.goods) - 1, state.pending[0]))
    state.full = None


# --- labelled rows ----------------------------------------------------------------------------------------------------


def _details(state: _State, row: Row, lexicon: Lexicon, digits: int) -> bool:
    """Read ``单价:2.00 数量:2 小计:4.00`` under a name."""
    found: dict[str, Number] = {}
    for label, value in zip(row.tokens, row.tokens[1:], strict=False):
        if label.colon and value.number is not None:
            role = lexicon.headings.get(fold(label.text))
            if role is not None:
                found.setdefault(role, value.number)
    first = row.tokens[0]
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
    _add(state, row, Figures("", None, None, (), None), minor, quantity, price, digits)
    return True


def _adjustment(state: _State, row: Row, digits: int) -> bool:
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


# --- goods ------------------------------------------------------------------------------------------------------------


def _goods_row(state: _State, row: Row, columns: Sequence[str], mode: Mode, digits: int) -> None:
    found = figures(row, columns)
    if found.name and NOISE.fullmatch(found.name):
        found = replace(found, name="")
    if row.tokens[0].times and len(row.tokens) == 2 and len(found.numbers) == 1:
        _price_above(state, found.numbers[0], digits)
        return
    if row.tokens[0].times and not found.name and _multiplied(state, found.numbers, digits):
        return
    amount, quantity, price = interpret(found, columns, mode, digits)
    if quantity is None and found.lead is not None and amount is not None:
        quantity, price = _led(found, amount, digits)
        if quantity is None and found.counted:
            quantity = Number(Decimal(found.lead), 0)
    if found.name and amount is None:
        _name_row(state, found)
    elif not found.name and not state.pending and _is_detail(state, found, digits):
        _attach(state, found, digits)
    elif amount is not None and (found.name or state.pending or found.code or not state.goods):
        if not found.name and not state.pending and not found.code:
            state.unread.append(row.index)
            return
        _add(state, row, found, amount, quantity, price, digits)
        state.nameless = not found.name and not state.goods[-1].name
    elif found.code and not found.numbers:
        _code_row(state, found.code)
    elif found.numbers or amount is not None:
        state.unread.append(row.index)


def _price_above(state: _State, price: Number, digits: int) -> None:
    """Give the item above the price of one, where its count and this make its amount."""
    lead = state.leads[-1] if state.leads else None
    if state.goods and lead and product_is(Number(Decimal(lead), 0), price, abs(state.goods[-1].amount), digits):
        state.goods[-1] = replace(state.goods[-1], quantity=Decimal(lead), unit_price=price.minor(digits))


def _multiplied(state: _State, numbers: Sequence[Number], digits: int) -> bool:
    """Take ``×2個   656`` below a good of 328: what is printed above was the price of one."""
    last = state.goods[-1] if state.goods else None
    if last is None or len(numbers) != 2 or last.quantity is not None or state.pending:
        return False
    amount = numbers[1].minor(digits)
    if amount is None or numbers[0].value <= 1 or last.amount * numbers[0].value != amount:
        return False
    count = numbers[0]
    state.goods[-1] = replace(
        last, amount=amount, quantity=count.value, unit=count.unit or None, unit_price=last.amount
    )
    return True


def _led(found: Figures, amount: int, digits: int) -> tuple[Number | None, Number | None]:
    """Return the count before a name with the price that it makes the amount of: ``4  STUD  3.98  15.92``."""
    count = Number(Decimal(found.lead or 0), 0)
    price = next((n for n in found.numbers[:-1] if product_is(count, n, abs(amount), digits)), None)
    return (None, None) if price is None else (count, price)


def _code_row(state: _State, code: str) -> None:
    """Take an article's number in a row of its own: before the name, or below a whole item, as this slip does it."""
    if not state.goods:
        state.code_first = True
    last = state.goods[-1] if state.goods else None
    if last is not None and not (state.pending or state.code_first or last.code):
        state.goods[-1] = replace(last, code=code)
    else:
        state.pending.append("")


def _name_row(state: _State, found: Figures) -> None:
    if state.nameless and state.goods:
        state.goods[-1] = replace(state.goods[-1], name=found.name)
        state.nameless = False
        return
    state.pending.append(found.name)


def _is_detail(state: _State, found: Figures, digits: int) -> bool:
    """Tell whether ``2 @ 1.50`` explains the item above (or, first of all rows, the one below)."""
    if len(found.numbers) < 2 or found.code:
        return False
    if state.goods:
        amount = abs(state.goods[-1].amount)
        pairs = [(a, b) for i, a in enumerate(found.numbers) for b in found.numbers[i + 1 :]]
        if any(product_is(a, b, amount, digits) for a, b in pairs):
            return True
    return found.factor is not None and len(found.numbers) == 2


def _attach(state: _State, found: Figures, digits: int) -> None:
    """Explain the item above, if the figures make its amount; else they may explain the one below."""
    quantity, price = which(*(found.factor or (found.numbers[0], found.numbers[1])))
    last = state.goods[-1] if state.goods else None
    if last is None or not product_is(quantity, price, abs(last.amount), digits):
        state.held = (quantity, price)
    elif last.quantity is None:
        minor = price.minor(digits)
        state.goods[-1] = replace(last, quantity=quantity.value, unit=quantity.unit or None, unit_price=minor)


def _add(
    state: _State, row: Row, found: Figures, amount: int, quantity: Number | None, price: Number | None, digits: int
) -> None:
    name = found.name
    if name and state.pending and is_specification(name):
        name = ""
    if name:
        _join_tail(state)
    elif state.pending:
        parts = [part for part in state.pending if part]
        name = wrapped.one_piece(parts[-3:] if state.bounded or state.goods else parts[-1:])
    if quantity is None and state.held is not None and product_is(*state.held, abs(amount), digits):
        quantity, price = state.held
    state.held = None
    if quantity is None and (times := _TIMES.fullmatch(name)) and not _PACK.search(times[1]):
        name, quantity = times[1], Number(Decimal(times[2]), 0)
    state.goods.append(
        Goods(
            row.index,
            "fee" if row.pairs and (row.pairs[0].word.group, row.pairs[0].word.role) == ("money", "fee") else "sale",
            name,
            amount,
            None if quantity is None else quantity.value,
            quantity.unit if quantity is not None and quantity.unit else None,
            None if price is None else price.minor(digits),
            found.code,
        )
    )
    state.leads.append(found.lead)
    state.full = row.index if found.full else None
    state.pending.clear()


def _use_leads(state: _State) -> None:
    """Take the numbers before the names as counts, where they don't simply run 1, 2, 3."""
    sales = [i for i, g in enumerate(state.goods) if g.kind != "discount"]
    for index, lead in zip(sales, state.leads, strict=True):
        if lead is not None and state.goods[index].quantity is None:
            state.goods[index] = replace(state.goods[index], quantity=Decimal(lead))
