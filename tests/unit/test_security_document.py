"""docs/security.md is true: each test and each module that it names exists."""

import ast
import re
from pathlib import Path

import pytest

import edge_agent

SOURCES = Path(edge_agent.__file__).parent
TESTS = SOURCES.parent / "tests"
DOCUMENT = (SOURCES.parent / "docs" / "security.md").read_text("utf-8")
ATTACKS = re.findall(r"^\| (.+?) \| (.*?) \| (.*?) \| (.*?) ?\|$", DOCUMENT.partition("## Attacks")[2], re.MULTILINE)[
    2:
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack[0])
def test_each_attack_is_shown_by_tests_that_exist(attack: tuple[str, ...]) -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", attack[2])
    assert named
    assert len(named) == attack[2].count("::")
    for file, name in named:
        tree = ast.parse((TESTS / file).read_text("utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert name in functions, (file, name)


def test_modules_exist() -> None:
    modules = set(re.findall(r"`([\w/]+\.py)`", DOCUMENT))
    assert modules
    assert [module for module in modules if not (SOURCES / module).is_file()] == []


def test_it_is_linked() -> None:
    assert "docs/security.md" in (SOURCES.parent / "SECURITY.md").read_text("utf-8")
