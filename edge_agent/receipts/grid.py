"""From printed rows to words, and from words to what is labelled: ``应收:16.00 实收:20.00`` is two pairs."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from edge_agent.receipts.amounts import CURRENCY, Number, parse
from edge_agent.receipts.words import Lexicon, Word, is_wide, remember

_SPLIT = re.compile(r"\S+")
_FRAME = re.compile(r"[|│┃¦【】《》「」『』\[\]]")
_RULE = re.compile(r"[-=_*~.·•─━—–+#<>^ ー□☆★]{3,}")
# A colon that ends a label; not the one of a time of day or of an address.
_COLON = re.compile(r"(?<!\d):(?!//)|:(?![\d/])")
_TIMES = "xX×*✕@"
_FACTOR = re.compile(r"^(?P<a>[^xX×*✕@]*?)(?P<times>[xX×*✕@])(?P<b>[^xX×*✕@]*?)(?:=(?P<c>.+))?$")
# A name and its price printed without a blank between: only money with two decimals, or with its mark, is taken off.
_GLUED = re.compile(
    r"^(?P<text>.*[^\d.,\-+*/xX×@(¥$£€:])(?P<number>-?(?:[¥$£€]-?\d[\d,]*(?:\.\d{1,2})?|\d[\d,]*\.\d{2}|\d[\d,]*(?=元))元?)$"
)
_REMARKED = re.compile(r"^(?P<number>-?[¥$£€]?\d[\d,]*\.\d{2}元?)(?P<text>\(\D+\))$")
_GLUED_FIELD = re.compile(
    r"(?P<mark>[^\d\W]{1,8}[.#])(?P<coded>[A-Za-z]{1,4}\d[\w-]{0,30})|(?P<label>[^\d\W][^\d]{0,8}?[.#]?)(?P<value>\d[\w-]{0,30})"
)
_NO = re.compile(r"No\.?\d")  # what № becomes
_GROUP = re.compile(r"\d{4}")
_WORDS = 4096  # names, labels, prices and counts
_MEMORY = 512  # rows, some 2 KB each; heads, headings, labels and rules repeat from slip to slip
_SINGLE = re.compile(r"(?:(?<=\s)|^)(\S)((?:\s+\S)+)(?=\s*:|\s*$|\s+[\d¥￥$(-])")
_LONGEST_LABEL = 6  # words; "AMOUNT OF GST INCLUDED IN TOTAL" is as long as a label gets before it is a sentence

_COUNTED = frozenset({"件", "点", "项", "項", "点数", "品", "items", "item", "pcs", "articles", "個", "개", "건"})
_WIDEST_GAP = 2  # blanks inside a label; more of them separate columns


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a row. ``gap``: blanks before; ``colon``: one follows; ``times``: it is ``x`` ``×`` ``@`` ``*``."""

    text: str
    gap: int
    number: Number | None = None
    colon: bool = False
    times: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """A label that the words know, and what is printed after it."""

    label: str
    word: Word
    value: str
    numbers: tuple[Number, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One printed row: normalised text, its words, the labelled values in it. Rows are compared by identity."""

    index: int
    text: str
    tokens: tuple[Token, ...]
    pairs: tuple[Pair, ...]
    rule: bool = False

    @property
    def numbers(self) -> list[Number]:
        """All numbers of the row, left to right."""
        return [token.number for token in self.tokens if token.number is not None]


def rows(lines: Sequence[str], lexicon: Lexicon) -> list[Row]:
    """Return the slip's rows without the empty ones."""
    found = []
    known = lexicon.memory
    for place in enumerate(lines):
        row = known[place] if place in known else remember(known, place, _row(*place, lexicon), _MEMORY)
        if row is not None:
            found.append(row)
    return found


def _row(index: int, line: str, lexicon: Lexicon) -> Row | None:
    text = _clean(line)
    bare = text.strip()
    if not bare:
        return None
    if _RULE.fullmatch(bare) is not None:
        return Row(index, text, (), (), rule=True)
    tokens = tuple(_join_marks(list(_tokens(text))))
    return Row(index, text, tokens, tuple(_pairs(tokens, lexicon)))


def _clean(line: str) -> str:
    text = line if line.isascii() else unicodedata.normalize("NFKC", line).replace("−", "-")
    text = _FRAME.sub(" ", text.replace("\t", "    "))
    return _close_up(text) if is_wide(text) else text


def _close_up(text: str) -> str:
    """Join words printed with blanks between their characters: ``合  计`` ``お 釣 り``."""

    def closed(match: re.Match[str]) -> str:
        letters = match[0].split()
        if len(letters) > 6 or not all(is_wide(letter) for letter in letters):
            return match[0]
        return "".join(letters)

    return _SINGLE.sub(closed, text)


def _tokens(text: str) -> Iterator[Token]:
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
    number = parse(bare)
    if number is not None or len(word) < 2:
        yield Token(word, gap, number, colon)
        return
    if bare.startswith("@") and (rate := parse(bare[1:])) is not None and rate.rate:  # CGST @2.5%
        yield Token(bare[1:], gap, rate, colon)
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


def _factors(match: re.Match[str], gap: int) -> list[Token]:
    """Split ``2*3.50`` ``x2`` ``2x`` ``0.856kg×9.98=8.54`` ``3@¥150/kg``; empty if it is not such a word."""
    tokens: list[Token] = []
    for part, name in ((match["a"], "a"), (match["b"], "b"), (match["c"] or "", "c")):
        if name == "b":
            tokens.append(Token(match["times"], gap if not tokens else 0, times=True))
        if not part:
            continue
        text = part.strip("()").split("/")[0].removeprefix("単")
        number = parse(text)
        if number is None:
            return []
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


# --- labels and values ------------------------------------------------------------------------------------------------


def _pairs(tokens: Sequence[Token], lexicon: Lexicon) -> Iterator[Pair]:
    """Find the labels of a row, each with the words after it up to the next label or a wide gap."""
    index = 0
    while index < len(tokens):
        found = _label_at(tokens, index, lexicon)
        if found is None:
            glued = _glued_pair(tokens, index, lexicon)
            if glued is not None:
                yield glued[0]
            index = _next_start(tokens, index) if glued is None else glued[1]
            continue
        label, word, begin = found
        end = _value_end(tokens, begin, lexicon)
        value = tokens[begin:end]
        yield Pair(label, word, _text(value), tuple(t.number for t in value if t.number is not None))
        index = max(end, begin)


def _glued_pair(tokens: Sequence[Token], index: int, lexicon: Lexicon) -> tuple[Pair, int] | None:
    """Return ``机号001`` ``No.1234`` ``TRN#8830 4471 0093`` as label and value, and where the next label may start."""
    match = _GLUED_FIELD.fullmatch(tokens[index].text)
    if match is None:
        return None
    label, value = match["label"] or match["mark"], match["value"] or match["coded"]
    word = lexicon.meaning(label)
    if word is None or word.group != "fields":
        return None
    end = index + 1
    while end < len(tokens) and len(value) >= 4 and tokens[end].gap == 1 and _GROUP.fullmatch(tokens[end].text):
        value, end = f"{value} {tokens[end].text}", end + 1
    number = parse(value)
    return Pair(label, word, value, () if number is None else (number,)), end


def _label_at(tokens: Sequence[Token], index: int, lexicon: Lexicon) -> tuple[str, Word, int] | None:
    """Return the longest known label that starts here, its meaning and where its value begins."""
    limit = index
    while limit < len(tokens) and limit - index < _LONGEST_LABEL:
        if limit > index and (tokens[limit - 1].colon or tokens[limit].gap > _WIDEST_GAP):
            break
        limit += 1
    for end in range(limit, index, -1):
        last = tokens[end - 1]
        if end - 1 > index and last.text.startswith("#") and last.text[1:2].isdigit():
            continue
        if end - 1 > index and last.colon and _two_labels(tokens, index, end, lexicon):
            continue
        if _has_money(tokens[index:end]) or (end - 1 > index and last.number is not None and not last.number.rate):
            continue
        text = _text(tokens[index:end])
        word = lexicon.meaning(text)
        if word is not None and _is_label(tokens, index, end, word):
            return text, word, end
    return None


def _two_labels(tokens: Sequence[Token], index: int, end: int, lexicon: Lexicon) -> bool:
    """Tell whether ``刷卡消费 卡号:`` is a label of its own after another one; English labels are of many words."""
    last = tokens[end - 1].text
    return (
        is_wide(last)
        and lexicon.meaning(last) is not None
        and lexicon.meaning(_text(tokens[index : end - 1])) is not None
    )


def _has_money(tokens: Sequence[Token]) -> bool:
    first = tokens[0].number
    if first is not None and not (first.rate and len(tokens) > 1):
        return True
    numbers = [t.number for t in tokens if t.number is not None and not t.number.rate]
    return any(n.money or n.places == 2 or (not n.places and abs(n.value) >= 100) for n in numbers)


def _is_label(tokens: Sequence[Token], index: int, end: int, word: Word) -> bool:
    """Tell whether a known word here is a label and not the beginning of a name."""
    if tokens[end - 1].colon or end == len(tokens):
        return True
    after = tokens[end]
    if after.number is not None or after.gap >= 2 or after.times or word.role == "method":
        return True
    if word.group == "fields":
        return (
            is_wide(tokens[index].text)
            or any(c.isdigit() for c in after.text)
            or word.role in ("cashier", "printed_at")
        )
    if after.text[0] in "*#" or "*" in after.text or after.text in "-¥$(":
        return True
    return word.role == "bank_card" and not is_wide(after.text)


def _value_end(tokens: Sequence[Token], begin: int, lexicon: Lexicon) -> int:
    """Return where a value ends: at the next label, or at a wide gap once it holds what a value holds."""
    for index in range(begin, len(tokens)):
        if index > begin:
            token = tokens[index]
            if token.gap >= 2 and token.number is None:
                return index
            if token.number is None and _label_at(tokens, index, lexicon) is not None:
                return index
        elif (
            tokens[index].number is None
            and tokens[index].gap >= 1
            and begin > 0
            and _colon_ahead(tokens, index, lexicon)
        ):
            return index
    return len(tokens)


def _colon_ahead(tokens: Sequence[Token], index: int, lexicon: Lexicon) -> bool:
    """Tell whether a label with its own colon starts here, so that the one before it has no value."""
    found = _label_at(tokens, index, lexicon)
    return found is not None and tokens[found[2] - 1].colon


def _next_start(tokens: Sequence[Token], index: int) -> int:
    """Return the next place where a label may start: after a wide gap, a colon or a number."""
    for at in range(index + 1, len(tokens)):
        before = tokens[at - 1]
        text = tokens[at].text
        marked = "#" in text[1:] or _NO.match(text) is not None
        if tokens[at].gap >= 2 or before.colon or before.number is not None or marked:
            return at
        if tokens[at].colon and at + 1 < len(tokens):
            return at
    return len(tokens)


def _text(tokens: Sequence[Token]) -> str:
    parts = []
    for position, token in enumerate(tokens):
        if position and (token.gap or tokens[position - 1].colon):
            parts.append(" ")
        parts.append(token.text)
        if token.colon and position < len(tokens) - 1:
            parts.append(":")
    return "".join(parts).strip()
