"""Goods as they are gathered row by row: names above figures, details below, whatever belongs to one item."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from edge_agent.receipts import wrapped
from edge_agent.receipts.amounts import Number
from edge_agent.receipts.figures import NOISE, Figures, figures, is_specification
from edge_agent.receipts.grid import Row
from edge_agent.receipts.prices import Mode, interpret, product_is, which

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
class State:
    """What the rows read so far gave.

    ``pending``: names whose figures are still to come; ``held``: count and price printed above their item;
    ``nameless``: the last item still lacks its name; ``unread``: indexes of rows nobody understood;
    ``bounded``: a rule or a field of the head was passed; ``code_first``: codes stand before names; ``headed``: a
    heading names the columns; ``full``: the row of an item whose name reached its figures; ``leads``: the numbers
    before the names; ``tails``: rows of words alone, with the index of the item above.
    """

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


def join_tail(state: State) -> None:
    """Give a name that filled its column what is printed below it: there it was wrapped."""
    if (state.goods or state.headed) and len(state.pending) == 1 and state.pending[0]:
        if state.full is not None and state.goods and wrapped.fills(state.goods[-1].name):
            state.goods[-1] = replace(state.goods[-1], name=state.goods[-1].name + state.pending[0])
        elif not wrapped.is_modifier(state.pending[0]):
            state.tails.append((len(state.goods) - 1, state.pending[0]))
    state.full = None


def goods_row(state: State, row: Row, columns: Sequence[str], mode: Mode, digits: int) -> None:
    """Take a row as an item, or as the part of one that its words and figures make it."""
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
        add(state, row, found, amount, quantity, price, digits)
        state.nameless = not found.name and not state.goods[-1].name
    elif found.code and not found.numbers:
        _code_row(state, found.code)
    elif found.numbers or amount is not None:
        state.unread.append(row.index)


def _price_above(state: State, price: Number, digits: int) -> None:
    """Give the item above the price of one, where its count and this make its amount."""
    lead = state.leads[-1] if state.leads else None
    if state.goods and lead and product_is(Number(Decimal(lead), 0), price, abs(state.goods[-1].amount), digits):
        state.goods[-1] = replace(state.goods[-1], quantity=Decimal(lead), unit_price=price.minor(digits))


def price_of_one(state: State, price: Number, digits: int) -> None:
    """Give the item above what is printed below it as the price of one, where its count and this make its amount."""
    last, minor = state.goods[-1], price.minor(digits)
    if last.unit_price is None and minor is not None and last.quantity and last.quantity * minor == abs(last.amount):
        state.goods[-1] = replace(last, unit_price=minor)


def _multiplied(state: State, numbers: Sequence[Number], digits: int) -> bool:
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


def _code_row(state: State, code: str) -> None:
    """Take an article's number in a row of its own: before the name, or below a whole item, as this slip does it."""
    if not state.goods:
        state.code_first = True
    last = state.goods[-1] if state.goods else None
    if last is not None and not (state.pending or state.code_first or last.code):
        state.goods[-1] = replace(last, code=code)
    else:
        state.pending.append("")


def _name_row(state: State, found: Figures) -> None:
    if state.nameless and state.goods:
        state.goods[-1] = replace(state.goods[-1], name=found.name)
        state.nameless = False
        return
    state.pending.append(found.name)


def _is_detail(state: State, found: Figures, digits: int) -> bool:
    """Tell whether ``2 @ 1.50`` explains the item above (or, first of all rows, the one below)."""
    if len(found.numbers) < 2 or found.code:
        return False
    if state.goods:
        amount = abs(state.goods[-1].amount)
        pairs = [(a, b) for i, a in enumerate(found.numbers) for b in found.numbers[i + 1 :]]
        if any(product_is(a, b, amount, digits) for a, b in pairs):
            return True
    return found.factor is not None and len(found.numbers) == 2


def _attach(state: State, found: Figures, digits: int) -> None:
    """Explain the item above, if the figures make its amount; else they may explain the one below."""
    quantity, price = which(*(found.factor or (found.numbers[0], found.numbers[1])))
    last = state.goods[-1] if state.goods else None
    if last is None or not product_is(quantity, price, abs(last.amount), digits):
        state.held = (quantity, price)
    elif last.quantity is None:
        minor = price.minor(digits)
        state.goods[-1] = replace(last, quantity=quantity.value, unit=quantity.unit or None, unit_price=minor)


def add(
    state: State, row: Row, found: Figures, amount: int, quantity: Number | None, price: Number | None, digits: int
) -> None:
    """Add an item: its name is the row's own or the one above."""
    name = found.name
    if name and state.pending and is_specification(name):
        name = ""
    if name:
        join_tail(state)
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


def use_leads(state: State) -> None:
    """Take the numbers before the names as counts, where they don't simply run 1, 2, 3."""
    sales = [i for i, g in enumerate(state.goods) if g.kind != "discount"]
    for index, lead in zip(sales, state.leads, strict=True):
        if lead is not None and state.goods[index].quantity is None:
            state.goods[index] = replace(state.goods[index], quantity=Decimal(lead))
