"""Goods rows: what was sold, in one row or two, by whichever reading the sums will prove."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from edge_agent.receipts.amounts import Number
from edge_agent.receipts.grid import Row, Token
from edge_agent.receipts.words import Lexicon, fold

# Words between the figures of "0.856 kg @ 1.29 /kg" or "2 AT 1 FOR 3.25": they name nothing.
_NOISE = re.compile(
    r"(?:at|for|ea|each|per|@|x|kgs?|g|lbs?|oz|pcs?|/?kg|/?ea|/?lb|[a-z]{3}/kg|net|wt|qty|个|件|斤|公斤|千克|点|コ|個|개|份|瓶|盒|袋|元/?|/|\(|\)|-|=|:|[a-z]|\*+|eur|usd)"
    r"[.)]?",
    re.IGNORECASE,
)
_TAX_MARK = re.compile(r"[A-Za-z]\d?|[A-Z]{2}|[*#+※軽非内外込免税課과면]{1,2}")
_SERIAL = re.compile(r"(\d{1,3})[.、)](?=\S)")


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


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to read goods rows. ``whole``: figures without decimals may be money; ``product``: amount = a × b."""

    whole: bool = False
    product: bool = False


@dataclass(slots=True)
class _State:
    goods: list[Goods] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    held: tuple[Number, Number] | None = None
    nameless: bool = False
    unread: list[int] = field(default_factory=list)
    leads: list[int | None] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of one goods row, told apart."""

    name: str
    code: str | None
    lead: int | None
    numbers: tuple[Number, ...]
    factor: tuple[Number, Number] | None


def read(
    rows: Sequence[Row], lexicon: Lexicon, columns: Sequence[str], mode: Mode, digits: int
) -> tuple[list[Goods], list[int]]:
    """Return the goods, discount and fee lines of the rows of the goods region, and the indexes of rows not understood."""
    state = _State()
    for row in rows:
        if row.rule:
            state.pending.clear()
            continue
        if not (_details(state, row, lexicon, digits) or _adjustment(state, row, digits) or _labelled(row)):
            _goods_row(state, row, columns, mode, digits)
    if state.goods and [n for n in state.leads if n is not None] != list(range(1, len(state.leads) + 1)):
        _use_leads(state)
    return state.goods, state.unread


def _labelled(row: Row) -> bool:
    """Tell whether the row says something else: a field, a count, a remark."""
    return bool(row.pairs) and any(p.word.group in ("fields", "info") and p.value for p in row.pairs[:1])


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
        state.pending = [_name(row.tokens[1:])]
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
        if amount is None or pair.word.group == "tenders" and amount >= 0:
            return False
        if role in ("fee", "tip"):
            return False
        if role == "discount" and len(numbers) > 1 and amount > 0:
            return False  # a name that sounds like a discount: 特价鸡蛋 2 3.50 7.00
        certain = amount < 0 and role != "saved"
        state.goods.append(Goods(row.index, "discount", pair.label, -abs(amount), certain=certain))
        state.pending.clear()
        return True
    return False


# --- figures of a row -------------------------------------------------------------------------------------------------


def figures(row: Row) -> Figures:
    """Tell name, code, serial number and figures of a row apart."""
    tokens = list(row.tokens)
    code, lead, start = None, None, 0
    first = tokens[0] if tokens else None
    if first is not None and first.number is not None and _is_code(first):
        code, start = first.text, 1
    elif first is not None and _is_lead(tokens):
        lead, start = int(first.number.value) if first.number is not None else None, 1
    if start < len(tokens) and code is None and tokens[start].number is not None and _is_code(tokens[start]):
        code, start = tokens[start].text, start + 1
    tail = len(tokens)
    while tail - 1 > start and _is_tail(tokens[tail - 2], tokens[tail - 1]):
        tail -= 1
    body = tokens[start:tail]
    cut = _first_figure(body)
    words = [t for t in body[:cut] if not (t.number is not None and _is_code(t)) and not (t.times and t is body[0])]
    if code is None:
        code = next((t.text for t in body if t.number is not None and _is_code(t)), None)
    numbers = tuple(t.number for t in body[cut:] if t.number is not None and not t.number.rate and not _is_code(t))
    return Figures(_name(words), code, lead, numbers, _factor(body))


def _is_code(token: Token) -> bool:
    number = token.number
    return number is not None and number.places == 0 and not number.money and not number.unit and token.text.isdigit() and len(token.text) >= 5


def _is_lead(tokens: Sequence[Token]) -> bool:
    """Tell whether a row begins with a serial number or a count: ``1 农夫山泉 …`` ``2 x Espresso …``."""
    first = tokens[0].number
    if first is None or first.places or first.money or not 0 < abs(first.value) < 1000:
        return False
    after = tokens[1:]
    if after and after[0].times:
        after = after[1:]
    return bool(after) and after[0].number is None


def _first_figure(body: Sequence[Token]) -> int:
    """Return where the figures begin: the numbers at the end of a row, with nothing but noise between them."""
    cut = len(body)
    for index in range(len(body) - 1, -1, -1):
        token = body[index]
        if token.number is not None or token.times:
            cut = index
        elif not _NOISE.fullmatch(token.text):
            break
    return cut


def _is_tail(before: Token, token: Token) -> bool:
    """Tell whether a word after the figures is a tax mark or the like: ``4.00 A`` ``120 軽`` ``3.50 T1``."""
    marked = token.number is None and not token.times and _TAX_MARK.fullmatch(token.text) is not None
    return marked and (before.number is not None or _TAX_MARK.fullmatch(before.text) is not None)


def _factor(body: Sequence[Token]) -> tuple[Number, Number] | None:
    """Return the two numbers with a times sign (and units) between them."""
    for index, token in enumerate(body):
        if token.times and index > 0:
            left = next((t.number for t in reversed(body[:index]) if t.number is not None or not _NOISE.fullmatch(t.text)), None)
            right = next((t.number for t in body[index + 1 :] if t.number is not None or not _NOISE.fullmatch(t.text)), None)
            if left is not None and right is not None:
                return left, right
    return None


def _name(words: Sequence[Token]) -> str:
    parts: list[str] = []
    for token in words:
        if parts and not token.gap and not token.colon:
            parts[-1] += token.text
        else:
            parts.append(token.text)
    return _SERIAL.sub("", " ".join(parts), count=1).strip(" *-:;#") if parts else ""


# --- goods ------------------------------------------------------------------------------------------------------------


def _goods_row(state: _State, row: Row, columns: Sequence[str], mode: Mode, digits: int) -> None:
    found = figures(row)
    if found.name and _NOISE.fullmatch(found.name):
        found = replace(found, name="")
    amount, quantity, price = interpret(found, columns, mode, digits)
    if found.name and amount is None:
        _name_row(state, found)
    elif not found.name and not state.pending and _is_detail(state, found, digits):
        _attach(state, found)
    elif amount is not None and (found.name or state.pending or found.code or not state.goods):
        if not found.name and not state.pending and not found.code:
            state.unread.append(row.index)
            return
        _add(state, row, found, amount, quantity, price, digits)
        state.nameless = not found.name and not state.goods[-1].name
    elif found.code and not found.numbers:
        state.pending.append("")
    elif found.numbers or amount is not None:
        state.unread.append(row.index)


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
        if any(_product_is(a, b, amount, digits) for a, b in pairs):
            return True
    return found.factor is not None and len(found.numbers) == 2


def _attach(state: _State, found: Figures) -> None:
    quantity, price = found.factor or (found.numbers[0], found.numbers[-1])
    if not state.goods:
        state.held = (quantity, price)
    elif state.goods[-1].quantity is None:
        state.goods[-1] = replace(state.goods[-1], quantity=abs(quantity.value), unit=quantity.unit or None)


def _add(
    state: _State, row: Row, found: Figures, amount: int, quantity: Number | None, price: Number | None, digits: int
) -> None:
    name = found.name
    if not name and state.pending:
        name = state.pending[0] if len(state.pending) < 3 else " ".join(state.pending[-2:])
    state.goods.append(
        Goods(
            row.index,
            "sale",
            name,
            amount,
            None if quantity is None else abs(quantity.value),
            quantity.unit if quantity is not None and quantity.unit else None,
            None if price is None else price.minor(digits),
            found.code,
        )
    )
    state.leads.append(found.lead)
    state.pending.clear()


def interpret(
    found: Figures, columns: Sequence[str], mode: Mode, digits: int
) -> tuple[int | None, Number | None, Number | None]:
    """Return amount (minor units), quantity and unit price of a row's figures; amount None: it has none."""
    numbers = found.numbers
    if not numbers:
        return None, None, None
    by_column = _by_columns(numbers, columns, digits)
    if by_column is not None and by_column[0] is not None:
        return by_column
    for last in range(len(numbers) - 1, 1, -1):
        amount = numbers[last].minor(digits)
        if amount is None or not _is_money(numbers[last], mode, digits):
            continue
        for a in range(last):
            for b in range(a + 1, last):
                if _product_is(numbers[a], numbers[b], abs(amount), digits):
                    if last < len(numbers) - 1 and _is_money(numbers[-1], mode, digits):
                        break  # a further column of money stands behind it: a price after a discount
                    return amount, *_which(numbers[a], numbers[b])
    if found.factor is not None and len(numbers) == 2:
        if found.name and mode == Mode() and not _is_money(numbers[-1], mode, digits):
            return None, None, None
        return _product(*found.factor, digits), *_which(*found.factor)
    if mode.product and len(numbers) >= 2:
        return _product(numbers[-2], numbers[-1], digits), *_which(numbers[-2], numbers[-1])
    candidates = [n for n in numbers if _is_money(n, mode, digits)]
    if not candidates:
        return None, None, None
    quantity = next((n for n in numbers if n is not candidates[-1] and (n.unit or n.places != 2)), None)
    return candidates[-1].minor(digits), quantity, None


def _by_columns(
    numbers: Sequence[Number], columns: Sequence[str], digits: int
) -> tuple[int | None, Number | None, Number | None] | None:
    """Read figures by the heading's columns, if there are as many."""
    roles = [c for c in columns if c not in ("name", "code", "unit")]
    if len(roles) != len(numbers) or len(set(roles)) != len(roles):
        return None
    by_role = dict(zip(roles, numbers, strict=True))
    quantity, price, amount = by_role.get("quantity"), by_role.get("unit_price"), by_role.get("amount")
    if amount is not None:
        return amount.minor(digits), quantity, price
    if quantity is not None and price is not None:
        return _product(quantity, price, digits), quantity, price
    return None


def _is_money(number: Number, mode: Mode, digits: int) -> bool:
    if number.unit or number.rate:
        return False
    if number.money or digits == 0:
        return True
    return number.places == digits or (number.places in (0, 1) and mode.whole)


def _product(a: Number, b: Number, digits: int) -> int:
    return int((a.value * b.value).scaleb(digits).quantize(Decimal(1), "ROUND_HALF_UP"))


def _product_is(a: Number, b: Number, amount: int, digits: int) -> bool:
    """Tell whether a × b is the amount: tills round, cut or raise the last digit, so less than one unit may differ."""
    return abs(abs((a.value * b.value).scaleb(digits)) - amount) < 1


def _which(a: Number, b: Number) -> tuple[Number, Number]:
    """Return quantity and price: the quantity has a unit, or no cents, or three decimals."""
    if b.unit or (b.places in (0, 3) and a.places == 2 and not a.unit) or (a.money and not b.money):
        return b, a
    return a, b


def _use_leads(state: _State) -> None:
    """Take the numbers before the names as counts, where they don't simply run 1, 2, 3."""
    sales = [i for i, g in enumerate(state.goods) if g.kind == "sale"]
    for index, lead in zip(sales, state.leads, strict=True):
        if lead is not None and state.goods[index].quantity is None:
            state.goods[index] = replace(state.goods[index], quantity=Decimal(lead))
