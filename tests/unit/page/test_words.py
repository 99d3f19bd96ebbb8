"""The page's words: the two files say the same things, every text is used, and times and amounts read well."""

import ast
import re
import string
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import edge_agent
from edge_agent.clock import Moment, TimeQuality
from edge_agent.page import words as module
from edge_agent.page.money import money
from edge_agent.page.times import lasting, on_day, when
from edge_agent.page.words import LANGUAGES, Words, preferred, words

SOURCES = Path(edge_agent.__file__).parent
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = Moment(1_763_787_600_000, 0, "boot", TimeQuality.SYNCED)  # 2025-11-22 13:00 in Shanghai
HOUR, DAY = 3_600_000, 86_400_000
HAN = "[\u3400-\u9fff]"
# Read whole, or by a key that is put together from what the code has at hand.
WHOLE = ("condition.", "step.", "time.month.", "money.", "hero.level.")


def texts(language: str) -> dict[str, str]:
    return words(language)._texts


def plain(key: str) -> str:
    return re.sub(r"\.(one|other)$", "", key)


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_files_have_the_same_keys_and_the_same_names_to_fill_in() -> None:
    chinese, english = texts("zh"), texts("en")
    assert {plain(key) for key in chinese} == {plain(key) for key in english}
    assert words("zh")._lists == words("en")._lists
    for key, text in english.items():
        other = chinese.get(key) or chinese.get(plain(key)) or chinese[f"{plain(key)}.other"]
        allowed = names(other) - {"count"} if key.endswith(".one") else names(other)
        assert allowed <= names(text) <= names(other), key


def test_one_never_comes_without_many() -> None:
    for language in LANGUAGES:
        keys = texts(language).keys()
        assert {key for key in keys if key.endswith(".one") and f"{plain(key)}.other" not in keys} == set()


def test_every_text_is_used() -> None:
    """A key stands in the sources or templates: whole, or as the beginning of one that is put together."""
    said: set[str] = set()
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                said.add(node.value)
    pages = "".join(path.read_text("utf-8") for path in (SOURCES / "page" / "templates").rglob("*.html"))
    said |= set(re.findall(r"[\w.]+", pages)) | {f"page.{name}" for name in re.findall(r"\bt\.(\w+)", pages)}
    begun = tuple(text for text in said if re.fullmatch(r"(\w+\.)+", text))
    tables = tuple(f"{text}." for text in said if re.fullmatch(r"\w+(\.\w+)*", text) and text in TABLES)
    unused = {
        key for key in map(plain, texts("zh")) if key not in said and not key.startswith((*WHOLE, *begun, *tables))
    }
    assert unused == set()


TABLES = {
    node.args[0].value
    for path in (SOURCES / "page").rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text("utf-8")))
    if isinstance(node, ast.Call)
    and isinstance(node.func, ast.Attribute)
    and node.func.attr == "table"
    and node.args
    and isinstance(node.args[0], ast.Constant)
} | {"status.proof"} - {"page"}


def test_every_key_the_sources_name_exists() -> None:
    known = {plain(key) for key in texts("zh")} | set(texts("zh"))
    for path in [*(SOURCES / "page").rglob("*.py"), *(SOURCES / "commands").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and node.args and _named(node.func) == "say"):
                continue
            match node.args[0]:
                case ast.Constant(value=str(key)):
                    assert key in known, f"{path.name}: {key}"
                case ast.JoinedStr(values=[ast.Constant(value=str(begin)), *_]):
                    assert any(key.startswith(begin) for key in known), f"{path.name}: {begin}…"


def _named(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_chinese_is_written_as_chinese_is() -> None:
    for key, text in texts("zh").items():
        assert re.search(rf"{HAN}[,.;:?!()]|[,;?!]{HAN}", text) is None, f"{key}: {text}"
        assert text == text.strip(), key


def test_english_has_no_chinese_and_no_double_spaces() -> None:
    for key, text in texts("en").items():
        assert re.search(rf"{HAN}|[，。：；？！（）]", text) is None or key.startswith("page.other"), f"{key}: {text}"
        assert "  " not in text, key
        assert text == text.strip() or key.startswith("status."), key


def test_say_fills_in_names_and_tells_one_from_many() -> None:
    own = Words("en", {"a": {"left": {"one": "one left", "other": "{count} left"}, "hi": "hi {name}", "list": ["x"]}})
    assert own.say("a.hi", name="王芳") == "hi 王芳"
    assert [own.say("a.left", count=count) for count in (0, 1, 2)] == ["0 left", "one left", "2 left"]
    assert own.table("a") == {"hi": "hi {name}", "left.one": "one left", "left.other": "{count} left"}
    assert own.lists("a") == {"list": ("x",)}
    for wrong in ("b", "a", "a.left", "a.list"):
        with pytest.raises(KeyError):
            own.say(wrong)
    with pytest.raises(KeyError):
        own.say("a.hi")
    with pytest.raises(KeyError):
        own.table("b")


def test_a_file_is_read_once_and_only_ours_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    first = words("zh")
    monkeypatch.setattr(module, "_TEXTS", Path("/nowhere"))
    assert words("zh") is first
    for unknown in ("de", "", "../en", "EN"):
        with pytest.raises(KeyError):
            words(unknown)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "default"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB,en;q=0.9,zh;q=0.8", "en"), ("zh-Hant-TW", "zh"),
        ("de,fr;q=0.9", "default"), ("de, en;q=0.5, zh;q=0.7", "zh"), ("EN", "en"), ("*", "default"),
        ("en;q=0, zh;q=0.1", "zh"), ("en;q=0", "default"), ("en;q=nan", "default"), ("en;q=2,zh;q=0.1", "zh"),
        ("en;level=1", "default"), (";;;,,,q=", "default"), ("english", "default"), ("en ; q=0.3 , zh", "zh"),
        ("," * 100_000 + "en", "default"),
    ],
)  # fmt: skip
def test_the_browsers_language(header: str, language: str) -> None:
    assert preferred(header, "default") == language


def test_a_moment_is_told_as_seen_from_now() -> None:
    before = NOW.wall_ms
    told = {
        before: ("13:00", "13:00"),
        before - 13 * HOUR: ("00:00", "00:00"),
        before - 13 * HOUR - 1: ("昨天 23:59", "yesterday 23:59"),
        before - 19 * DAY: ("11月3日 13:00", "3 Nov 13:00"),
        before - 365 * DAY: ("2024年11月22日 13:00", "22 Nov 2024 13:00"),
        before + 2 * DAY: ("11月24日 13:00", "24 Nov 13:00"),
    }
    for wall_ms, expected in told.items():
        assert (when(wall_ms, NOW, SHANGHAI, "zh"), when(wall_ms, NOW, SHANGHAI, "en")) == expected
    assert when(before - 13 * HOUR, NOW, ZoneInfo("UTC"), "en") == "yesterday 16:00"


def test_a_business_day_is_told_as_seen_from_today() -> None:
    days = ("2025-11-22", "2025-11-21", "2025-11-03", "2024-12-31")
    assert [on_day(day, "2025-11-22", "zh") for day in days] == ["今天", "昨天", "11月3日", "2024年12月31日"]
    assert [on_day(day, "2025-11-22", "en") for day in days] == ["today", "yesterday", "3 Nov", "31 Dec 2024"]


@pytest.mark.parametrize(
    ("ms", "chinese", "english"),
    [
        (0, "不到1分钟", "less than a minute"), (60_000, "约1分钟", "about a minute"),
        (170_000, "约3分钟", "about 3 minutes"), (119 * 60_000, "约119分钟", "about 119 minutes"),
        (2 * HOUR, "约2小时", "about 2 hours"), (47 * HOUR, "约47小时", "about 47 hours"),
        (60 * HOUR, "约2天", "about 2 days"), (90 * DAY, "约90天", "about 90 days"),
    ],
)  # fmt: skip
def test_a_duration_is_told_roundly(ms: int, chinese: str, english: str) -> None:
    assert (lasting(ms, "zh"), lasting(ms, "en")) == (chinese, english)


@pytest.mark.parametrize(
    ("minor", "currency", "told"),
    [
        (842_000, "CNY", "¥8,420.00"), (5, "HKD", "HK$0.05"), (-2_050, "EUR", "-€20.50"), (0, "CNY", "¥0.00"),
        (1_234_567, "KRW", "₩1,234,567"), (500, "JPY", "JP¥500"), (100, "THB", "THB\u00a01.00"),
        (123_456_789_012, "CNY", "¥1,234,567,890.12"), (-1, "CNY", "-¥0.01"),
    ],
)  # fmt: skip
def test_an_amount(minor: int, currency: str, told: str) -> None:
    assert money(minor, currency, "zh") == money(minor, currency, "en") == told
