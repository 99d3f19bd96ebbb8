"""The words of receipts: what a printed label means, by language, as data in ``words/*.toml``."""

import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from re import compile as fixed  # constant patterns of this module only; those of the tables are RE2's
from typing import Any, TypeVar

import re2

K = TypeVar("K")
T = TypeVar("T")

# What traditional and Japanese forms share with simplified ones, for the characters that receipt words use.
_FOLD = str.maketrans(
    "應總計額單號實錢現銀員機據編發數價優讓續贖稅時間檯臺訂會點餘寶電貨項類帳賬結補廚復聯戶廢沖減禮儲門網軟"
    "収証釣預番領売買払込円軽対処請験検済検楽図伝録検圖國業務產產條碼紙張費餐廳賣買開關銷"
    "達遊幣紅貴營櫃隨載轉體獲稱備註區學車該顧經辦歸滿贈運進帶節約過遞"
    "預簽掛臨鈔雲閃團購則飲飯麵鋪東責師導專審離場財灣歐餓麼盤層劵離權驗閉記銷誤圓裝餅貼還編統構負參別種複報換積兌蹤終捨腦帐刪買條檯"
    "筆淨匯繳當換證錄訖與從確認級藥傳執線鐘話樓覽暫細說萬雙週彙壞貨紀憑對後臨製餘別麼豬雞鴨",
    "应总计额单号实钱现银员机据编发数价优让续赎税时间台台订会点余宝电货项类账账结补厨复联户废冲减礼储门网软"
    "収証釣預番領売買払込円軽対処请験検済検楽図伝録検图国业务产产条码纸张费餐厅卖买开关销"
    "达游币红贵营柜随载转体获称备注区学车该顾经办归满赠运进带节约过递"
    "预签挂临钞云闪团购则饮饭面铺东责师导专审离场财湾欧饿么盘层券离权验闭记销误圆装饼贴还编统构负参别种复报换积兑踪终舍脑账删买条台"
    "笔净汇缴当换证录讫与从确认级药传执线钟话楼览暂细说万双周汇坏货纪凭对后临制余别么猪鸡鸭",
)
# Labels repeat from slip to slip, names of goods do too; beyond this many the memory is begun anew.
_MEMORY = 4096
_WIDE = fixed(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_REMARK = fixed(r"\([^()]*\)|（[^（）]*）")
_RATE = fixed(r"[@(]?\d+(?:[.,]\d+)?\s*%\)?")
_MASKED = fixed(r"\S*[*xX•]{3,}[- ]?\d+\S*|\S*\d[*xX•-]{3,}\S*")
# What was done with a means of payment, before its name.
_TOLD = fixed(
    r"(?:(?:应|实|实际|已|本次|共|另|其中|部分|合计)?(?:原路)?(?:退|收|付|支付|支|找|返)(?:款|还|回|给|取|顾客|客户)?(?:至|到|入)?|"
    r"(?:其中|部分|剩余|本次|使用)|refund(?:ed)? (?:to|via|by|in)|paid (?:by|with|via|in)|payment -|by) ?(?=.)"
)
_MASKS = ("*", "•", "xx", "--")
_ADDED = ("(", "（", "%", "％")  # without one of these there is no remark and no rate
_FIGURES = fixed(r"(?:\d\D{0,2}){10}")  # a row with so many digits is no title
_EDGE = " \t—–─━【】「」『』《》〈〉〔〕:;,.*#-=+~_|/\\<>[](){}·•★☆●○◆◇■□▲△※→►﹍…'\"`、。！!?№"
# 總數 TOTAL and Total 總計
_BILINGUAL = fixed(
    r"([^\x00-\x7f]{2,12})[ /]+([A-Za-z][A-Za-z .]{2,24})|([A-Za-z][A-Za-z .]{2,24}?)[ /]+([^\x00-\x7f]{1,12})"
)
_BLANKS = fixed(r"\s+")
_DROP = fixed(r"[.:#*'№]")


SECTION_GROUPS = ("sections",)
MOVE_GROUPS = ("moves", "fields")
SLIP_GROUPS = ("never", "titles", "charges", "tenders", "money", "info", "fields")
# On a register's own report 销售 and NET SALES are figures of a day, and goods are none of its business.
REPORT_GROUPS = ("report", "tenders", "fields")


@dataclass(frozen=True, slots=True)
class Word:
    """What a label means: ``group`` (``money`` ``fields`` ``tenders`` …), ``role`` in it, ``rank`` (0: best)."""

    group: str
    role: str
    rank: int = 0


def is_wide(text: str) -> bool:
    """Tell whether the text holds Chinese, Japanese or Korean."""
    return not text.isascii() and _WIDE.search(text) is not None


@lru_cache(maxsize=_MEMORY)
def fold(text: str) -> str:
    """Return the text in the one form words are compared in: NFKC, lower case, simplified."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_FOLD)


def normal(label: str) -> str:
    """Return a label as the word tables spell it: folded, without decoration, and without blanks if it is CJK."""
    text = fold(label)
    if any(mark in text for mark in _MASKS):
        text = _MASKED.sub(" ", text)
    text = text.strip(_EDGE)
    if is_wide(text):
        return _BLANKS.sub("", text)
    return _BLANKS.sub(" ", _DROP.sub("", text)).strip()


def variants(label: str) -> tuple[str, ...]:
    """Return the forms to look a label up in: without remarks in brackets and without rates, then as printed."""
    full = normal(label)
    if not any(mark in label for mark in _ADDED):
        return (full,)
    bare = normal(_RATE.sub(" ", _REMARK.sub(" ", label)))
    return (full,) if bare == full or not bare else (bare, full)


class Lexicon:
    """The words of some languages, the first one's meaning first."""

    def __init__(
        self,
        tables: Iterable[Mapping[str, Any]],
        tenders: Mapping[str, str] | None = None,
        groups: Sequence[str] = SLIP_GROUPS,
    ) -> None:
        """``tenders``: a template's own, before all others; ``groups``: the tables to learn, the first one first."""
        self._groups = groups
        self._meanings = re2.Set.FullMatchSet(quiet())
        self._kinds = re2.Set.FullMatchSet(quiet())
        self._words: list[Word] = []
        self._kind_names: list[str] = []
        self.headings: dict[str, str] = {}
        self.memory: dict[tuple[int, str], Any] = {}  # rows as this lexicon reads them, see grid.rows
        self._known: dict[str, Word | None] = {}
        self._known_kinds: dict[str, tuple[str, ...]] = {}
        for pattern, kind in (tenders or {}).items():
            self._learn(pattern, Word("tenders", kind))
        for table in tables:
            self._add(table)
        self._meanings.Compile()
        self._kinds.Compile()

    def _add(self, table: Mapping[str, Any]) -> None:
        for group in self._groups:
            for role, patterns in table.get(group, {}).items():
                ranked = bool(patterns) and isinstance(patterns[0], list)
                for rank, same in enumerate(patterns if ranked else [patterns]):
                    for pattern in same:
                        self._learn(pattern, Word(_GROUPS.get(group, group), role, rank))
        for role, names in table.get("headings", {}).items():
            for name in names:
                self.headings.setdefault(_BLANKS.sub("", fold(name)), role)
        for group in ("kinds", "channels"):
            for name, patterns in table.get(group, {}).items():
                for pattern in patterns:
                    self._kinds.Add(fold_pattern(pattern))
                    self._kind_names.append(name if group == "kinds" else f"channel:{name}")

    def _learn(self, pattern: str, word: Word) -> None:
        self._meanings.Add(fold_pattern(pattern))
        self._words.append(word)

    def meaning(self, label: str) -> Word | None:
        """Return what a label means, or None. A label is what stands before a value, or a whole short row."""
        try:
            return self._known[label]
        except KeyError:
            found = self._look_up(label) if 0 < len(label) <= 40 else None
            return remember(self._known, label, found)

    def _look_up(self, label: str) -> Word | None:
        for text in variants(label):
            hits = _match(self._meanings, text)
            if hits:
                return self._inside(label, self._words[min(hits)])
        bare = variants(label)[-1]
        if (told := _TOLD.match(bare)) is not None:  # 实退现金 is cash
            word = self._look_up(bare[told.end() :])
            if word is not None and word.group == "tenders":
                return word
        parts = _BILINGUAL.fullmatch(_RATE.sub(" ", label).strip(_EDGE))
        found = [
            word for part in (parts.groups() if parts is not None else ()) if part and (word := self.meaning(part))
        ]
        return next((word for word in found if word.group != "info"), found[0] if found else None)

    def _inside(self, label: str, word: Word) -> Word:
        """Return what the brackets of a label say more exactly: ``移动支付(支付宝)``."""
        if word.group != "tenders" or word.role != "other":
            return word
        inside = [self.meaning(part[1:-1]) for part in _REMARK.findall(label)]
        return next((w for w in inside if w is not None and w.group == "tenders"), word)

    def role(self, label: str, group: str) -> str | None:
        """Return a label's role in a group, or None if it means nothing or something of another group."""
        word = self.meaning(label)
        return word.role if word is not None and word.group == group else None

    def kinds(self, text: str) -> tuple[str, ...]:
        """Return the kinds (or ``channel:name``) that a title names. Only whole titles count, not sentences."""
        try:
            return self._known_kinds[text]
        except KeyError:
            found: list[str] = []
            if 0 < len(text) <= 40 and _FIGURES.search(text) is None:
                inside = tuple(normal(part) for part in _REMARK.findall(text))
                for form in (*variants(text), *inside):
                    found += [self._kind_names[hit] for hit in _match(self._kinds, form)]
            return remember(self._known_kinds, text, tuple(dict.fromkeys(found)))


def fold_pattern(pattern: str) -> str:
    """Return a pattern in the form labels are folded to; RE2's escapes stay."""
    return pattern.translate(_FOLD)


# Tables that are looked at first, and what their words are then.
_GROUPS = {"never": "info", "titles": "fields", "charges": "money"}


def remember(known: dict[K, T], key: K, value: T, most: int = _MEMORY) -> T:
    """Keep what was found out and return it; beyond ``most`` entries the memory is begun anew."""
    if len(known) >= most:
        known.clear()
    known[key] = value
    return value


def _match(patterns: re2.Set, text: str) -> Sequence[int]:
    return (patterns.Match(text) or ()) if text else ()


def quiet() -> re2.Options:
    """Return RE2 options that raise on a bad pattern without writing to stderr as well."""
    options = re2.Options()
    options.log_errors = False
    return options


@cache
def table(language: str) -> dict[str, Any]:
    """Return a shipped word table."""
    text = files("edge_agent.receipts").joinpath("words", f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
