"""Amount, quantity and price of one among the figures of a goods row."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from edge_agent.receipts.amounts import Number
from edge_agent.receipts.figures import Figures


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to read goods rows. ``whole``: figures without decimals may be money; ``product``: amount = a × b."""

    whole: bool = False
    product: bool = False


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
    last = numbers[-1].minor(digits) if len(numbers) > 2 and _is_money(numbers[-1], mode, digits) else None
    if found.factor is not None and last is not None and product_is(*found.factor, abs(last), digits):
        return last, *which(*found.factor)  # 原价2.00 会员价1.80 x2   3.60
    proved = _by_product(numbers, mode, digits)
    if proved is not None:
        return proved
    if found.factor is not None and len(numbers) == 2:
        if found.name and mode == Mode() and not _is_money(numbers[-1], mode, digits):
            return None, None, None
        return _product(*found.factor, digits), *which(*found.factor)
    if mode.product and len(numbers) >= 2:
        return _product(numbers[-2], numbers[-1], digits), *which(numbers[-2], numbers[-1])
    candidates = [n for n in numbers if _is_money(n, mode, digits)]
    if not candidates:
        return None, None, None
    quantity = next((n for n in numbers if n is not candidates[-1] and not n.per and (n.unit or n.places != 2)), None)
    return candidates[-1].minor(digits), quantity, None


def _by_product(
    numbers: Sequence[Number], mode: Mode, digits: int
) -> tuple[int | None, Number | None, Number | None] | None:
    """Find the amount that two numbers before it make; not if more money stands behind it, such as a reduced price."""
    for last in range(len(numbers) - 1, 1, -1):
        amount = numbers[last].minor(digits)
        if amount is None or not _is_money(numbers[last], mode, digits):
            continue
        for a, b in combinations(numbers[:last], 2):
            if product_is(a, b, abs(amount), digits):
                return amount, *which(a, b)
        return None
    return None


def _by_columns(
    numbers: Sequence[Number], columns: Sequence[str], digits: int
) -> tuple[int | None, Number | None, Number | None] | None:
    """Read figures by the heading's columns, if there are as many."""
    roles = [c for c in columns if c not in ("name", "code", "unit")]
    if len(roles) == len(numbers) + 1 and "discount" in roles:
        roles.remove("discount")  # a rate, as 85%, is no figure of the row's
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
    if number.unit or number.rate or number.per:
        return False
    if number.money or digits == 0:
        return True
    return number.places == digits or (number.places in (0, 1) and mode.whole)


def _product(a: Number, b: Number, digits: int) -> int:
    return int((a.value * b.value).scaleb(digits).quantize(Decimal(1), "ROUND_HALF_UP"))


def product_is(a: Number, b: Number, amount: int, digits: int) -> bool:
    """Tell whether a × b is the amount: tills round, cut or raise the last digit, so less than one unit may differ."""
    return abs(abs((a.value * b.value).scaleb(digits)) - amount) < 1


def which(a: Number, b: Number) -> tuple[Number, Number]:
    """Return quantity and price: the quantity has a unit, or no cents, or three decimals."""
    if a.per != b.per:
        return (b, a) if a.per else (a, b)
    if not (a.places or b.places or a.unit or b.unit or a.money or b.money):
        return (a, b) if abs(a.value) <= abs(b.value) else (b, a)
    if b.unit or (b.places in (0, 3) and a.places == 2 and not a.unit) or (a.money and not b.money):
        return b, a
    return a, b
