import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.config import lines
from edge_agent.config.problems import Loc

EXAMPLES = Path(__file__).parents[3] / "config"


def paths(value: Any, at: Loc = ()) -> Iterator[Loc]:
    if at:
        yield at
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*at, index))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1\nb = 2", {("a",): 1, ("b",): 2}),
        ("\n# a = 1\n[t]\n\n  a = 1 # b = 2\n", {("t",): 3, ("t", "a"): 5}),
        ("[t]\r\na = 1\r\nb = 2\r\n", {("t",): 1, ("t", "a"): 2, ("t", "b"): 3}),
        ("a.b.c = 1\na.d = 2", {("a",): 1, ("a", "b"): 1, ("a", "b", "c"): 1, ("a", "d"): 2}),
        ("[[d]]\nx = 1\n[[d]]\nx = 2", {("d",): 1, ("d", 0): 1, ("d", 0, "x"): 2, ("d", 1): 3, ("d", 1, "x"): 4}),
        (
            "[[d]]\n[d.f]\nx = 1\n[[d]]\n[d.f]\nx = 2",
            {("d", 0): 1, ("d", 0, "f"): 2, ("d", 0, "f", "x"): 3, ("d", 1): 4, ("d", 1, "f", "x"): 6},
        ),
        ("[[a]]\n[[a.b]]\n[[a.b]]\nx = 1", {("a", 0, "b", 0): 2, ("a", 0, "b", 1): 3, ("a", 0, "b", 1, "x"): 4}),
        ("a = [\n  1,\n  # two\n  2,\n]\nb = 3", {("a",): 1, ("a", 0): 2, ("a", 1): 4, ("b",): 6}),
        ("k = [\n { id = 1, r = [1] },\n { id = 2 } ]", {("k", 0, "id"): 2, ("k", 0, "r", 0): 2, ("k", 1, "id"): 3}),
        ('a = """\nx = 1\n""\\"" ]\n"""\nb = 1', {("a",): 1, ("b",): 5}),
        ("a = '''\nx = 1\n'''''\nb = 1", {("a",): 1, ("b",): 4}),
        ('a = """a"""""\nb = 1', {("a",): 1, ("b",): 2}),
        ('"a b".\'c.d\' = "]"\n"\\u4e2d" = 1', {("a b", "c.d"): 1, ("中",): 2}),
        ("a = 1979-05-27 07:32:00\nb = [1979-05-27 07:32:00, 1]\nc = 1", {("a",): 1, ("b", 1): 2, ("c",): 3}),
        ("[ t . u ]\na = { }\nb = []", {("t", "u"): 1, ("t", "u", "a"): 2, ("t", "u", "b"): 3}),
    ],
)
def test_each_key_has_its_line(text: str, expected: dict[Loc, int]) -> None:
    found = lines.find(text)

    assert {loc: found.lines[loc] for loc in expected} == expected
    assert set(found.lines) == set(paths(tomllib.loads(text)))
    assert found.repeated == []


def test_keys_given_twice_are_all_found() -> None:
    found = lines.find("a = 1\na = 2\n[t]\nb.c = 1\nb.c = 2\n[t]\n[[d]]\nx = 1\n[[d]]\nx = 1\nx = 2\n")

    assert found.repeated == [(("a",), 2), (("t", "b", "c"), 5), (("t",), 6), (("d", 1, "x"), 11)]


@pytest.mark.parametrize(
    "text", ["a =", "[", "[[a", "a = [1", "a = {", "a = [1 2]", '"\\q" = 1', "= 1", "a = " + "[" * 9999]
)
def test_text_that_is_no_toml_is_read_as_far_as_it_goes(text: str) -> None:
    assert ("ok",) in lines.find("ok = 1\n" + text).lines


@pytest.mark.parametrize("file", sorted(EXAMPLES.rglob("*.toml")), ids=lambda file: str(file.relative_to(EXAMPLES)))
def test_the_lines_hold_the_keys(file: Path) -> None:
    text = file.read_text("utf-8")
    found = lines.find(text)

    assert set(found.lines) == set(paths(tomllib.loads(text)))
    for loc, line in found.lines.items():
        if isinstance(loc[-1], str):
            assert loc[-1] in text.splitlines()[line - 1]


def test_whatever_tomllib_accepts_is_placed() -> None:
    """Seeded mutations of the examples: where they are still TOML, the scanner sees exactly tomllib's keys."""
    random_ = random.Random(20261122)
    texts = [file.read_text("utf-8") for file in sorted(EXAMPLES.rglob("*.toml"))]
    accepted = 0
    for _ in range(1500):
        text = mutated(random_.choice(texts), random_)
        try:
            table = tomllib.loads(text)
        except ValueError:
            lines.find(text)
            continue
        accepted += 1
        assert set(lines.find(text).lines) == set(paths(table)), text
    assert accepted > 100


def mutated(text: str, random_: random.Random) -> str:
    rows = text.splitlines(keepends=True)
    for _ in range(random_.randint(1, 4)):
        at = random_.randrange(len(rows))
        match random_.randrange(4):
            case 0:
                del rows[at]
            case 1:
                rows.insert(at, random_.choice(rows))
            case 2:
                rows[at] = rows[at].replace("#", "", 1)
            case _:
                spot = random_.randrange(len(rows[at]) + 1)
                rows[at] = rows[at][:spot] + random_.choice("\"'[]{}=.,#\n\\0a ") + rows[at][spot + 1 :]
        rows = rows or ["\n"]
    return "".join(rows)
