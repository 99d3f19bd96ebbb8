"""Which printed values number a slip: the same label on all, another value on each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.receipts.teach.slip import Opened, label_key
from edge_agent.receipts.words import Lexicon, fold

# A label and its value: 票 LS-0092, Beleg: 4471, 取单码#88; the value holds a digit and is no amount and no time.
_VALUE = re.compile(
    r"(?P<label>[^\d\s:#][^\d:#]*?)\s*[:#]?\s*(?P<value>(?:[A-Za-z]{1,6}[-/]?)?\d[A-Za-z\d/_-]*)(?=\s|$)"
)
_TIME = re.compile(r"\d{1,2}:\d\d|(?:20)?\d\d[-/.年]\d{1,2}[-/.月]\d{1,4}")
_AMOUNT = re.compile(r"[.,]\d{1,4}(?!\d)")
_TOKEN = re.compile(r"\*[a-z]{3,}")  # what redaction puts in a secret's place
_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")
_FEWEST_DIGITS = 2
_SHORTEST_CLAIM = 3  # characters: 小票 claims everybody's slips
_CLAIMS = 2
_LONGEST_NUMBER = 24  # characters
_NUMBER_VALUE = r"([A-Za-z]{0,6}[-/]?\d[A-Za-z\d/_-]*)"


@dataclass(frozen=True, slots=True)
class Numbered:
    """A label that all slips have, with the value each prints after it."""

    key: str
    label: str
    values: tuple[str, ...]

    @property
    def likely(self) -> int:
        """Return how much it looks like the receipt's number: other on every slip, and the longer the better.

        0: it is none. Beyond 24 characters it is the payment service's own number (28 at WeChat and Alipay).
        """
        longest = max(map(len, self.values))
        distinct = len(set(self.values)) == len(self.values)
        return longest if distinct and longest <= _LONGEST_NUMBER else 0

    @property
    def pattern(self) -> str:
        """Return the template's pattern of the field."""
        return rf"{escaped(self.label)}\s*[:#]?\s*{_NUMBER_VALUE}"


def numbered(slips: Sequence[Sequence[Opened]]) -> list[Numbered]:
    """Return the labels whose values may number a slip, a till or a person at it; in the order they are printed."""
    found = [_values(slip) for slip in slips]
    shared = [key for key in found[0] if all(key in values for values in found)]
    return [Numbered(key, found[0][key][0], tuple(values[key][1] for values in found)) for key in shared]


def _values(slip: Sequence[Opened]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for opened in slip:
        text = opened.row.text
        if opened.row.rule or _TOKEN.search(text):
            continue
        for match in _VALUE.finditer(_TIME.sub(" ", text)):
            digits = sum(character.isdigit() for character in match["value"])
            rest = match.string[match.end("value") :]
            key = label_key(match["label"])
            if key and digits >= _FEWEST_DIGITS and not _AMOUNT.match(rest):
                found.setdefault(key, (match["label"].strip(), match["value"]))
    return found


def claims(slips: Sequence[Sequence[Opened]], lexicon: Lexicon) -> tuple[str, ...]:
    """Return patterns of rows by which slips of this layout are told from others: the same on all, and nobody's data.

    The first row of the head, mostly the shop's name, and the first below it in words no table knows; of the foot only
    where the head has none, for what is printed there many shops print.
    """
    texts = [{row.key for row in slip if _telling(row)} for slip in slips]
    shared = set.intersection(*texts)
    first_amount = next((row.row.index for row in slips[0] if row.amounts), 0)
    order = [row for row in slips[0] if row.key in shared and not _is_common(row, lexicon)]
    head = [row for row in order if row.row.index < first_amount]
    rows = [" ".join(row.printed.split()) for row in (head[:_CLAIMS] or order[:1])]
    return tuple(r"^\s*" + escaped(row).replace(" ", r"\s+") for row in rows)


def _telling(opened: Opened) -> bool:
    text = opened.row.text.strip()
    plain = opened.key.startswith("text ") and not opened.row.rule and len(text) >= _SHORTEST_CLAIM
    return plain and not any(character.isdigit() for character in text) and _TOKEN.search(text) is None


def _is_common(opened: Opened, lexicon: Lexicon) -> bool:
    """Tell whether a row is of words that other layouts use: a heading of goods, a title, a label."""
    words = [fold(token.text) for token in opened.row.tokens]
    heading = sum(word in lexicon.headings for word in words) * 2 >= len(words)
    return heading or bool(opened.row.pairs) or bool(lexicon.kinds(opened.row.text.strip()))


def escaped(text: str) -> str:
    """Return a text as an RE2 pattern that finds it."""
    return _SPECIAL.sub(r"\\\1", text)
