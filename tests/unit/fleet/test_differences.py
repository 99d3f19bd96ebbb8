from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.fleet.differences import differences

PRINTER = {"id": "till-1-printer", "kind": "serial", "baudrate": 9600, "templates": ["zh-retail"]}
STORE: dict[str, Any] = {
    "store": {"name": "人民广场店", "currency": "CNY"},
    "zone": [{"id": "checkout"}],
    "touchpoint": [{"id": "till-1"}, {"id": "till-2"}],
    "device": [PRINTER, {"id": "scale", "kind": "tcp"}],
    "receipt_template": [{"name": "own", "samples": [{"text": "合计"}]}],
}


def changed(**tables: Any) -> dict[str, Any]:
    return deepcopy(STORE) | tables


def said(after: dict[str, Any], before: dict[str, Any] = STORE) -> list[str]:
    return [str(difference) for difference in differences(before, after)]


def test_a_field_of_a_row_is_named_by_the_row_s_id() -> None:
    assert said(changed(device=[PRINTER | {"baudrate": 19200}, STORE["device"][1]])) == [
        "device[till-1-printer].baudrate: 9600 → 19200"
    ]


def test_rows_are_matched_by_id_wherever_they_stand() -> None:
    device = [{"id": "new", "kind": "tcp"}, STORE["device"][1], PRINTER | {"name": "小票"}]
    assert said(changed(device=device)) == [
        'device[till-1-printer].name: + "小票"',
        'device[new]: + {"id":"new","kind":"tcp"}',
        'device (order): ["till-1-printer","scale"] → ["scale","till-1-printer"]',
    ]


def test_a_row_that_goes_is_one_difference() -> None:
    assert said(changed(touchpoint=[{"id": "till-2"}])) == ['touchpoint[till-1]: - {"id":"till-1"}']


def test_a_list_of_rows_that_was_not_there_is_told_row_by_row() -> None:
    before = {key: value for key, value in STORE.items() if key != "zone"}
    assert said(STORE, before) == ['zone[checkout]: + {"id":"checkout"}']
    assert said(before, STORE) == ['zone[checkout]: - {"id":"checkout"}']


def test_templates_go_by_name_and_their_samples_as_one() -> None:
    template = [{"name": "own", "samples": [{"text": "总计"}]}]
    assert said(changed(receipt_template=template)) == [
        'receipt_template[own].samples: [{"text":"合计"}] → [{"text":"总计"}]'
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, True), (0, False), ("1", 1), ([], {}), ([1], [True]), ([], ""), ([{"a": 1}], [{"a": True}])],
)
def test_what_json_tells_apart_is_different(before: Any, after: Any) -> None:
    assert len(differences({"key": before}, {"key": after})) == 1


def test_a_long_value_is_cut_for_people_and_whole_for_programs() -> None:
    [difference] = differences({"key": "a"}, {"key": "b" * 500})
    assert len(str(difference)) < 100
    assert difference.after == "b" * 500


NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x"])
ROWS = st.lists(
    st.dictionaries(st.sampled_from(["id", "name", "x"]), SCALARS | NAMES, max_size=3)
    | st.fixed_dictionaries({"id": NAMES, "x": SCALARS}),
    max_size=3,
)
TABLES = st.dictionaries(
    NAMES, SCALARS | ROWS | st.lists(SCALARS, max_size=2) | st.dictionaries(NAMES, SCALARS), max_size=3
)


def as_json(value: Any) -> Any:
    """Tell true from 1, as Python's == does not."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return type(value).__name__, value


@given(TABLES, TABLES)
def test_there_are_differences_exactly_where_there_is_one(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert (differences(before, after) == ()) == (as_json(before) == as_json(after))
    assert differences(before, deepcopy(before)) == ()
