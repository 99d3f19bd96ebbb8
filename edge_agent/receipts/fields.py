"""The named fields of a slip: number, time, till, cashier …, and what kind of slip it is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from edge_agent.receipts import times
from edge_agent.receipts.grid import Pair, Row
from edge_agent.receipts.words import Lexicon, fold, is_wide

_NUMBER = re.compile(r"(?:no\.?|#|:)*\s*([a-z0-9][a-z0-9/_-]*)", re.IGNORECASE)
_IDENT = re.compile(r"#?([a-z0-9][a-z0-9-]*|[^\s:]{1,12}?号?)(?=\s|$)", re.IGNORECASE)
_DATE = re.compile(r"(?:20)?\d\d[-/.年]\d{1,2}[-/.月]\d{1,4}(?!\d)|\d{1,2}:\d\d")
_DATED_VALUE = re.compile(r"\s*(?:20)?\d\d[-/.年]\d{1,2}[-/.月]\d{1,4}日?\s+\d{1,2}:\d\d")
_CLOCK = re.compile(r"(?<!\d)\d{1,2}:\d\d")
_DATED = re.compile(r"\s+(?=(?:20)?\d\d[-/.年]\d{1,2}[-/.月]\d|\d{1,2}:\d\d)")
# Printed in groups: of four digits with a shorter last one, or three and more of any size.
_GROUPED = re.compile(r"(?:\d{4}(?: \d{4}){1,6}(?: \d{1,3})?|\d{2,8}(?: \d{2,8}){2,6})(?!\S)")
_BILINGUAL = re.compile(r"([^A-Za-z]{2,20}?)[ /(]*([A-Za-z][A-Za-z -]{3,30})\)?")
_LATIN_FIRST = re.compile(r"([A-Za-z][A-Za-z -]{3,30}?)[ /(]*([^\x00-\x7f]{2,12})\)?")
_WIDE_GAP = re.compile(r"\s{2,}")
# #1234, a uniform invoice of Taiwan, and a number that begins with its date.
_STANDALONE = re.compile(
    r"#\s?(\d{2,12}|[A-Z]{0,4}\d{1,8}(?:-\w{2,14}){1,4})|"
    r"([A-Z]{2}-\d{8}|20[23]\d[01]\d[0-3]\d{5,13}|(?:[A-Z]{1,4}-?|\d{2,6}-)(?:20)?2\d[01]\d[0-3]\d-?\d{3,13})"
)
# 结账单  JZ20261118000291: what is printed behind the title of the slip.
_TITLED = re.compile(
    r"\s*[*=【-]*\s*[^\d\s:]{0,10}(?:单|小票|凭证|凭条|收据|レシート|伝票|영수증|receipt|invoice|bill|check)[】*=-]*\s+#?"
    r"([A-Z]{0,4}-?\d[\w-]{6,30})",
    re.IGNORECASE,
)
# 2026-11-09 14:12   LS2611090032 and 0881 00052 33120   11/17/26 09:12 AM
_BESIDE_TIME = re.compile(
    r"^\s*#\s?(\d{2,12})\s+\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4}|\d\d:\d\d(?::\d\d)?\s+([A-Z]{1,4}-?\d{6,20})$|"
    r"^\s*(\d{3,6}(?: \d{3,6}){2,4})\s{2,}\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4}"
)
# #12 美团外卖 and 美团12号: what the platform counts from 1 every day, called out at the counter.
_DAY_NUMBER = re.compile(
    r"#\s?([0-9A-Z]{1,3}\d{0,3}|[0-9A-F]{4,6})(?![0-9A-Za-z])|(?<![0-9A-Za-z])([1-9]\d{0,3}|[A-Z]{1,2}-?\d{1,4})(?![0-9A-Za-z])"
)
_SOURCES = frozenset(
    {"来源", "渠道", "平台", "订单来源", "订单渠道", "下单渠道", "下单平台", "订单平台", "外卖平台"}
    | {"source", "channel", "platform", "via"}
)
_MONEY = re.compile(r"[^\w]?\d{1,3}(?:,\d{3})*\.\d\d")
_ACCESSORY = re.compile(r"[a-z0-9-]{6,40}", re.IGNORECASE)
_MEMORY = 256  # rows; those of heads and feet repeat from slip to slip
# Kinds that an offer or a notice at the foot may sound like; 作废 and 补打 are stamped there in earnest.
_ABOUT_THE_SLIP = frozenset({"shift_report", "cash_in_out", "top_up"})
_BARE_NO = 3  # the rank of No and 编号, which goods begin with, too
_ADDITION = re.compile(
    r"(?<!\d)(?:20)?\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}:\d\d(?::\d\d)?|(?<=\s)#\s?\w{1,8}(?=\s|$)|"
    r"(?<=\s)(?:no\.?|第)\s?\d{1,6}(?:号|张|次)?(?=\s|$)|(?<=\s)\d{1,4}号?(?=\s|$)",
    re.IGNORECASE,
)
# When goods are to be fetched, were made or may be used: not when the slip was printed.
_OTHER_TIME = re.compile(
    r"取[货餐件貨]|送[达货達貨]|配送|预[约计定订]|預[約計定訂]|到期|有效|截[至止]|生产|保质|效期|入住|自提|期望|退换|活动|兑换|"
    r"valid|expir|pick-?up|deliver|best before|use by|until|return by|お届|受取|期限|まで|有効|유효|까지|예약",
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


def titles(rows: Sequence[Row], lexicon: Lexicon, own: Mapping[str, Sequence[Any]]) -> Titles:
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


# --- fields -----------------------------------------------------------------------------------------------------------


def pairs_by_role(rows: Sequence[Row]) -> dict[str, list[tuple[int, Row, Pair]]]:
    """Return the labelled fields by role, each with its position among the rows, best label first."""
    found: dict[str, list[tuple[int, Row, Pair]]] = {}
    for index, row in enumerate(rows):
        for pair in row.pairs:
            if pair.word.group == "fields":
                dated = pair.word.role == "cashier" and _DATE.match(pair.value.strip())  # 结账: 2026-11-21 19:36
                found.setdefault("printed_at" if dated else pair.word.role, []).append((index, row, pair))
            elif pair.word.group in ("money", "tenders") and _DATED_VALUE.match(pair.value):  # 买单:2026-11-08 10:40
                found.setdefault("printed_at", []).append((index, row, pair))
    for entries in found.values():
        entries.sort(key=lambda entry: entry[2].word.rank)
    return found


def number(
    rows: Sequence[Row], found: Mapping[str, list[tuple[int, Row, Pair]]], barcodes: Sequence[str]
) -> str | None:
    """Return the slip's own number: the best label's, else one beside the time, ``#1234`` alone, its bar code."""
    for index, row, pair in found.get("number", ()):
        if pair.word.rank >= _BARE_NO and row.tokens[-1].number is not None and row.tokens[-1].number.places:
            continue  # NO7 SERUM  29.95
        value = _numbered(pair.value) or (_below(rows, index) if not pair.value else None)
        if value is not None and not is_trade_number(pair, value):
            return value
    beside = [
        (m[1] or m[2] or m[3]).replace(" ", "")
        for row in rows
        if not row.pairs and (m := _BESIDE_TIME.search(row.text))
    ]
    if len(beside) == 1:
        return beside[0]
    for row in rows:
        match = _STANDALONE.fullmatch(row.text.strip()) or _TITLED.fullmatch(row.text.strip())
        if match is not None and not _DATE.match(match[0]) and not _DATE.match(match[1] or ""):
            return match[1] or match[2]
    codes = [c for c in barcodes if _ACCESSORY.fullmatch(c) and any(x.isdigit() for x in c) and not _is_gtin(c)]
    return codes[0] if len(codes) == 1 else None


def is_of_two(rows: Sequence[Row], found: Mapping[str, list[tuple[int, Row, Pair]]]) -> bool:
    """Tell whether two slips stand on this one, the cut between them lost: number, total, another number, total."""
    numbers = sorted((at, _numbered(p.value)) for at, _, p in found.get("number", ()) if p.word.rank == 0)
    if len({value for _, value in numbers if value}) < 2:
        return False
    totals = [
        (at, p.numbers[-1].value)
        for at, row in enumerate(rows)
        for p in row.pairs
        if p.word.group == "money" and p.word.role in ("due", "total") and p.numbers and p.numbers[-1].places == 2
    ]
    for at, value in numbers[1:]:
        above = [amount for place, amount in totals if numbers[0][0] < place < at]
        below = [amount for place, amount in totals if place > at]
        if value and numbers[0][1] and value != numbers[0][1] and above and below and above[-1] not in below:
            return True
    return False


def is_trade_number(pair: Pair, value: str) -> bool:
    """Tell whether a 交易单号 is the payment service's (28 digits at WeChat and Alipay) and not the receipt's."""
    return pair.word.rank >= 1 and value.isdigit() and len(value) >= 26


def _numbered(value: str) -> str | None:
    if _DATE.match(value.strip()):
        return None
    if "***" in value or _MONEY.fullmatch(value.strip()) is not None:
        return None
    grouped = _GROUPED.match(value.strip())
    if grouped is not None:
        return grouped[0].replace(" ", "")
    match = _NUMBER.match(value.strip(" #:.*"))
    return match[1] if match is not None and any(c.isdigit() for c in match[1]) else None


def _below(rows: Sequence[Row], index: int) -> str | None:
    if index + 1 >= len(rows):
        return None
    text = rows[index + 1].text.strip()
    return _numbered(text) if " " not in text and not rows[index + 1].pairs else None


def text(found: Mapping[str, list[tuple[int, Row, Pair]]], role: str) -> str | None:
    """Return a field's value as printed, up to a wide gap."""
    for _, _, pair in found.get(role, ()):
        value = _WIDE_GAP.split(pair.value.strip())[0]
        value = _DATED.split(value)[0].strip(" #:;,")
        if value:
            return value
    return None


def ident(found: Mapping[str, list[tuple[int, Row, Pair]]], role: str) -> str | None:
    """Return a field's first word: a till's number, a table's."""
    for _, _, pair in found.get(role, ()):
        match = _IDENT.match(pair.value.strip(" #:"))
        if match is not None and _DATE.match(match[1]) is None:
            return match[1]
    return None


def printed_at(rows: Sequence[Row], found: Mapping[str, list[tuple[int, Row, Pair]]], order: str) -> datetime | None:
    """Return when the slip was printed: the time of payment before that of ordering, a labelled before a bare one."""
    best = [s for _, row, pair in found.get("printed_at", ()) if (s := times.find(_own_text(row, pair), order))]
    whole = times.combine(best)
    if whole is not None and (whole.hour or whole.minute or whole.second):
        return whole
    rows = [row for row in rows if not row.rule and _OTHER_TIME.search(row.text) is None]
    stamps = [s for row in rows if (s := times.find(row.text, order, bare=False))]
    if not best and not any(s.day for s in stamps):
        unnamed = [row for row in rows if not any(p.word.role in ("number", "reference") for p in row.pairs)]
        stamps = [s for row in unnamed if (s := times.find(row.text, order))]
    return times.combine(best + stamps)


def _own_text(row: Row, pair: Pair) -> str:
    timed = _CLOCK.search(pair.value) is not None and len(_CLOCK.findall(row.text)) > 1  # 开台：18:22  结账：20:01
    return pair.value if timed or len(row.pairs) > 1 else row.text


def _is_gtin(code: str) -> bool:
    if not code.isdigit() or len(code) not in (8, 12, 13, 14):
        return False
    total = sum(int(c) * (3 if i % 2 == 0 else 1) for i, c in enumerate(reversed(code[:-1])))
    return (total + int(code[-1])) % 10 == 0


def gtin(code: str | None) -> str | None:
    """Return the code if it is a valid GTIN-8, -12, -13 or -14."""
    return code if code is not None and _is_gtin(code) else None
