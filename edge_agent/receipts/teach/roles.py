"""What each labelled amount below the goods is, as the sums of all slips say and the order of printing bears out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from edge_agent.receipts.words import Word

_ADJUSTMENTS = 3  # kinds of discount, fee and tax between the goods and the total of one layout
_AS_PRINTED = 0  # what goes up on one slip and down on another, as rounding does
_ADJUSTING = 8  # labels above the total that are tried as one of these
_SETTLING = 7  # labels below the total that are tried as tender, change or neither: 3 ** 7 ways
# Minor units: notes and coins handed over come to whole tenths, where a list price less what was saved does not.
_ROUND = 10
_TOTALS = frozenset({"due", "total", "subtotal", "gross", "net", "refund"})
ADDED = {"fee": 1, "tax": 1, "tip": 1, "rounding": 1, "discount": -1, "saved": -1}

Amounts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Roles:
    """Label keys with their roles, and what is payable on each slip; the rest as in ``sums.Explanation``."""

    roles: Mapping[str, str]
    payable: tuple[int, ...]
    paid: bool
    doubtful: tuple[str, ...]

    @property
    def used(self) -> int:
        """Count the labels that a sum has a use for."""
        return sum(role != "none" for role in self.roles.values())


def roles_of(
    goods: Sequence[int], labels: Sequence[Amounts], meanings: Mapping[str, Word | None]
) -> tuple[Roles, Roles | None] | None:
    """Return the roles that explain most, and others that explain as much and say that something else is payable."""
    holding: list[Roles] = []
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
    best = max(holding, key=lambda found: (found.used, found.paid))
    rivals = [found for found in holding if found.used == best.used and found.payable != best.payable]
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
        and _may(meanings[key], frozenset(ADDED))
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
) -> Roles:
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
    return Roles(roles, tuple(amounts), bool(settled) and not doubtful, doubtful)
