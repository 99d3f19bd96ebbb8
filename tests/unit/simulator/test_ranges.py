"""Ranges against the plainest model there is: a set."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.simulator.ranges import Ranges

PAIRS = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 12)).map(lambda pair: (pair[0], pair[0] + pair[1])))


@given(PAIRS)
def test_as_a_set(pairs: list[tuple[int, int]]) -> None:
    model = {number for first, last in pairs for number in range(first, last + 1)}
    ranges = Ranges(pairs)
    kept = list(ranges)
    assert {number for first, last in kept for number in range(first, last + 1)} == model
    assert all(first <= last for first, last in kept)
    assert all(one[1] + 1 < other[0] for one, other in pairwise(kept))
    assert [number for number in range(80) if number in ranges] == sorted(model)
    assert ranges.upto == next(number for number in range(200) if number + 1 not in model)
    missing = {number for first, last in ranges.holes for number in range(first, last + 1)}
    assert missing == set(range(1, max(model, default=0) + 1)) - model


def test_huge_ranges_cost_nothing() -> None:
    ranges = Ranges([(1, 2**62)])
    assert 2**61 in ranges
    assert ranges.upto == 2**62
