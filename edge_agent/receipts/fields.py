"""The named fields of a slip: number, time, till, cashier and the like."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from edge_agent.receipts import times
from edge_agent.receipts.grid import Pair, Row

_NUMBER = re.compile(r"(?:no\.?|#|:)*\s*([a-z0-9][a-z0-9/_-]*)", re.IGNORECASE)
_IDENT = re.compile(r"#?([a-z0-9][a-z0-9-]*|[^\s:]{1,12}?号?)(?=\s|$)", re.IGNORECASE)
_DATE = re.compile(r"(?:20)?\d\d[-/.年]\d{1,2}[-/.月]\d{1,4}(?!\d)|\d{1,2}:\d\d")
_DATED_VALUE = re.compile(r"\s*(?:20)?\d\d[-/.年]\d{1,2}[-/.月]\d{1,4}日?\s+\d{1,2}:\d\d")
_CLOCK = re.compile(r"(?<!\d)\d{1,2}:\d\d")
_DATED = re.compile(r"\s+(?=(?:20)?\d\d[-/.年]\d{1,2}[-/.月]\d|\d{1,2}:\d\d)")
# Printed in groups: of four digits with a shorter last one, or three and more of any size.
_GROUPED = re.compile(r"(?:\d{4}(?: \d{4}){1,6}(?: \d{1,3})?|\d{2,8}(?: \d{2,8}){2,6})(?!\S)")
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
_MONEY = re.compile(r"[^\w]?\d{1,3}(?:,\d{3})*\.\d\d")
_TERMINAL = re.compile(r"批次|终端|終端|授权|授權|参考|參考|检索|收单|发卡|AID|TVR", re.IGNORECASE)
_ACCESSORY = re.compile(r"[a-z0-9-]{6,40}", re.IGNORECASE)
_VOUCHER = 4  # the rank of 凭证号, which a payment terminal counts, too
_BARE_NO = 3  # the rank of No and 编号, which goods begin with, too
# When goods are to be fetched, were made or may be used: not when the slip was printed.
_OTHER_TIME = re.compile(
    r"取[货餐件貨]|送[达货達貨]|配送|预[约计定订]|預[約計定訂]|到期|有效|截[至止]|生产|保质|效期|入住|自提|期望|退换|活动|兑换|"
    r"valid|expir|pick-?up|deliver|best before|use by|until|return by|お届|受取|期限|まで|有効|유효|까지|예약",
    re.IGNORECASE,
)


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
    terminal = _is_by_terminal(rows)
    for index, row, pair in found.get("number", ()):
        if terminal and pair.word.rank == _VOUCHER:
            continue
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


def _is_by_terminal(rows: Sequence[Row]) -> bool:
    """Tell whether a payment terminal's own numbers are printed: its batch, itself, an authorisation."""
    labels = {pair.label for row in rows for pair in row.pairs if pair.word.role == "reference"}
    return any(_TERMINAL.search(label) is not None for label in labels)


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
