"""What the figures of several slips prove of themselves: where the goods are, and what each labelled amount is.

One reading must hold on every slip: goods + adjustments = payable, and tenders - change = payable. Sums alone admit
more than one (a discount is a tender by another name), so what no word tells, the order does: goods, adjustments,
payable, tenders, change. Of several readings the one that has a use for most figures is taken.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import product

from edge_agent.receipts.teach.roles import ADDED, roles_of
from edge_agent.receipts.teach.slip import Opened, common
from edge_agent.receipts.words import Lexicon, Word

_MOST_PLACES = 100  # where no label says what the goods come to: places to look for them in, those of most goods first
_FEWEST_GOODS = 2  # on one slip at least: a single amount is the sum of anything


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
        both = roles_of(place.totals, place.labels, meanings)
        if both is None:
            continue
        found, rival = both
        score = (int(found.paid), place.size, found.used, -place.rows, int(place.last))
        if best is None or score > best.score:
            best = Explanation(
                place.start,
                place.end,
                place.goods,
                place.last,
                found.payable,
                found.roles,
                found.paid,
                found.doubtful,
                open=_open(found.roles, rival.roles) if rival is not None else {},
                unused=tuple(key for key, role in found.roles.items() if role == "none" and meanings[key] is None),
                score=score,
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
    totals = any(word is not None and word.group in ("money", "tenders") and word.role not in ADDED for word in words)
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


def _open(roles: Mapping[str, str], other: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {key: (role, other[key]) for key, role in roles.items() if role == "tender" and other[key] != role}
