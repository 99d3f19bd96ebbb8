"""The figures of one goods row: name, code, quantity, price and amount told apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from edge_agent.receipts.amounts import COUNTERS, Number
from edge_agent.receipts.grid import Row
from edge_agent.receipts.tokens import Token

# Words between the figures of "0.856 kg @ 1.29 /kg" or "2 AT 1 FOR 3.25": they name nothing.
NOISE = re.compile(
    rf"(?:原价|会员价|现价|售价|单价|零售价|特价|促销价|折后价|优惠价|单品价|定价|was|now|reg|@price|单重|净重|重量|数量|小计|晚|小时|分钟|at|for|ea|each|per|@|x|kgs?|g|lbs?|oz|pcs?|gal|l|ltr|litres?|升|元/[^\s\d]{{1,3}}|[{COUNTERS}]|/?kg|/?ea|/?lb|[a-z]{{3}}/kg|net|wt|qty|个|件|斤|公斤|千克|点|コ|個|개|份|瓶|盒|袋|元/?|/|\(|\)|-|=|:|[a-z]|\*+|eur|usd|bx|cs|pk|dz|pr|rl|ct|sets?|btl|hrs?|days?|yds?|mtr|pces?|nos|pkts?|tins?|[※軽轻内外非込課课면과])"
    r"[.)]?",
    re.IGNORECASE,
)
_TAX_MARK = re.compile(r"(?:HST|GST|PST|QST|VAT|TAX|EXE|NON|TXB)|[A-Za-z]\d?|[A-Z]{2}|[*#+※軽非内外込免税課과면]{1,2}")
# What a name ends with, as against how many were sold. Kilograms with decimals are a weight.
_TWO_DIGITS = 10  # TEA BAGS 80: who buys ten and more of a thing has a till that prints what each costs
_SIZE = re.compile(
    r"\d+(?:\.\d+)?(?:ml|cl|l)|\d+(?:\.\d)?(?:ml|cl|l|g|oz|pk|pt|ct|gal|lb|lbs|kg|mm|cm|m|w|v|mg|ft|in|yd|s|st|gb|tb|mb|hp|sqft|fl|dz|切|食|連|入り|개입|롤|寸|抽|粒|片|克|毫升|升|本|枚|入|매|구|입)|\d+(?:cm|mm|\")",
    re.IGNORECASE,
)
_CODE_LABELS = frozenset(
    {
        "upc",
        "sku",
        "plu",
        "ean",
        "isbn",
        "jan",
        "gtin",
        "code",
        "item",
        "art",
        "코드",
        "바코드",
        "상품코드",
        "コード",
        "品番",
    }
    | {"条码", "条形码", "货号", "编码", "商品编码", "商品条码", "款号", "商品号", "品号", "国条码", "商品代码"}
)
_SHORTEST_CODE = 5
_MARKED_CODE = re.compile(r"0\d{7,13}[A-Z]{0,2}|\(\d{8,14}\)|<\d{8,14}>|\[\d{8,14}\]")
_CODE = re.compile(r"[(<\[]\d{8,14}[)>\]]")
_MARKED_CODE = re.compile(r"0\d{7,13}[A-Z]{0,2}")
_CODE = re.compile(r"#?[A-Za-z]{0,3}-?\d[\dA-Za-z-]{1,}")
_SPECIFICATION = re.compile(
    r"(?:规格|批号|效期|有效期|产地|厂家|单位|lot|batch|exp)\b|.*(?:批号|效期|规格)|"
    r"\d+(?:\.\d+)?(?:mg|g|ml|l|kg|片|粒|袋|支|丸|贴|包|瓶|克|毫升)(?:[*x×/]\d*\S{0,8})*(?:/?[盒瓶袋支板])?$",
    re.IGNORECASE,
)
_CLASS = re.compile(r"[外内非](?:8|10)?%?|[軽轻]|[*※#%^]{1,2}")  # how a good is taxed, printed before its name
_PRICE_WORD = re.compile(r"(?:原|会员|现|售|单|零售|特|促销|折后|优惠|标|吊牌)价", re.IGNORECASE)
_SERIAL_ALONE = re.compile(r"\d{1,3}[.、)]")
_SERIAL = re.compile(r"(\d{1,3})[.、)](?=[^\s\d])")


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of one goods row, told apart. ``full``: the name reaches the figures, so it may go on below.

    ``counted``: the number before the name has a times sign, and is a count for sure.
    """

    name: str
    code: str | None
    lead: int | None
    numbers: tuple[Number, ...]
    factor: tuple[Number, Number] | None
    full: bool = False
    counted: bool = False


def figures(row: Row, columns: Sequence[str] = ()) -> Figures:
    """Tell name, code, serial number and figures of a row apart."""
    tokens = list(row.tokens)
    code, lead, start = None, None, 0
    first = tokens[0] if tokens else None
    if len(tokens) > 1 and first is not None and is_code_label(first) and _CODE.fullmatch(tokens[1].text):
        code, start = tokens[1].text, 2
    elif first is not None and len(tokens) > 2 and _is_numbered_code(first, tokens[1]):
        lead, code, start = int(first.text), tokens[1].text.strip("()<>[]"), 2
    elif first is not None and first.number is not None and _is_code(first):
        code, start = first.text.strip("()<>[]"), 1
    elif first is not None and _is_lead(tokens):
        lead, start = int(first.number.value) if first.number is not None else None, 1
    if start < len(tokens) and code is None and tokens[start].number is not None and _is_code(tokens[start]):
        code, start = tokens[start].text, start + 1
    counted = lead is not None and tokens[start].times
    tail = len(tokens)
    while tail - 1 > start and _is_tail(tokens[tail - 2], tokens[tail - 1]):
        tail -= 1
    body = tokens[start:tail]
    cut = _first_figure(body)
    if cut == len(body) and (words := _words_behind(body)):
        numbers = tuple(t.number for t in body if t.number is not None and not t.number.rate)
        return Figures(name_of(words), code, lead, numbers, _factor(body))
    cut += _sizes(body, cut, columns)
    words = [t for t in body[:cut] if not _is_code(t) and not (t.times and t is body[0])]
    if "unit" in columns and columns.index("unit") < columns.index("quantity" if "quantity" in columns else "unit"):
        words = _without_last_column(words)
    while len(words) > 1 and _PRICE_WORD.fullmatch(words[-1].text) is not None and cut < len(body):
        words = words[:-1]  # 衬衫 原价199.00 现价99.00
    if code is None:
        code = next((t.text.strip("()<>[]") for t in body if _is_code(t)), None)
    numbers = tuple(t.number for t in body[cut:] if t.number is not None and not t.number.rate and not _is_code(t))
    figure = next((t for t in body[cut:] if t.number is not None and not _is_code(t)), None)
    full = cut > 0 and figure is not None and figure.gap <= 2 and figure is body[cut]
    return Figures(name_of(words), code, lead, numbers, _factor(body), full, counted)


def _words_behind(body: Sequence[Token]) -> Sequence[Token]:
    """Return the name of a row that prints it last: ``3.00  1.50  4.50  青菜``; empty if it is not such a row."""
    start = next((i for i, t in enumerate(body) if t.number is None and not t.times), len(body))
    numbers = [t.number for t in body[:start] if t.number is not None]
    named = all(t.number is None for t in body[start:])
    return body[start:] if named and len(numbers) > 1 and numbers[-1].places == 2 else ()


def _without_last_column(words: list[Token]) -> list[Token]:
    """Return the words before the last wide gap: behind it stands the column 规格."""
    if len(words) > 1 and NOISE.fullmatch(words[-1].text) is not None:
        return words[:-1]
    gap = next((i for i in range(len(words) - 1, 0, -1) if words[i].gap > 1), len(words))
    return words[:gap]


def is_code_label(token: Token) -> bool:
    """Tell whether a word says that an article's number follows: ``UPC:`` ``SKU`` ``货号``."""
    return token.text.casefold().strip(".:#") in _CODE_LABELS


def is_specification(name: str) -> bool:
    """Tell whether words only describe the goods named above: ``0.25g*24粒`` ``批号 A260318``."""
    return _SPECIFICATION.match(name) is not None


def _is_code(token: Token) -> bool:
    text = token.text
    if len(text) < _SHORTEST_CODE or not text[-2:].strip(")>]").isalnum():
        return False
    if text[0] in "(<[0" and _MARKED_CODE.fullmatch(text) is not None:
        return True
    number = token.number
    return number is not None and text.isdigit() and not (number.money or number.unit)


def _is_numbered_code(first: Token, second: Token) -> bool:
    """Tell whether a row begins with its own number and a code: ``1  6901028075862 中华(软)``."""
    return first.text.isdigit() and len(first.text) <= 3 and not first.colon and _is_code(second)


def _is_lead(tokens: Sequence[Token]) -> bool:
    """Tell whether a row begins with a serial number or a count: ``1 农夫山泉 …`` ``2 x Espresso …``."""
    first = tokens[0].number
    if first is None or first.places or first.money or first.rate or not 0 < abs(first.value) < 1000:
        return False
    after = tokens[1:]
    if after and after[0].times:
        after = after[1:]
    return bool(after) and after[0].number is None


def _first_figure(body: Sequence[Token]) -> int:
    """Return where the figures begin: the numbers at the end of a row, with nothing but noise between them."""
    cut = len(body)
    for index in range(len(body) - 1, -1, -1):
        token = body[index]
        if token.number is not None or token.times:
            cut = index
        elif not NOISE.fullmatch(token.text):
            break
    return cut


def _sizes(body: Sequence[Token], cut: int, columns: Sequence[str]) -> int:
    """Return how many figures still belong to the name: ``PAPER TOWEL 6PK    9.49`` ``豆腐 300g   1,290  2  2,580``."""
    if 0 < cut < len(body) and all(_is_size(t, plain=False) for t in body[cut:]):
        return len(body) - cut  # 农夫山泉 550ml, and the figures below
    end = next((i for i in range(cut, len(body)) if i and body[i].gap > 1), len(body))
    marked = end - 1 if end - 1 > cut and len(body[end - 1].text) == 1 and body[end - 1].number is None else end
    if not 0 < cut < marked < len(body) or end >= len(body) or body[end].number is None:
        alone = 0 < cut < len(body) - 1 and body[cut].gap <= 1
        return int(alone and _SIZE.fullmatch(body[cut].text) is not None and body[cut + 1].gap > body[cut].gap)
    sizes = body[cut:marked]
    amounts = [t.number.value for t in body[end:] if t.number is not None]
    last = sizes[-1].number
    proved = any(abs(a * b - amounts[-1]) < 1 for a, b in combinations(amounts[:-1], 2))
    if last is not None and len(amounts) > 1 and not proved and abs(last.value * amounts[-2] - amounts[-1]) < 1:
        return 0  # 2瓶   3.50   7.00
    plain = not columns and all(t.text.isascii() for t in body[:end])
    return len(sizes) if all(_is_size(t, plain=plain) for t in sizes) else 0


def _is_size(token: Token, *, plain: bool) -> bool:
    number = token.number
    if number is None or number.money or number.signed:
        return False
    whole = not number.unit and not number.places and number.value >= _TWO_DIGITS
    return number.rate or _SIZE.fullmatch(token.text) is not None or (plain and whole)


def _is_tail(before: Token, token: Token) -> bool:
    """Tell whether a word after the figures is a tax mark or the like: ``4.00 A`` ``120 軽`` ``3.50 T1``."""
    marked = token.number is None and not token.times and _TAX_MARK.fullmatch(token.text) is not None
    return marked and (before.number is not None or _TAX_MARK.fullmatch(before.text) is not None)


def _factor(body: Sequence[Token]) -> tuple[Number, Number] | None:
    """Return the two numbers with a times sign (and units) between them."""
    for index, token in enumerate(body):
        if token.times and index > 0:
            left = next(
                (t.number for t in reversed(body[:index]) if t.number is not None or not NOISE.fullmatch(t.text)), None
            )
            right = next(
                (t.number for t in body[index + 1 :] if t.number is not None or not NOISE.fullmatch(t.text)), None
            )
            if left is not None and right is not None:
                return left, right
    return None


def name_of(words: Sequence[Token]) -> str:
    """Return the name that words make, without decoration and without the serial number before it."""
    parts: list[str] = []
    for token in words:
        if parts and not token.gap and not token.colon:
            parts[-1] += token.text
        else:
            parts.append(token.text)
    if len(parts) > 1 and (_CLASS.fullmatch(parts[0]) or _SERIAL_ALONE.fullmatch(parts[0])):
        parts = parts[1:]
    if len(parts) > 1 and _CLASS.fullmatch(parts[-1]):
        parts = parts[:-1]
    return _SERIAL.sub("", " ".join(parts), count=1).strip(" *-:;#^") if parts else ""
