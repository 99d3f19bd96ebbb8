from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.contract.datasets import CHUNK_BYTES
from edge_agent.errors import ConfigError
from edge_agent.fleet.snapshots import changed, chunked, read

ROWS = st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=20_000), max_size=20)


@given(ROWS)
def test_chunks_are_whole_lines_in_order(values: dict[str, str]) -> None:
    rows = [{"id": id_, "name": name} for id_, name in values.items()]
    chunks = chunked(rows)
    assert all(chunk.endswith(b"\n") and len(chunk) <= CHUNK_BYTES for chunk in chunks)
    assert [msgspec.json.decode(line) for line in b"".join(chunks).splitlines()] == rows


@given(ROWS, ROWS)
def test_a_change_makes_the_one_of_the_other(before: dict[str, str], after: dict[str, str]) -> None:
    old, new = ({id_: {"id": id_, "name": name} for id_, name in rows.items()} for rows in (before, after))
    change = changed(old, new)
    for id_ in change.deletes:
        del old[id_]
    assert old | {row["id"]: row for row in change.upserts} == new
    assert changed(new, new).upserts == []


def test_csv(tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_text('﻿id,name,price\n6901,"农夫山泉, 550ml",200\n\n6902,可口可乐,\n', "utf-8")
    assert read(file, "id") == {
        "6901": {"id": "6901", "name": "农夫山泉, 550ml", "price": "200"},
        "6902": {"id": "6902", "name": "可口可乐"},
    }


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.ndjson", '{"id": 1}\n{"id": "1"}', ":2: id '1' is given twice"),
        ("a.ndjson", '{"id": 1}\nnonsense\n[1]\n{}', ":2: is not JSON"),
        ("a.ndjson", "[1]", ":1: is not a JSON object"),
        ("a.ndjson", '\n{"name": "x"}', ":2: has no id"),
        ("a.ndjson", '{"id": true}', ":1: has no id"),
        ("a.ndjson", '{"id": 1, "x": "' + "y" * CHUNK_BYTES + '"}', ":1: has 65"),
        ("a.csv", "id,name\n1\n", ":2: has 1 cells, not 2"),
        ("a.csv", "id,id\n1,2\n", ":1: the first line names the columns, each once"),
        ("a.csv", "", ":1: the first line names the columns"),
        ("a.csv", 'id,name\n1,"open', "is not CSV"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    file = tmp_path / name
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        read(file, "id")
    assert message in str(caught.value)
    assert str(file) in str(caught.value)


def test_all_that_is_wrong_but_not_without_end(tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    file.write_text("{}\n" * 1_000)
    with pytest.raises(ConfigError, match="and 980 more"):
        read(file, "id")
