"""The words of a printed row, with the numbers among them told apart."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from edge_agent.receipts.amounts import COUNTERS, CURRENCY, Number, parse
from edge_agent.receipts.words import is_wide

_SPLIT = re.compile(r"\S+")
# A colon that ends a label; not the one of a time of day or of an address.
_COLON = re.compile(r"(?<!\d):(?!//)|:(?![\d/])")
_TIMES = "xX×*✕@"
_FACTOR = re.compile(r"^(?P<a>[^xX×*✕@]*?)(?P<times>[xX×*✕@])(?P<b>[^xX×*✕@]*?)(?:=(?P<c>.+))?$")
# A name and its price printed without a blank between: only money with two decimals, or with its mark, is taken off.
_GLUED = re.compile(
    r"^(?P<text>.*[^\d.,\-+*/xX×@(¥$£€:])(?P<number>-?(?:[¥$£€]-?\d[\d,]*(?:\.\d{1,2})?|\d[\d,]*\.\d{2}|\d[\d,]*(?=元))元?)$"
)
# A price of one and a count in one word: @180×2 and 2×@180
_AT = re.compile(
    r"\(?(?:@(?P<price>[^xX×*✕@=]+)(?P<times>[xX×*✕])(?P<count>[^xX×*✕@=)]+)|(?P<count2>[^xX×*✕@=(]+)[xX×*✕]@(?P<price2>[^xX×*✕@=)]+))"
    r"(?:=(?P<sum>[^)]+))?\)?"
)
# A name and the price of one: 燕麦拿铁@28.00
_PRICED = re.compile(
    r"(?P<text>[^@=]*[^\d\s@=*×xX.,])@(?P<price>[¥￥$£€]?\d[\d,]*(?:\.\d{1,2})?元?)(?:[xX×*](?P<count>\d{1,3}))?"
)
_REMARKED = re.compile(r"^(?P<number>-?[¥$£€]?\d[\d,]*\.\d{2}元?)(?P<text>\(\D+\))$")
# A name and its whole sum without a blank, and several labels with their amounts: 苹果2.5斤*6.00=15.00  收20.00找0.50
_GLUED_SUM = re.compile(
    r"(?P<text>[^\d\s=*×xX@]*[^\d\s=*×xX@.,(¥$-])(?P<sum>\d[\d.]*[^\d\s=*×xX@]{0,2}[*×xX@]\d[\d.]*=\d[\d.]*元?)"
)
_GLUED_LABELS = re.compile(r"(?:[^\x00-\x7f\d]{1,6}\d+(?:\.\d{2}元?|元)){2,}")
_GLUED_LABEL = re.compile(r"([^\x00-\x7f\d]{1,6}?)(\d+(?:\.\d{2}元?|元))")
_WORDS = 4096  # names, labels, prices and counts
_COUNTED = frozenset(
    {
        *COUNTERS,
        "개",
        "点数",
        "items",
        "item",
        "pcs",
        "articles",
    }
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a row. ``gap``: blanks before; ``colon``: one follows; ``times``: it is ``x`` ``×`` ``@`` ``*``."""

    text: str
    gap: int
    number: Number | None = None
    colon: bool = False
    times: bool = False


def tokens(text: str) -> tuple[Token, ...]:
    """Return the words of a row in its NFKC form; a mark, a unit or a rate belongs to its number."""
    return tuple(_join_marks(list(_words(text))))


def _words(text: str) -> Iterator[Token]:
    end = 0
    for match in _SPLIT.finditer(text):
        gap = match.start() - end
        end = match.end()
        word = match[0]
        while word:
            colon = _COLON.search(word) if ":" in word else None
            head, word = (word, "") if colon is None else (word[: colon.start()], word[colon.end() :])
            if head or colon is not None:
                yield from _word(head, gap, colon is not None)
            gap = 0


@lru_cache(maxsize=_WORDS)
def _word(word: str, gap: int, colon: bool) -> tuple[Token, ...]:
    return tuple(_split(word, gap, colon=colon))


def _split(word: str, gap: int, *, colon: bool) -> Iterator[Token]:
    if word in _TIMES and word:
        yield Token(word, gap, times=True)
        return
    bare = word.rstrip(",;。，") or word
    if bare.startswith(("単", "单")) and len(bare) > 2 and (price := parse(bare[1:])) is not None:  # 2個 × 単149
        yield Token(word, gap, replace(price, per=True), colon)
        return
    if bare.startswith("/") and (price := parse(bare[1:])) is not None:  # 1 lb /0.58
        yield Token(word, gap, replace(price, per=True), colon)
        return
    number = parse(bare)
    if number is not None or len(word) < 2:
        yield Token(word, gap, number, colon)
        return
    if bare.startswith("@") and (rate := parse(bare[1:])) is not None and rate.rate:  # CGST @2.5%
        yield Token(bare[1:], gap, rate, colon)
        return
    if parts := _run_together(bare, gap) or _at(bare, gap):
        yield from parts
        return
    factor = _FACTOR.match(bare)
    if factor is not None and (parts := _factors(factor, gap)):
        yield from parts
        return
    remark = _REMARKED.match(bare)
    if remark is not None and (number := parse(remark["number"])) is not None:
        yield Token(remark["number"], gap, number)
        yield Token(remark["text"], 0, None, colon)
        return
    glued = _GLUED.match(bare)
    if glued is not None and (number := parse(glued["number"])) is not None:
        yield Token(glued["text"], gap)
        yield Token(glued["number"], 0, number, colon)
        return
    if bare.startswith("(") and (number := parse(bare.strip("()"))) is not None:
        yield Token(word, gap, number, colon)
        return
    if bare.endswith(")") and "(" not in bare and (number := parse(bare[:-1])) is not None:
        yield Token(word, gap, number, colon)
        return
    yield Token(word, gap, None, colon)


def _run_together(word: str, gap: int) -> list[Token]:
    """Split ``收20.00找0.50`` and ``苹果2.5斤*6.00=15.00``; empty if it is not such a word."""
    if not word.isascii() and _GLUED_LABELS.fullmatch(word) is not None:
        found: list[Token] = []
        for text, amount in _GLUED_LABEL.findall(word):
            found += [Token(text, 2 if found else gap), Token(amount, 0, parse(amount))]
        return found
    summed = _GLUED_SUM.fullmatch(word) if "=" in word else None
    factors = _factors(_FACTOR.match(summed["sum"]), 1) if summed is not None else []
    return [Token(summed["text"], gap), *factors] if summed is not None and factors else []


def _at(word: str, gap: int) -> list[Token]:
    """Split ``@180×2`` ``2×@180`` ``燕麦拿铁@28.00``; empty if it is not such a word."""
    if "@" not in word:
        return []
    match = _AT.fullmatch(word)
    if match is not None:
        one, many = match["price"] or match["price2"], match["count"] or match["count2"]
        one_number, many_number = parse(one), parse(many)
        if one_number is None or many_number is None:
            return []
        found = [
            Token(one, gap, replace(one_number, per=True)),
            Token(match["times"] or "×", 0, times=True),
            Token(many, 0, many_number),
        ]
        total = parse(match["sum"]) if match["sum"] else None
        return found if total is None else [*found, Token(match["sum"], 1, total)]
    named = _PRICED.fullmatch(word)
    number = parse(named["price"]) if named is not None else None
    if named is None or number is None or not (number.money or number.places == 2 or is_wide(named["text"])):
        return []
    price = Token(named["price"], 0, replace(number, per=True))
    if not named["count"]:
        return [Token(named["text"], gap), Token("@", 1, times=True), price]
    count = Token(named["count"], 0, parse(named["count"]))
    return [Token(named["text"], gap), replace(price, gap=1), Token("×", 0, times=True), count]


def _factors(match: re.Match[str] | None, gap: int) -> list[Token]:
    """Split ``2*3.50`` ``x2`` ``2x`` ``0.856kg×9.98=8.54`` ``3@¥150/kg``; empty if it is not such a word."""
    tokens: list[Token] = []
    if match is None:
        return tokens
    for part, name in ((match["a"], "a"), (match["b"], "b"), (match["c"] or "", "c")):
        if name == "b":
            tokens.append(Token(match["times"], gap if not tokens else 0, times=True))
        if not part:
            continue
        text = part.strip("()").split("/")[0].removeprefix("単")
        number = parse(text)
        if number is None:
            return []
        if "/" in part:
            number = replace(number, per=True)
        tokens.append(Token(part, gap if not tokens else 0, number))
    return tokens if len(tokens) > 1 else []


def _is_mark(token: Token, after: Token) -> bool:
    if token.text in "-+":
        return after.gap <= 1  # a dash far from the number stands for an empty column
    return CURRENCY.fullmatch(token.text) is not None


def _join_marks(tokens: list[Token]) -> Iterator[Token]:
    """Join a currency mark or a minus with the number after it, a unit or rate with the number before it."""
    index = 0
    while index < len(tokens):
        token = tokens[index]
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        if after is not None and after.number is not None and _is_mark(token, after):
            number = parse(token.text + after.text)
            if number is not None:
                yield Token(token.text + after.text, token.gap, number, after.colon)
                index += 2
                continue
        if (
            after is not None
            and token.number is not None
            and after.text in ("元", "円", "원", "%", "%)")
            and after.gap <= 1
        ):
            number = parse(token.text + after.text.strip(")"))
            if number is not None:
                yield Token(token.text, token.gap, number, after.colon)
                index += 2
                continue
        if after is not None and index and (count := _counted(token, after)) is not None:
            yield replace(token, number=count, colon=after.colon)
            index += 2
            continue
        yield token
        index += 1


def _counted(token: Token, after: Token) -> Number | None:
    """Return the count that two words are: ``5 件`` ``5 ITEMS`` beside the total is no amount."""
    number = token.number
    if number is None or number.places or number.money or number.unit or after.gap > 1:
        return None
    return replace(number, unit=after.text) if after.text.casefold() in _COUNTED else None
