"""What kind of slip it is, by its titles: a sale, a return, a report, a platform's order."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from edge_agent.receipts.grid import Row
from edge_agent.receipts.words import Lexicon, fold, is_wide

_BILINGUAL = re.compile(r"([^A-Za-z]{2,20}?)[ /(]*([A-Za-z][A-Za-z -]{3,30})\)?")
_LATIN_FIRST = re.compile(r"([A-Za-z][A-Za-z -]{3,30}?)[ /(]*([^\x00-\x7f]{2,12})\)?")
_WIDE_GAP = re.compile(r"\s{2,}")
# #12 美团外卖 and 美团12号: what the platform counts from 1 every day, called out at the counter.
_DAY_NUMBER = re.compile(
    r"#\s?([0-9A-Z]{1,3}\d{0,3}|[0-9A-F]{4,6})(?![0-9A-Za-z])|(?<![0-9A-Za-z])([1-9]\d{0,3}|[A-Z]{1,2}-?\d{1,4})(?![0-9A-Za-z])"
)
_SOURCES = frozenset(
    {"来源", "渠道", "平台", "订单来源", "订单渠道", "下单渠道", "下单平台", "订单平台", "外卖平台"}
    | {"source", "channel", "platform", "via"}
)
_MEMORY = 256  # rows; those of heads and feet repeat from slip to slip
# Kinds that an offer or a notice at the foot may sound like; 作废 and 补打 are stamped there in earnest.
_ABOUT_THE_SLIP = frozenset({"shift_report", "cash_in_out", "top_up"})
_ADDITION = re.compile(
    r"(?<!\d)(?:20)?\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}:\d\d(?::\d\d)?|(?<=\s)#\s?\w{1,8}(?=\s|$)|"
    r"(?<=\s)(?:no\.?|第)\s?\d{1,6}(?:号|张|次)?(?=\s|$)|(?<=\s)\d{1,4}号?(?=\s|$)",
    re.IGNORECASE,
)
_ENDS_TITLE = re.compile(r"(?:厨房|后厨|厨打|档口|吧台|出品部|单|表|报表|报告|小票|凭证|凭条|票|日报|日结|交班)$")
_TITLE = 40  # characters; a longer row is a sentence, not a title
# What a slip is, the decisive word first: a reprinted return is a reprint, a voided top-up is a void.
_ORDER = (
    "kitchen", "merchant_copy", "shift_report", "cash_in_out", "reprint", "prebill", "void", "top_up", "return",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Titles:
    """What titles and type fields say of a slip: its kinds, the platform whose order it is, and its number there.

    ``late``: the kinds that only rows below the last figure name, where offers and notices stand.
    """

    kinds: frozenset[str]
    channel: str | None = None
    day_number: str | None = None
    late: frozenset[str] = frozenset()

    def without(self, kinds: frozenset[str]) -> "Titles":
        """Return the same without some kinds."""
        return replace(self, kinds=self.kinds - kinds, late=frozenset())


def read(rows: Sequence[Row], lexicon: Lexicon, own: Mapping[str, Sequence[Any]]) -> Titles:
    """Return the kinds that the slip's titles name; ``own``: a template's compiled patterns by kind."""
    found: dict[str, int] = {}
    channel = day_number = None
    foot = _foot(rows)
    for at, row in enumerate(rows):
        for kind, patterns in own.items():
            if any(pattern.search(row.text) for pattern in patterns):
                found.setdefault(kind, -1)
        for kind in _named_kinds(row, lexicon):
            if kind.startswith("channel:"):
                channel = channel or kind.removeprefix("channel:")
                day_number = day_number or _day_number(row, lexicon, kind)
            else:
                found.setdefault(kind, at)
    late = frozenset(kind for kind, at in found.items() if at >= foot and kind in _ABOUT_THE_SLIP)
    return Titles(frozenset(found), channel, day_number, late)


def _foot(rows: Sequence[Row]) -> int:
    """Return the position of the first row below the last labelled amount."""
    last = [
        at for at, row in enumerate(rows) if any(p.word.group in ("money", "tenders") and p.numbers for p in row.pairs)
    ]
    return last[-1] + 1 if last else len(rows)


def till_kinds(found: Titles) -> tuple[str, ...]:
    """Return the kinds a slip may be of whose head says that it is about the till and no order, the likeliest first."""
    named = found.kinds - found.late
    if named & {"kitchen", "merchant_copy"}:
        return ()
    return tuple(kind for kind in ("shift_report", "cash_in_out") if kind in named)


def _day_number(row: Row, lexicon: Lexicon, channel: str) -> str | None:
    """Return the number in the title that names the platform."""
    named = [text for text in _title_texts(row) if channel in lexicon.kinds(text)]
    numbers = (_DAY_NUMBER.search(text) for text in (*named, row.text))
    return next((number[1] or number[2] for number in numbers if number), None)


@lru_cache(maxsize=_MEMORY)
def _named_kinds(row: Row, lexicon: Lexicon) -> tuple[str, ...]:
    return tuple(kind for text in _title_texts(row) for kind in lexicon.kinds(text))


def _title_texts(row: Row) -> list[str]:
    if row.rule or not row.tokens:
        return []
    texts = [p.value for p in row.pairs if p.word.role == "type" and p.value]
    texts += [p.value for p in row.pairs if p.value and not p.numbers and fold(p.label).strip() in _SOURCES]
    for pair in row.pairs:
        if pair.word.role == "copies":
            count = [n.value for n in pair.numbers]
            texts.append("补打" if not count or count[-1] > 1 else "")
    if any(t.number is not None and (t.number.places == 2 or t.number.money) for t in row.tokens):
        return texts
    if any(p.word.group in ("tenders", "money") and p.numbers for p in row.pairs):
        return texts
    text = row.text.strip()
    if len(text) <= _TITLE:
        texts += _bare_titles(text)
    parts = _WIDE_GAP.split(text)
    if len(parts) > 1:
        texts += [part for part in parts if not part.isdigit()]
    bilingual = _BILINGUAL.fullmatch(text)
    bilingual = bilingual or _LATIN_FIRST.fullmatch(text)
    if bilingual is not None:
        texts += [bilingual[1], bilingual[2]]
    return [t for t in texts if t]


def _bare_titles(text: str) -> list[str]:
    """Return a title as printed, and without the date, the day's number or what else follows a blank."""
    bare = _ADDITION.sub(" ", text).strip()
    first = text.split(maxsplit=1)[0]
    found = [text, bare] if bare and bare != text else [text]
    return [*found, first] if is_wide(first) and first not in found and _ENDS_TITLE.search(fold(first)) else found


def decide(found: Titles, *, negative: bool, refund: bool, paid: bool, priced: bool) -> str:
    """Return the slip's kind from its titles, its total's sign, and whether it names a payment and prices."""
    kinds = found.kinds
    # Of a platform's order 商家联 and 顾客联 are printed, and one of them alone in many a shop: either is the order.
    # Its 预订单 is to be delivered later and paid for already.
    copies = ("kitchen", "merchant_copy", "prebill") if found.channel else ("kitchen",)
    for kind in _ORDER:
        if kind in kinds and not (kind == "prebill" and paid) and not (kind in copies and priced):
            return kind
    if negative or (refund and "sale" not in kinds):
        return "return"
    return "delivery_slip" if found.channel else "sale"
