"""Whatever lies in the two files: a Config, or an InvalidConfigError that names at least one problem."""

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.config import InvalidConfigError, load
from tests.unit.config.conftest import AGENT, STORE

ODD = [
    "[[",
    "]",
    "{",
    "}",
    '"',
    "'''",
    '"""',
    "=",
    ".",
    "#",
    "\n",
    "\\u0000",
    "0x" + "f" * 40,
    "nan",
    "2026-01-01",
    "[[[]]]",
]
VALUES = ["1", "-1", "1.5", "true", '""', '"x"', "[]", "{}", "[1]", "[{}]", "{ id = 1 }", "inf", "12:00:00", "1e999"]


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    rows = text.splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(rows) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                rows[at] = ""
            case 1:
                rows.insert(at, draw(st.sampled_from(rows)))
            case 2:
                rows[at] = rows[at].partition("=")[0] + "= " + draw(st.sampled_from(VALUES))
            case 3:
                spot = draw(st.integers(0, len(rows[at])))
                rows[at] = rows[at][:spot] + draw(st.sampled_from(ODD)) + rows[at][spot:]
            case _:
                rows[at] = draw(st.text(max_size=20))
    return "\n".join(rows)


def check(agent: bytes, store: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "agent.toml").write_bytes(agent)
        (folder / "store.toml").write_bytes(store)
        with suppress(InvalidConfigError):
            load(folder / "agent.toml")
            return
        with pytest.raises(InvalidConfigError) as caught:
            load(folder / "agent.toml")
        assert caught.value.problems
        assert len(str(caught.value).splitlines()) == len(caught.value.problems)


@settings(max_examples=400)
@given(mutated(AGENT), mutated(STORE))
def test_mutated_files(agent: str, store: str) -> None:
    check(agent.encode("utf-8", "surrogatepass"), store.encode("utf-8", "surrogatepass"))


@settings(max_examples=100)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_arbitrary_bytes(agent: bytes, store: bytes) -> None:
    check(agent, store)
    check(AGENT.encode(), store)
