"""From printed rows to words, and from words to what is labelled: ``应收:16.00 实收:20.00`` is two pairs."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edge_agent.receipts.amounts import Number, parse
from edge_agent.receipts.tokens import Token, tokens
from edge_agent.receipts.words import Lexicon, Word, is_wide, remember

_FRAME = re.compile(r"[|│┃¦【】《》「」『』\[\]]")
_RULE = re.compile(r"[-=_*~.·•─━—–+#<>^ ー□☆★]{3,}")
_GLUED_FIELD = re.compile(
    r"(?P<mark>[^\d\W]{1,8}[.#])(?P<coded>[A-Za-z]{1,4}\d[\w-]{0,30})|(?P<label>[^\d\W][^\d]{0,8}?[.#]?)(?P<value>\d[\w-]{0,30})|"
    r"(?P<wide>[^\x00-\x7f]{2,8})(?P<lettered>[A-Za-z]{1,4}-?\d[\w-]{0,30})"
)
_LETTERED = re.compile(r"([^\x00-\x7f]{2,8})([A-Za-z]{1,4}-?\d[\w-]{0,30})")  # 单号LS261114210012
_NO = re.compile(r"No\.?\d")  # what № becomes
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d)?(?:[ap]\.?m?\.?)?", re.IGNORECASE)
_GROUP = re.compile(r"\d{4}")
_MEMORY = 512  # rows, some 2 KB each; heads, headings, labels and rules repeat from slip to slip
_SINGLE = re.compile(r"(?:(?<=\s)|^)(\S)((?:\s+\S)+)(?=\s*:|\s*$|\s+[\d¥￥$(-])")
_LONGEST_LABEL = 6  # words; "AMOUNT OF GST INCLUDED IN TOTAL" is as long as a label gets before it is a sentence

_WIDEST_GAP = 2  # blanks inside a label; more of them separate columns


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
    words = tokens(text)
    return Row(index, text, words, tuple(_pairs(words, lexicon)))


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
        end = begin if _says_it_itself(label, word) else _value_end(tokens, begin, lexicon)
        value = tokens[begin:end]
        yield Pair(label, word, _text(value), tuple(t.number for t in value if t.number is not None))
        index = max(end, begin)


def _says_it_itself(label: str, word: Word) -> bool:
    """Tell whether a count is in its label: ``共4件 总计   11.00``."""
    return word.role == "count" and any(letter.isdigit() for letter in label)


def _glued_pair(tokens: Sequence[Token], index: int, lexicon: Lexicon) -> tuple[Pair, int] | None:
    """Return ``机号001`` ``No.1234`` ``TRN#8830 4471 0093`` as label and value, and where the next label may start."""
    match = _GLUED_FIELD.fullmatch(tokens[index].text)
    if match is None:
        return None
    label = match["label"] or match["mark"] or match["wide"]
    value = match["value"] or match["coded"] or match["lettered"]
    word = lexicon.meaning(label)
    if word is None and (lettered := _LETTERED.fullmatch(tokens[index].text)) is not None:
        label, value = lettered.groups()
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
        if word is not None and (_is_label(tokens, index, end, word) or _paid_by(tokens, end, word, lexicon)):
            return text, word, end
    return None


def _paid_by(tokens: Sequence[Token], end: int, word: Word, lexicon: Lexicon) -> bool:
    """Tell whether a word for paying is followed by the means: ``支付 微信   10.50``."""
    return word.role in ("net", "method") and lexicon.role(tokens[end].text, "tenders") is not None


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
    if first is not None and not first.rate:
        return True
    numbers = [t.number for t in tokens if t.number is not None and not t.number.rate]
    return any(n.money or n.places == 2 or (not n.places and abs(n.value) >= 100) for n in numbers)


def _is_label(tokens: Sequence[Token], index: int, end: int, word: Word) -> bool:
    """Tell whether a known word here is a label and not the beginning of a name."""
    if tokens[end - 1].colon or end == len(tokens) or _says_it_itself(tokens[end - 1].text, word):
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
            if token.number is None and (_label_at(tokens, index, lexicon) or _glued_pair(tokens, index, lexicon)):
                return index
        elif tokens[index].number is None and tokens[index].gap >= 1 and begin > 0 and _ahead(tokens, index, lexicon):
            return index
    return len(tokens)


def _ahead(tokens: Sequence[Token], index: int, lexicon: Lexicon) -> bool:
    """Tell whether a label with its own colon or value starts here, so that the one before it has no value."""
    found = _label_at(tokens, index, lexicon)
    if found is None:
        return False
    numbered = found[2] < len(tokens) and tokens[found[2]].number is not None
    return tokens[found[2] - 1].colon or (tokens[index].gap >= 2 and found[1].group == "fields" and numbered)


def _next_start(tokens: Sequence[Token], index: int) -> int:
    """Return the next place where a label may start: after a wide gap, a colon or a number."""
    for at in range(index + 1, len(tokens)):
        before = tokens[at - 1]
        text = tokens[at].text
        marked = "#" in text[1:] or _NO.match(text) is not None
        timed = ":" in before.text and _CLOCK.fullmatch(before.text) is not None  # 9:05PM TOTAL DUE 39.06
        if tokens[at].gap >= 2 or before.colon or before.number is not None or marked or timed:
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
