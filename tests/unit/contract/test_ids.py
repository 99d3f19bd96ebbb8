"""UUIDv7 as RFC 9562 lays it out."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.contract.ids import uuid7

TIMES = st.integers(0, 2**48 - 1)


@given(TIMES)
def test_layout(unix_ms: int) -> None:
    text = uuid7(unix_ms)
    parsed = uuid.UUID(text)
    assert str(parsed) == text
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert parsed.int >> 80 == unix_ms


@given(TIMES, TIMES)
def test_ids_sort_by_time(one: int, other: int) -> None:
    if one != other:
        assert (uuid7(one) < uuid7(other)) == (one < other)


def test_ids_of_one_millisecond_differ() -> None:
    assert len({uuid7(0) for _ in range(10_000)}) == 10_000
