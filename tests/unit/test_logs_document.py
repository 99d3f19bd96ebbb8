"""docs/logs.md is complete and true, and every line of the log keeps to the rules it gives."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import edge_agent
from edge_agent.log import LEVELS

SOURCES = Path(edge_agent.__file__).parent
DOCUMENT = (SOURCES.parent / "docs" / "logs.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\w+)` \| ([\w, ]+) \| (.*?) \| (.+) \|$", re.MULTILINE)
METHODS = {*LEVELS, "exception", "critical"}
# What ``log.defect`` adds, and the one line that is written where there is no logger.
DEFECT = {"error", "traceback"}
BELOW_THE_LOGGER = {"log_lines_lost": ("warning", {"count"})}
# The only calls that hand on what somebody else has named: the limit of the log and ``log.defect``.
HANDED_ON = {"log.py"}


@cache
def calls() -> tuple[tuple[str, str, str | None, set[str]], ...]:
    """Return every log call: where it is, its level, its event's name (None: no literal), its fields."""
    return tuple(_calls())


def _calls() -> Iterator[tuple[str, str, str | None, set[str]]]:
    for path in sorted(SOURCES.rglob("*.py")):
        if "log" not in (text := path.read_text("utf-8")):  # to parse all of it takes seconds
            continue
        tree = ast.parse(text)
        defects = {
            name.asname or name.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "edge_agent.log"
            for name in node.names
            if name.name == "defect"
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (level := level_of(node.func, defects)):
                name = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
                fields = {word.arg or "…" for word in node.keywords}
                fields |= DEFECT if isinstance(node.func, ast.Name) else set()
                where = f"{path.relative_to(SOURCES)}:{node.lineno}"
                yield where, level, name if isinstance(name, str) else None, fields


def level_of(function: ast.expr, defects: set[str]) -> str | None:
    """Return the level that a call logs at, or None: it logs nothing."""
    match function:
        case ast.Name(id=name) if name in defects:
            return "error"
        case ast.Attribute(value=ast.Name(id="log" | "_log"), attr=name) if name in METHODS:
            return name
        case ast.Attribute(value=ast.Call(func=ast.Attribute(attr="get_logger")), attr=name) if name in METHODS:
            return name
    return None


def test_an_event_is_a_name_and_not_a_sentence() -> None:
    wrong = [
        (where, name)
        for where, _, name, _ in calls()
        if where.partition(":")[0] not in HANDED_ON and not re.fullmatch(r"[a-z]+(_[a-z]+)*", name or "")
    ]
    assert wrong == []


def test_no_line_has_what_a_slip_a_tag_or_a_message_says() -> None:
    """The errors' own messages may quote it, hence ``places``; a field that is one of these does in any case."""
    held = {"payload", "text", "raw", "body", "data", "password", "secret", "code_given", "uid", "member", "exc_info"}
    assert [(where, fields & held) for where, _, _, fields in calls() if fields & held] == []
    assert not [where for where, level, _, _ in calls() if level == "exception"], "its message stands in the log"


def test_the_document_names_every_event_with_its_levels_and_fields() -> None:
    said: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for _, level, name, fields in calls():
        if name is not None:
            said[name][0].add(level)
            said[name][1].update(fields)
    for name, (level, fields) in BELOW_THE_LOGGER.items():
        said[name][0].add(level)
        said[name][1].update(fields)
    told = {row[0]: (set(row[1].split(", ")), set(re.findall(r"`([\w…]+)`", row[2]))) for row in ROW.findall(DOCUMENT)}
    assert told == dict(said)


def test_each_event_stands_there_once_in_order() -> None:
    names = [row[0] for row in ROW.findall(DOCUMENT)]
    assert names == sorted(set(names))
