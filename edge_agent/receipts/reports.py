"""A register's own report at the end of a shift or day: what it took, proved by its means of payment.

Words say what a figure may be; the sums say what it is. A total that nothing proves and that returns may or may not
be part of is none: head office compares orders with it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations, product

import re2

from edge_agent.receipts import grid
from edge_agent.receipts.compiled import Template
from edge_agent.receipts.grid import Pair, Row
from edge_agent.receipts.labelled import amount_of
from edge_agent.receipts.reading import Report
from edge_agent.receipts.words import REPORT_GROUPS, SECTION_GROUPS, quiet

# 128笔 and 45件 are counts; without the unit they are numbers of the row like any other.
_COUNTED = re.compile(r"(?<=\d)\s?(?:笔|笔数|单|张|次|回|件|건|枚|筆|張|單|組)(?=[\s)）:：,，/]|$)")
_RANGE = re.compile(
    r"#?([A-Z]{0,4}-?\d[\w-]*?)\s*(?:-|~|～|–|—|至|到|\bto\b|から)\s*#?([A-Z]{0,4}-?\d[\w-]*)", re.IGNORECASE
)
_NUMBER = re.compile(r"#?\s*([A-Za-z]{0,4}-?\d[\w/-]*)")
# What only the report of a till speaks of; three of them make a report also where no title says so.
_HINTS = (
    "备用金|備用金|(?i:opening float|starting (?:cash|float))|釣銭準備金|준비금",
    "长短款|長短款|长款|短款|(?i:over/?short|cash (?:over|short))|過不足|과부족",
    "应有现金|應有現金|实点|實點|(?i:expected (?:cash|in drawer)|counted|cash in drawer)|在高|시재",
    "净销售|淨銷售|营业额|營業額|(?i:net sales|gross sales)|純売上|総売上|순매출|총매출",
    (
        "(?:销售|交易|退货|有效|账单|订单|小票|总|客|合计)总?[笔单桌张]?数量?[::\\s]|[账订客]单数|件数|客数|건수|"
        "(?i:(?:orders|transactions|covers|guests)[:\\s]|(?:no|number) of (?:sales|transactions))"
    ),
    "退货(?:合计|金额|总额)|作废(?:合计|金额)|(?i:total (?:refunds|returns|voids))|返品(?:金額|合計)",
)
_ENOUGH = 3
_DOZEN = 12  # sections and figures of one kind that are weighed against each other
_MOST_LESS = 5  # returns, voids, discounts, rounding, tax: what may lie between gross and net


@dataclass(slots=True)
class _Group:
    """The tenders of one section: ``role`` ``payments`` ``refunds`` ``drawer`` ``top_up`` ``goods`` ``other``."""

    role: str
    titled: bool = False
    tenders: Counter[str] = field(default_factory=Counter)
    unknown: int = 0


@dataclass(slots=True)
class _Said:
    """What the report's rows say: the amounts of each role, counts, numbers, and the sections' tenders."""

    amounts: dict[str, list[int]] = field(default_factory=dict)
    counts: dict[str, list[int]] = field(default_factory=dict)
    groups: list[_Group] = field(default_factory=lambda: [_Group("payments")])
    first: str | None = None
    last: str | None = None

    def distinct(self, *roles: str) -> list[int]:
        """Return the different amounts of some roles, in the order printed; no report has more than a dozen."""
        return list(dict.fromkeys(a for role in roles for a in self.amounts.get(role, ())))[:_DOZEN]


def sounds_like_one(lines: Sequence[str], *, goods: bool = True) -> bool:
    """Tell whether a slip without a title speaks of what only a till's report speaks of; less will do without goods."""
    return len(_hints().Match("\n".join(lines)) or ()) >= (_ENOUGH if goods else _ENOUGH - 1)


@cache
def _hints() -> re2.Set:
    """Return the hints as one automaton: every slip is asked for them."""
    found = re2.Set.SearchSet(quiet())
    for hint in _HINTS:
        found.Add(hint)
    found.Compile()
    return found


def read(lines: Sequence[str], template: Template, digits: int) -> Report | None:
    """Return what a report says; None: no figure of it is known by its words."""
    lexicon = template.lexicon_of(REPORT_GROUPS)
    rows = grid.rows([_COUNTED.sub(" ", line) for line in lines], lexicon)
    said = _Said()
    for row in rows:
        _take(row, said, template, digits)
    total, tenders = _total(said)
    orders = _one(said.counts.get("orders", [])) if "orders" in said.counts else _counted(said)
    if total is None and orders is None and not tenders:
        return None
    return Report(total, orders, tenders, said.first, said.last)


def _counted(said: _Said) -> int | None:
    """Return the transactions, where returns are none of them or there were none; else the count beside the sales."""
    if "transactions" in said.counts and not any((*said.counts.get("return_orders", ()), *said.distinct("returns"))):
        return _one(said.counts["transactions"])
    return _one(said.counts.get("sales", [])) if "transactions" not in said.counts else None


def _one(found: Sequence[int]) -> int | None:
    return found[0] if len(set(found)) == 1 else None


# --- rows -------------------------------------------------------------------------------------------------------------

_SECTIONS = {"returns": "refunds", "voids": "other", "discount": "other", "top_up": "top_up", "drawer": "drawer"}
_SALES = frozenset({"total", "net", "gross"})


def _take(row: Row, said: _Said, template: Template, digits: int) -> None:
    if row.rule:
        return
    if not any(t.number is not None for t in row.tokens):
        _section(row, said, template)
        return
    group = said.groups[-1]
    for pair in row.pairs:
        if pair.word.group == "tenders":
            if (amount := _amount(pair, digits)) is not None:
                group.tenders[pair.word.role] += amount
        elif pair.word.group == "report":
            _figure(pair, said, group, digits)
    if not row.pairs and group.titled and len(row.tokens) > 1 and row.tokens[0].number is None:
        group.unknown += amount_of(row.numbers, digits) or 0


def _section(row: Row, said: _Said, template: Template) -> None:
    """Begin the section that a row without a figure names; an unknown one is of payments, as the first one is."""
    sections, words = template.lexicon_of(SECTION_GROUPS), template.lexicon_of(REPORT_GROUPS)
    texts = (row.text, row.tokens[0].text)
    named = next((role for text in texts if (role := sections.role(text, "sections")) is not None), None)
    role = named or _SECTIONS.get(words.role(row.text, "report") or "")
    if role is None and any(p.word.group == "fields" for p in row.pairs):
        return
    if named is None and "shift_report" in template.lexicon.kinds(row.text):
        return  # 缴款单 is the title of it all
    said.groups.append(_Group(role or "payments", titled=named == "payments"))


def _figure(pair: Pair, said: _Said, group: _Group, digits: int) -> None:
    role = pair.word.role
    if role in ("first_number", "last_number", "number_range"):
        _numbers(pair, role, said)
    elif role in ("orders", "return_orders"):
        _count(pair, role, said, group)
    elif group.role not in ("drawer", "other") and role not in ("drawer", "other"):
        in_section = {"refunds": "returns", "top_up": "top_up"}.get(group.role)
        role = in_section if in_section is not None and role in _SALES else role
        amount = _amount(pair, digits)
        if amount is None:
            return
        said.amounts.setdefault(role, []).append(amount if role in _SALES else abs(amount))
        whole = [n for n in pair.numbers[:-1] if not n.places and not n.money and n.value > 0]
        if role in _SALES and len(pair.numbers) == 2 and whole:
            said.counts.setdefault("sales", []).append(int(whole[0].value))


def _count(pair: Pair, role: str, said: _Said, group: _Group) -> None:
    whole = [n for n in pair.numbers if not n.places and not n.money]
    match = _RANGE.search(pair.value)
    if match is not None:
        said.first, said.last = said.first or match[1], said.last or match[2]
    elif whole and group.role in ("payments", "refunds"):
        name = (
            "return_orders"
            if group.role == "refunds"
            else "transactions"
            if pair.word.rank and role == "orders"
            else role
        )
        said.counts.setdefault(name, []).append(int(whole[0].value))


def _numbers(pair: Pair, role: str, said: _Said) -> None:
    match = _RANGE.search(pair.value)
    if role == "number_range":
        if match is not None:
            said.first, said.last = match[1], match[2]
        return
    single = _NUMBER.match(pair.value)
    if single is not None and role == "first_number":
        said.first = single[1]
    elif single is not None:
        said.last = single[1]


def _amount(pair: Pair, digits: int) -> int | None:
    """Return a figure's amount; of several whole numbers the last, where amounts have no decimals anyway."""
    return amount_of(pair.numbers, digits)


# --- the total --------------------------------------------------------------------------------------------------------


def _total(said: _Said) -> tuple[int | None, Mapping[str, int]]:
    """Return the total with the tenders that prove it; tenders that prove none are told all the same."""
    returns = said.distinct("returns")
    ways = list(_tender_sums(said))
    net, total, gross = (said.distinct(role) for role in ("net", "total", "gross"))
    chained = [n for n in (*net, *total) if _follows(n, (*gross, *total, *net), said)]
    printed = dict.fromkeys((*net, *total, *gross))
    gave_back = any(returns)
    for sum_, tenders in ways:
        reached = sum_ in net or any(sum_ - more in chained for more in _added(said))
        if sum_ in printed and (reached or not (gave_back or chained)):
            lower = [n for n in chained if n < sum_ and sum_ - n in returns]
            return (lower[0] if lower else sum_), tenders
    told = ways[0][1] if ways else {}
    for sum_, tenders in ways:
        if gave_back and any(sum_ == bigger - sum(returns) for bigger in (*gross, *total)):
            return sum_, tenders
    if len(chained) == 1 and gave_back:
        return chained[0], told
    return (None if ways else _unpaid(net, total, gross, said, gave_back=gave_back)), told


def _added(said: _Said) -> list[int]:
    """Return what may be taken on top of net sales: nothing, tax, tips, charges, and all of them."""
    more = said.distinct("tax", "tip", "fee")[:_MOST_LESS]
    return [sum(chosen) for count in range(len(more) + 1) for chosen in combinations(more, count)]


def _unpaid(net: list[int], total: list[int], gross: list[int], said: _Said, *, gave_back: bool) -> int | None:
    """Return the total of a report that names no tenders: the one net figure, unless the gross one contradicts it."""
    taxed = any(said.distinct("tax"))
    if len(net) == 1 and not taxed:
        return net[0] if not gross or _follows(net[0], gross, said) or net == gross else None
    if not net and len(total) == 1 and not gave_back and not any(said.distinct("top_up")):
        return total[0] if not gross or _follows(total[0], gross, said) or total == gross else None
    if len(net) == 1 and len(total) == 1 and taxed and total[0] - net[0] in said.distinct("tax"):
        return total[0]
    return None


def _follows(net: int, larger: Sequence[int], said: _Said) -> bool:
    """Tell whether an amount is a larger one less what the report says was given back, taken off or written down."""
    less = [a for role in ("returns", "voids", "discount", "rounding", "tax") for a in said.distinct(role) if a][
        :_MOST_LESS
    ]
    return any(
        bigger - sum(chosen) == net
        for bigger in larger
        if bigger > net
        for count in range(1, len(less) + 1)
        for chosen in combinations(less, count)
    )


def _tender_sums(said: _Said) -> Iterator[tuple[int, Mapping[str, int]]]:
    """Yield the ways to add up the tenders, likeliest first: each section's alone where several say the same."""
    paid = [g for g in said.groups if g.role == "payments" and (g.tenders or (g.titled and g.unknown))]
    back: Counter[str] = Counter()
    for group in said.groups:
        if group.role == "refunds":
            back.update({role: abs(amount) for role, amount in group.tenders.items()})
    change = next(iter(said.distinct("change")), 0)
    choices = [paid, *([g] for g in paid[:_DOZEN])] if len(paid) > 1 else [paid] if paid else []
    seen = set()
    for chosen, unknown, less, coins in product(choices, (False, True), (back, Counter[str]()), (0, change)):
        signed: dict[str, int] = {}
        for group in chosen:
            for role, amount in group.tenders.items():
                signed[role] = signed.get(role, 0) + amount
            if unknown and group.unknown:
                signed["other"] = signed.get("other", 0) + group.unknown
        for role, amount in less.items():
            signed[role] = signed.get(role, 0) - amount
        if coins:
            signed["cash"] = signed.get("cash", 0) - coins
        key = tuple(sorted(signed.items()))
        if key not in seen:
            seen.add(key)
            yield sum(signed.values()), {role: amount for role, amount in signed.items() if amount}
