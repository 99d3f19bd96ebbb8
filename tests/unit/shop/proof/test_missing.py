"""Numbers never seen: named where a workstation counts one by one, and nowhere else."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.shop.proof.missing import LISTED, missing


def numbers(*ranges: Iterable[int], form: str = "20261122{:06}") -> list[str]:
    return [form.format(value) for one in ranges for value in one]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (numbers(range(1, 20)), []),
        (numbers(range(1, 10), range(11, 20)), numbers([10])),
        (numbers(range(1, 10), range(12, 20), form="A-{}"), []),  # another width, two jumps at once
        (numbers(range(101, 110), range(112, 120), form="A-{}"), ["A-110", "A-111"]),
        (numbers([1, 2, 4]), []),  # too few to know that it counts
        (numbers([1, 4, 5, 9, 10, 14, 15, 19, 21]), []),  # tills that share a counter
        (numbers(range(1, 10), range(11, 15), [10], range(15, 20)), []),  # a slip that came late
        (numbers(range(1, 30), range(1, 10), range(11, 30)), numbers([10])),  # the counter began again
        (numbers(range(500, 530), range(1, 9)), []),
        (numbers(range(1, 30), range(900, 930)), []),  # another roll
        (numbers(range(1, 6), [5], range(6, 9)), []),  # one twice
        (["x", "第", *numbers(range(1, 6), [7])], numbers([6])),
        ([], []),
    ],
)
def test_missing(seen: list[str], expected: list[str]) -> None:
    assert list(missing(seen)) == expected


def test_a_long_list_is_cut_and_says_so() -> None:
    found = missing(numbers(range(1, 30), range(200, 230)))
    assert (len(found), found[0], found[-1]) == (LISTED + 1, "20261122000030", f"+{170 - LISTED}")


@given(st.integers(0, 10**6), st.integers(10, 300), st.data())
def test_one_lost_slip_is_named_exactly(first: int, count: int, data: st.DataObject) -> None:
    whole = numbers(range(first, first + count), form="{:08}")
    lost = data.draw(st.sampled_from(whole[1:-1]))
    assert missing([number for number in whole if number != lost]) == (lost,)
