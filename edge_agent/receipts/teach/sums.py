"""What the figures of several slips prove of themselves: where the goods are, and what each labelled amount is.

One reading must hold on every slip: goods + adjustments = payable, and tenders - change = payable. Sums alone admit
more than one (a discount is a tender by another name), so what no word tells, the order does: goods, adjustments,
payable, tenders, change. Of several readings the one that has a use for most figures is taken.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import combinations, product

from edge_agent.receipts.teach.slip import Opened, common
from edge_agent.receipts.words import Lexicon, Word

_ADJUSTMENTS = 3  # kinds of discount, fee and tax between the goods and the total of one layout
_AS_PRINTED = 0  # what goes up on one slip and down on another, as rounding does
_ADJUSTING = 8  # labels above the total that are tried as one of these
_MOST_PLACES = 100  # where no label says what the goods come to: places to look for them in, those of most goods first
_FEWEST_GOODS = 2  # on one slip at least: a single amount is the sum of anything
_SETTLING = 7  # labels below the total that are tried as tender, change or neither: 3 ** 7 ways
# Minor units: notes and coins handed over come to whole tenths, where a list price less what was saved does not.
_ROUND = 10
_TOTALS = frozenset({"due", "total", "subtotal", "gross", "net", "refund"})
_ADDED = {"fee": 1, "tax": 1, "tip": 1, "rounding": 1, "discount": -1, "saved": -1}

Amounts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the sums say. ``start`` and ``end``: keys of the rows around the goods (None: the slip's own edge).

    ``goods``: the amounts of the goods rows, by slip; ``last``: whether a row's amount is its last or first figure.
    ``roles``: label key → role (``due`` ``subtotal`` ``total`` ``discount`` ``fee`` … ``change`` ``tender`` ``none``).
    ``paid``: whether tenders prove what is payable; ``doubtful``: labels that repeat it and may be a tender or a total.
    ``open``: labels whose role decides what is payable, with both roles that hold: nothing can be proposed before a
    person says which. ``unused``: labels nobody knows that no sum has a use for.
    """

    start: str | None
    end: str | None
    goods: tuple[tuple[int, ...], ...]
    last: bool
    payable: tuple[int, ...]
    roles: Mapping[str, str]
    paid: bool
    doubtful: tuple[str, ...] = ()
    open: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    score: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """One way to say where the goods are, with their amounts and the labelled amounts below them, by slip."""

    start: str | None
    end: str | None
    last: bool
    rows: int
    goods: tuple[tuple[int, ...], ...]
    labels: tuple[Mapping[str, int], ...]

    @property
    def size(self) -> int:
        return sum(map(len, self.goods))

    @property
    def totals(self) -> list[int]:
        return [sum(amounts) for amounts in self.goods]

    def is_stated(self) -> bool:
        """Tell whether a label prints what the goods come to, on every slip."""
        return any(
            all(slip.get(key) == total for slip, total in zip(self.labels, self.totals, strict=True))
            for key in self.labels[0]
        )


def explain(slips: Sequence[Sequence[Opened]], lexicon: Lexicon) -> Explanation | None:
    """Return the explanation that holds on every slip and explains most, or None."""
    meanings = {found.key: lexicon.meaning(found.label) for slip in slips for row in slip for found in row.labelled}
    places = sorted(_places(slips, meanings), key=lambda place: -place.size)
    stated = [place for place in places if place.is_stated()]
    best: Explanation | None = None
    for place in stated or places[:_MOST_PLACES]:
        found = _roles(place.totals, place.labels, meanings)
        if found is None:
            continue
        (roles, payable, paid, doubtful, used), rival = found
        score = (int(paid), place.size, used, -place.rows, int(place.last))
        if best is None or score > best.score:
            unsure = _open(roles, rival[0]) if rival is not None else {}
            unused = tuple(key for key, role in roles.items() if role == "none" and meanings[key] is None)
            best = Explanation(
                place.start, place.end, place.goods, place.last, payable, roles, paid, doubtful, unsure, unused, score
            )
    return best


def _amounts(region: Sequence[Opened], place: int) -> Iterator[int]:
    """Yield the amounts of goods rows; not the price of a row that only says how the one above or below came about."""
    priced = [row for row in region if row.amounts]
    for index, row in enumerate(priced):
        amount = row.amounts[place]
        beside = [
            other.amounts[place] for other in (*priced[max(index - 1, 0) : index], *priced[index + 1 : index + 2])
        ]
        if not any(made != amount and made in beside for made in row.products):
            yield amount


def _places(slips: Sequence[Sequence[Opened]], meanings: Mapping[str, Word | None]) -> Iterator[_Place]:
    shared = common(slips)
    order = list(dict.fromkeys(row.key for row in slips[0] if row.key in shared))
    starts = [key for key in order if not key.startswith("label ")]
    for start, end in product((None, *starts), (*order, None)):
        regions = [between(slip, start, end) for slip in slips]
        if not all(regions) or not _may_be_goods([row for region in regions for row in region], shared, meanings):
            continue
        labels = tuple(_labels(slip, region) for slip, region in zip(slips, regions, strict=True))
        for last in (True, False):
            goods = tuple(tuple(_amounts(region, -1 if last else 0)) for region in regions)
            if all(goods) and max(map(len, goods)) >= _FEWEST_GOODS:
                yield _Place(start, end, last, sum(map(len, regions)), goods, labels)


def _may_be_goods(rows: Sequence[Opened], shared: AbstractSet[str], meanings: Mapping[str, Word | None]) -> bool:
    """Tell whether rows may be goods: not the labels of a subtotal, a tax and a tip, which every slip has alike."""
    words = [meanings[found.key] for row in rows for found in row.labelled[:1]]
    totals = any(word is not None and word.group in ("money", "tenders") and word.role not in _ADDED for word in words)
    return not totals and any(row.key not in shared for row in rows)


def between(slip: Sequence[Opened], start: str | None, end: str | None) -> list[Opened]:
    """Return the rows between the first ``start`` and the next ``end`` after it."""
    begin = 0 if start is None else next(i for i, row in enumerate(slip) if row.key == start) + 1
    stop = next((i for i in range(begin, len(slip)) if slip[i].key == end), None if end is not None else len(slip))
    return [row for row in slip[begin:stop] if not row.row.rule] if stop is not None else []


def _labels(slip: Sequence[Opened], region: Sequence[Opened]) -> dict[str, int]:
    """Return the labelled amounts below the goods of a slip; of a label that comes again, the first."""
    below: dict[str, int] = {}
    for opened in slip:
        if opened.row.index > region[-1].row.index:
            for labelled in opened.labelled:
                below.setdefault(labelled.key, labelled.amount)
    return below


Found = tuple[dict[str, str], tuple[int, ...], bool, tuple[str, ...], int]


def _open(roles: Mapping[str, str], other: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {key: (role, other[key]) for key, role in roles.items() if role == "tender" and other[key] != role}


def _roles(
    goods: Sequence[int], labels: Sequence[Amounts], meanings: Mapping[str, Word | None]
) -> tuple[Found, Found | None] | None:
    """Return the roles that explain most, and others that explain as much and say that something else is payable."""
    holding: list[Found] = []
    order = _order(labels)
    for keys in _payables(order, labels, meanings):
        amounts = [next(slip[key] for key in reversed(keys) if key in slip) for slip in labels]
        if not any(amounts):
            continue
        added = _added(keys, order, goods, amounts, labels, meanings)
        if added is None:
            continue
        above = order[: order.index(keys[-1]) + 1]
        below = [key for key in order if key not in (*added, *keys) and (key not in above or meanings[key] is not None)]
        settled = _settled(below, amounts, labels, meanings)
        holding.append(_found(keys, amounts, goods, added, settled, labels, meanings))
    if not holding:
        return None
    best = max(holding, key=lambda found: (found[4], found[2]))
    rivals = [found for found in holding if found[4] == best[4] and found[1] != best[1]]
    return best, rivals[0] if rivals else None


def _payables(
    order: Sequence[str], labels: Sequence[Amounts], meanings: Mapping[str, Word | None]
) -> Iterator[tuple[str, ...]]:
    """Yield the labels that may say what is payable.

    One that every slip has, or that one and, below it, another that is printed only where something was taken off.
    """
    usable = [key for key in order if _may(meanings[key], _TOTALS)]
    everywhere = [key for key in usable if all(key in slip for slip in labels)]
    yield from ((key,) for key in everywhere)
    for total, payable in product(everywhere, usable):
        if payable not in everywhere and order.index(total) < order.index(payable):
            yield total, payable


def _may(word: Word | None, roles: frozenset[str]) -> bool:
    return word is None or (word.group == "money" and word.role in roles)


def _order(labels: Sequence[Amounts]) -> list[str]:
    """Return the labels of all slips in the order they are printed."""
    found: list[str] = []
    for slip in labels:
        at = 0
        for key in slip:
            if key in found:
                at = found.index(key) + 1
            else:
                found.insert(at, key)
                at += 1
    return found


def _added(
    payable: Sequence[str],
    order: Sequence[str],
    goods: Sequence[int],
    amounts: Sequence[int],
    labels: Sequence[Amounts],
    meanings: Mapping[str, Word | None],
) -> dict[str, str] | None:
    """Return the labels that lead from the goods to the payable amount, with their roles; None: nothing does."""
    rest = [amount - base for amount, base in zip(amounts, goods, strict=True)]
    above = order[: order.index(payable[-1])]
    usable = [
        key
        for key in order
        if key not in payable
        and _may(meanings[key], frozenset(_ADDED))
        and any(slip.get(key) for slip in labels)
        and all(abs(slip.get(key, 0)) < abs(base) for slip, base in zip(labels, goods, strict=True))
        and (key in above or meanings[key] is not None)
    ]
    nearest = usable[-_ADJUSTING:]
    for count in range(_ADJUSTMENTS + 1):
        for keys in combinations(nearest, count):
            for signs in product((-1, 1, _AS_PRINTED), repeat=count):
                ways = list(zip(keys, signs, strict=True))
                if all(
                    sum(_counted(slip.get(key, 0), sign) for key, sign in ways) == missing
                    for slip, missing in zip(labels, rest, strict=True)
                ):
                    return {key: _named(meanings[key], sign) for key, sign in ways}
    return None


def _counted(amount: int, sign: int) -> int:
    return amount if sign == _AS_PRINTED else sign * abs(amount)


def _named(word: Word | None, sign: int) -> str:
    return word.role if word is not None else {-1: "discount", 1: "fee", _AS_PRINTED: "rounding"}[sign]


def _settled(
    below: Sequence[str],
    amounts: Sequence[int],
    labels: Sequence[Amounts],
    meanings: Mapping[str, Word | None],
) -> dict[str, str]:
    """Return which labels are tenders and which is the change; empty: the slips do not say how they were paid."""
    free = [key for key in below if any(slip.get(key) for slip in labels)][:_SETTLING]
    best: dict[str, str] = {}
    for roles in product(*(_choices(meanings[key]) for key in free)):
        chosen = {key: role for key, role in zip(free, roles, strict=True) if role != "none"}
        named = list(chosen.values())
        guessed = [role for key, role in chosen.items() if meanings[key] is None]
        in_order = "change" not in guessed or named[-1:] == ["change"] != named
        if in_order and len(chosen) > len(best) and _settles(chosen, amounts, labels, meanings):
            best = chosen
    return best


def _choices(word: Word | None) -> tuple[str, ...]:
    if word is None:
        return ("none", "tender", "change")
    if word.group == "tenders":
        return ("tender", "none")
    if word.group == "money" and word.role in ("net", "received"):
        return ("none", "tender")
    return ("change",) if word.group == "money" and word.role == "change" else ("none",)


def _settles(
    chosen: Mapping[str, str], amounts: Sequence[int], labels: Sequence[Amounts], meanings: Mapping[str, Word | None]
) -> bool:
    tenders = [key for key, role in chosen.items() if role == "tender"]
    change = next((key for key, role in chosen.items() if role == "change"), "")
    guessed = change and None in (meanings[change], *(meanings[key] for key in tenders))
    for slip, amount in zip(labels, amounts, strict=True):
        handed = sum(abs(slip.get(key, 0)) for key in tenders)
        back = abs(slip.get(change, 0))
        if handed - back != abs(amount) or not any(slip.get(key) for key in tenders):
            return False
        if guessed and back and handed % _ROUND:
            return False
    return True


def _found(
    payable: Sequence[str],
    amounts: Sequence[int],
    goods: Sequence[int],
    added: Mapping[str, str],
    settled: Mapping[str, str],
    labels: Sequence[Amounts],
    meanings: Mapping[str, Word | None],
) -> Found:
    tenders = [key for key, role in settled.items() if role == "tender"]
    # One unknown label that repeats the payable amount on every slip may be how it was paid, or just another total.
    plain = len(settled) == 1 and all(
        slip.get(tenders[0]) == amount for slip, amount in zip(labels, amounts, strict=True)
    )
    doubtful = tuple(tenders) if plain and meanings[tenders[0]] is None else ()
    roles = {**dict.fromkeys(payable, "total"), payable[-1]: "due", **added}
    roles |= dict.fromkeys(doubtful, "total") if doubtful else dict(settled)
    for key in _order(labels):
        if key in roles:
            continue
        same = [slip[key] == total for slip, total in zip(labels, goods, strict=True) if key in slip]
        equal = [slip[key] == amount for slip, amount in zip(labels, amounts, strict=True) if key in slip]
        roles[key] = "total" if all(equal) else "subtotal" if all(same) else "none"
    return (
        roles,
        tuple(amounts),
        bool(settled) and not doubtful,
        doubtful,
        sum(role != "none" for role in roles.values()),
    )
