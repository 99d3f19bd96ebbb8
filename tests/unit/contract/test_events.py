"""The catalogue and the envelope."""

import re
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.contract.events import EVENT_TYPES, Stream, envelope, iso_time
from tests.support import golden


@pytest.mark.parametrize("type_", sorted(EVENT_TYPES))
def test_type_names(type_: str) -> None:
    assert re.fullmatch(r"o2o\.[a-z]+\.[a-z_]+\.v1", type_)
    assert re.fullmatch(r"[a-z-]+", EVENT_TYPES[type_].schema)


def test_streams_are_in_order_of_priority() -> None:
    assert list(Stream) == ["orders", "checkins", "ops", "presence"]


def test_only_the_gap_travels_in_any_stream() -> None:
    assert [name for name, row in EVENT_TYPES.items() if row.stream is None] == ["o2o.agent.gap.v1"]


def test_data_is_encoded_once_and_stays_as_it_is() -> None:
    event = envelope(golden.draft("o2o.order.completed.v1"), golden.ORIGIN, 1, golden.RECORDED)
    assert bytes(event.data) == msgspec.json.encode(golden.DATA["o2o.order.completed.v1"])
    assert bytes(event.data) in msgspec.json.encode(event)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Asia/Kolkata", "UTC"])
@given(wall_ms=st.integers(0, 4_102_444_800_000))
def test_iso_time_keeps_the_instant_to_the_millisecond(zone: str, wall_ms: int) -> None:
    from datetime import datetime

    text = iso_time(wall_ms, ZoneInfo(zone))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", text)
    assert round(datetime.fromisoformat(text).timestamp() * 1000) == wall_ms
