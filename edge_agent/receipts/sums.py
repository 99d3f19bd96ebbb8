"""The arithmetic of a receipt: which printed figure is payable, proved by the goods and by the money handed over.

Words say what a figure may be; the sums say what it is. Two equations decide, those of the contract:
lines + rounding + tax_added + tip = payable, and tenders - change = payable.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from edge_agent.receipts.goods import Goods
from edge_agent.receipts.paid import Figure, Method, Paid, change_of, signed, ways_paid


@dataclass(frozen=True, slots=True)
class Built:
    """How the goods make the total: goods lines, further lines (order discounts, fees) and the contract's totals."""

    goods: tuple[Goods, ...]
    extra: tuple[Figure, ...]
    rounding: int = 0
    tax_added: int = 0
    tip: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Solution:
    """The payable amount with what speaks for it; ``built`` or ``paid`` None: that equation does not hold.

    ``goods``: the goods as read, also where they do not add up. ``contradicted``: another printed total says otherwise.
    ``unused``: a discount is printed below the amount, which nothing else proves.
    """

    payable: int
    built: Built | None
    paid: Paid | None
    score: float
    goods: tuple[Goods, ...] = ()
    contradicted: bool = False
    unused: bool = False


# How much a word alone says: 应收 and AMOUNT DUE are what they say, 合计 may be before a discount, 小计 mostly is.
_PRIOR = {
    "due": 3.0,
    "refund": 3.0,
    "top_up": 2.6,
    "total": 2.5,
    "net": 1.5,
    "voided": 1.2,
    "subtotal": 1.0,
    "gross": 0.8,
}
_DERIVED = 0.4  # what was handed over less the change
_UNNAMED = 0.3  # the same of tenders, where no word names a total
_PROOF = 4.0  # one equation outweighs any word
_LEFT_OUT = 0.35  # for each printed discount, fee or tax that a reading has no use for (weighed 1 or 2)
_COMBINED = 6  # up to half as many discount rows are tried in every combination, up to twice as many one by one
_SUMS = 4  # kinds of goods that a bill sums up apart
_CANDIDATES = 12  # different totals on one slip; a receipt has two or three


def solve(figures: Sequence[Figure], methods: Sequence[Method], readings: Sequence[Sequence[Goods]]) -> Solution | None:
    """Return the best-proved payable amount; None if no figure could be it.

    ``readings``: the goods as each mode reads them, the likeliest first.
    """
    best: Solution | None = None
    for payable, prior in [*_candidates(figures), *_handed_over(figures)]:
        paid_ways: list[Paid | None] = list(ways_paid(payable, figures, methods)) or [None]
        for paid in paid_ways:
            built = _build(payable, figures, readings, paid)
            if built is None and prior == _UNNAMED:
                continue
            score = prior + _agreement(payable, figures)
            proved = paid is not None and paid.proved
            if built is not None:
                weak = not proved and _superseded(payable, figures)
                score += (1.0 if weak else _PROOF) - _LEFT_OUT * built.left_out
            if paid is not None:
                score += _PROOF if paid.proved else 0.5
            if best is None or score > best.score:
                best = Solution(payable, built, paid, score)
    return best if best is None else _completed(best, figures, readings)


def _completed(solution: Solution, figures: Sequence[Figure], readings: Sequence[Sequence[Goods]]) -> Solution:
    """Add what does not fit: the goods that don't add up, the tenders that don't, the totals that say otherwise."""
    totals = {f.amount for f in figures if f.role in ("due", "total", "refund")}
    goods = tuple(_like_total(readings[0], solution.payable)) if readings else ()
    paid = solution.paid
    if paid is None:
        tenders = tuple(
            signed(f, -1 if solution.payable < 0 else 1) for f in figures if f.role == "tender" and f.amount
        )
        change = change_of(figures, solution.payable)
        if tenders:
            paid = Paid(tenders, change, abs(sum(t.amount for t in tenders)), proved=False)
    built = solution.built or _discounted(solution, figures, goods)
    unused = _has_unused(solution, figures)
    return replace(solution, paid=paid, built=built, goods=goods, contradicted=len(totals) > 1, unused=unused)


def _has_unused(solution: Solution, figures: Sequence[Figure]) -> bool:
    """Tell whether what the goods come to is taken for payable only because the total below a discount is not read."""
    if solution.built is None or (solution.paid is not None and solution.paid.proved):
        return False
    own = [f.row for f in figures if f.amount == solution.payable and f.role in _PRIOR]
    used = {f.row for f in solution.built.extra} | {g.row for g in solution.built.goods}
    less = [f for f in figures if f.role in ("discount", "rounding") and 0 < abs(f.amount) < abs(solution.payable)]
    left = [f for f in less if f.row not in used and not (f.role == "rounding" and solution.built.rounding)]
    return bool(own) and any(f.row > max(own) for f in left)


def _discounted(solution: Solution, figures: Sequence[Figure], goods: tuple[Goods, ...]) -> Built | None:
    """Read ``合计 62.50 折后金额 60.00``: both totals are printed and proved, the discount between them is not."""
    total = sum(g.amount for g in goods)
    if solution.paid is None or not solution.paid.proved or not 0 < solution.payable < total:
        return None
    after = next((f for f in figures if f.role in ("due", "net") and f.amount == solution.payable), None)
    before = any(f.role in ("total", "gross", "subtotal") and f.amount == total for f in figures)
    if after is None or not before or any(f.role in ("discount", "rounding", "fee") and f.amount for f in figures):
        return None  # what is printed between them says itself what it is
    return Built(goods, (Figure(after.row, "discount", after.label, solution.payable - total),))


def _candidates(figures: Sequence[Figure]) -> list[tuple[int, float]]:
    """Return each amount that may be payable with the best prior of its words."""
    priors: dict[int, float] = {}
    for figure in figures:
        prior = _PRIOR.get(figure.role)
        if prior is not None:
            priors[figure.amount] = max(prior, priors.get(figure.amount, 0))
    received = [f.amount for f in figures if f.role in ("net", "received")]
    change = [abs(f.amount) for f in figures if f.role == "change"]
    if received and change and received[-1] - change[-1] > 0:
        priors.setdefault(received[-1] - change[-1], _DERIVED)
    if any(f.role in ("tip", "rounding", "discount") and f.amount for f in figures):
        paid = sum(f.amount for f in figures if f.role == "tender")
        priors.setdefault(paid - (change[-1] if change else 0), _DERIVED)
        priors.pop(0, None)
    return sorted(priors.items(), key=lambda item: -item[1])[:_CANDIDATES]


def _handed_over(figures: Sequence[Figure]) -> list[tuple[int, float]]:
    """Return the amount that was paid, where no word names a total: the goods must prove it."""
    if any(f.role in _PRIOR for f in figures):
        return []
    paid = sum(f.amount for f in figures if f.role == "tender")
    change = next((abs(f.amount) for f in reversed(figures) if f.role == "change"), 0)
    return [(paid - change, _UNNAMED)] if paid > change else []


def _superseded(payable: int, figures: Sequence[Figure]) -> bool:
    """Tell whether a later, stronger total says otherwise: that goods make up a subtotal proves the subtotal alone."""
    own = [f for f in figures if f.amount == payable and f.role in _PRIOR]
    strength = max((_PRIOR[f.role] for f in own), default=0)
    last = max((f.row for f in own), default=-1)
    return any(f.role in ("due", "total") and f.row > last and _PRIOR[f.role] > strength for f in figures)


def _agreement(payable: int, figures: Sequence[Figure]) -> float:
    """Weigh the other total words: those that say the same for it, a 应收 that says something else against it."""
    same = sum(0.3 for f in figures if f.role in ("due", "total", "net") and f.amount == payable)
    other = sum(0.6 for f in figures if f.role == "due" and f.amount != payable)
    return min(same, 0.9) - min(other, 0.6)


# --- goods and totals -------------------------------------------------------------------------------------------------


def _build(
    payable: int, figures: Sequence[Figure], readings: Sequence[Sequence[Goods]], paid: Paid | None
) -> Built | None:
    """Return the simplest way in which one reading of the goods makes the amount, or None."""
    best: Built | None = None
    for read in readings:
        goods = _like_total(read, payable)
        if not any(g.kind == "sale" for g in goods):
            continue
        for built in _ways_built(payable, goods, figures, paid.discounts if paid is not None else ()):
            if best is None or built.left_out < best.left_out:
                best = built
        if best is not None:
            return best
    return best


def _like_total(goods: Sequence[Goods], payable: int) -> Sequence[Goods]:
    """Give the goods the sign of the total: on a return some tills print only the one or only the other negative."""
    if sum(g.amount for g in goods if g.kind == "sale") * payable >= 0:
        return goods
    return [replace(g, amount=-g.amount) for g in goods]


def _ways_built(
    payable: int, goods: Sequence[Goods], figures: Sequence[Figure], coupons: Sequence[Figure]
) -> Iterator[Built]:
    sign = -1 if payable < 0 else 1
    discounts = _subsets([_less(f, sign) for f in figures if f.role == "discount" and f.amount])
    fees = _subsets([f for f in figures if f.role == "fee" and f.amount])
    others = [(chosen, 0) for chosen, _ in _subsets([f for f in figures if f.role == "unknown"][: _COMBINED // 2])]
    roundings = _roundings([f.amount for f in figures if f.role == "rounding" and f.amount])
    taxes = _sums([f.amount for f in figures if f.role == "tax" and f.amount])
    tips = _sums([f.amount for f in figures if f.role == "tip" and f.amount])
    fixed = [_less(f, sign) for f in coupons]
    for lines in _line_choices(goods):
        base = sum(g.amount for g in lines) + sum(f.amount for f in fixed)
        for (less, less_out), (more, more_out), (other, _) in product(discounts, fees, others):
            rest = payable - base - sum(f.amount for f in (*less, *more, *other))
            for (rounding, r_out), (tax, t_out), (tip, tip_out) in product(roundings, taxes, tips):
                if rounding + tax + tip == rest:
                    out = 2 * less_out + 2 * more_out + 2 * r_out + t_out + 2 * tip_out + (len(goods) - len(lines))
                    yield Built(tuple(lines), (*fixed, *less, *more, *other), rounding, tax, tip, out)


def _less(figure: Figure, sign: int) -> Figure:
    return Figure(figure.row, figure.role, figure.label, -sign * abs(figure.amount), figure.type)


def _line_choices(goods: Sequence[Goods]) -> list[list[Goods]]:
    """Return the goods with every discount among them, without those that may be mere remarks, and with those sold.

    MEAL DEAL SANDWICH sounds like a discount and is none.
    """
    every = list(goods)
    certain = [g for g in goods if g.certain]
    bare = [g for g in goods if g.kind != "discount"]
    taken_back = [g if g.kind != "discount" or g.certain else replace(g, kind="sale", amount=-g.amount) for g in goods]
    choices = [every]
    for choice in (certain, bare, taken_back, *_without_sums(every), _without_sections(every)):
        if choice not in choices:
            choices.append(choice)
    return choices


def _without_sums(goods: list[Goods]) -> Iterator[list[Goods]]:
    """Yield the goods without the last rows if those only say them again by kind: ``Food 49.00  Beverage 19.00``."""
    end = next((i for i in range(len(goods), 0, -1) if goods[i - 1].kind == "sale"), 0)
    sold, added = goods[:end], goods[end:]  # a service charge is added to them below
    for count in range(1, min(_SUMS, len(sold) - 1) + 1):
        if sum(g.amount for g in sold[-count:]) == sum(g.amount for g in sold[:-count]):
            yield [*sold[:-count], *added]


def _without_sections(goods: list[Goods]) -> list[Goods]:
    """Return the goods without the rows that each only sum up what stands above, as a bill by courses does."""
    kept: list[Goods] = []
    total = count = 0
    for good in goods:
        if count > 1 and good.amount == total and good.quantity is None and good.unit_price is None:
            total = count = 0
            continue
        kept.append(good)
        if good.kind == "sale":
            total, count = total + good.amount, count + 1
    return goods if count else kept  # each is summed up, or none is: a SUBTOTAL with its tax is no kind of goods


def _subsets(figures: Sequence[Figure]) -> list[tuple[tuple[Figure, ...], int]]:
    """Return the choices of figures to count, each with how many are left out."""
    count = len(figures)
    if count <= _COMBINED // 2:
        chosen = [tuple(f for i, f in enumerate(figures) if mask >> i & 1) for mask in range(1 << count)]
    else:
        chosen = [tuple(figures), ()]
        if count <= 2 * _COMBINED:
            chosen += [(f,) for f in figures]
            chosen += [tuple(f for j, f in enumerate(figures) if j != i) for i in range(count)]
    return sorted(((choice, count - len(choice)) for choice in chosen), key=lambda found: found[1])


def _roundings(amounts: Sequence[int]) -> list[tuple[int, int]]:
    """Return 抹零 as printed and with the other sign (most tills print what was cut off without a minus)."""
    if not amounts:
        return [(0, 0)]
    return [(-abs(amounts[0]), 0), (abs(amounts[0]), 0), (0, 1)]


def _sums(amounts: Sequence[int]) -> list[tuple[int, int]]:
    """Return none, all, and each single amount: taxes are printed by rate, with or without their sum."""
    found = {0: 1 if amounts else 0}
    for amount in amounts[:_COMBINED]:
        found.setdefault(amount, 0)
    found.setdefault(sum(amounts), 0)
    return list(found.items())
