"""Reading frames: what can be stored is never refused, what can't be told apart always is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.contract.frames import FrameError
from edge_agent.contract.topics import Topics
from edge_agent.simulator.central_frames import Message, Sale, read_frame
from tests.support import golden
from tests.support.central import message
from tests.support.orders import gap_event, order_event, order_events

AGENT = Topics("acme", "sh-0001", "pc-1")


@pytest.mark.parametrize("encoding", ["zstd", "identity"])
def test_a_frame_of_orders(encoding: str) -> None:
    frame = read_frame(message(AGENT, "orders", golden.EPOCH, order_events(7, 9), encoding))
    assert (frame.agent, frame.epoch, frame.stream) == (AGENT, golden.EPOCH, "orders")
    assert [(event.first, event.sequence) for event in frame.events] == [(7, 7), (8, 8), (9, 9)]
    assert frame.events[0].sale == Sale(
        "00000000-0000-0000-0000-000000000007", "000007", 1, "sale", 7, "2026-11-22", "03"
    )
    assert not any(event.trouble for event in frame.events)


def test_a_gap_accounts_for_its_whole_range() -> None:
    (event,) = read_frame(message(AGENT, "orders", golden.EPOCH, [gap_event(5, 24)])).events
    assert (event.first, event.sequence, event.sale, event.trouble) == (5, 24, None, "")


@pytest.mark.parametrize("type_", sorted(golden.DATA))
def test_every_event_type_is_understood(type_: str) -> None:
    event = json.loads(golden.encoded(type_))
    (arrival,) = read_frame(message(AGENT, "ops", golden.EPOCH, [event])).events
    assert (arrival.type, arrival.trouble) == (type_, "")


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"an order": "of a later age"}},
        {"data": 5},
        {"type": "o2o.agent.gap.v1", "data": {"first": "x"}},
        {"type": "o2o.agent.gap.v1", "data": {"stream": "orders", "first": 9, "last": 7, "reason": "x"}},
        {"sequence": "seven"},
        {"sequence": "0"},
        {"sequence": str(2**63)},
        {"id": None},
        {"type": 3},
    ],
)
def test_what_is_not_understood_still_has_a_place(change: dict[str, Any]) -> None:
    first = order_event(6)
    odd = order_event(7) | change
    _, event = read_frame(message(AGENT, "orders", golden.EPOCH, [first, odd])).events
    assert (event.first, event.sequence) == (7, 7)
    assert event.id
    assert json.loads(event.body) == odd


def test_a_nameless_event_has_the_same_name_when_it_comes_again() -> None:
    frames = [Message(AGENT.up("orders"), {"epoch": "e", "first": "3"}, b'[17, {"a": 1}]') for _ in range(2)]
    one, other = (read_frame(frame).events for frame in frames)
    assert [event.id for event in one] == [event.id for event in other]
    assert [event.sequence for event in one] == [3, 4]
    assert all(event.trouble for event in one)


def test_without_any_number_an_event_has_no_place() -> None:
    (event,) = read_frame(Message(AGENT.up("orders"), {"epoch": "e"}, b"[17]")).events
    assert event.sequence is None


@pytest.mark.parametrize(
    ("topic", "properties", "body"),
    [
        (AGENT.ack, {"epoch": "e"}, b"[]"),
        (AGENT.up("orders"), {}, b"[]"),
        (AGENT.up("orders"), {"epoch": "e"}, b"{}"),
        (AGENT.up("orders"), {"epoch": "e"}, b""),
        (AGENT.up("orders"), {"epoch": "e", "encoding": "zstd"}, b"[]"),
        (AGENT.up("orders"), {"epoch": "e", "encoding": "gzip"}, b"[]"),
    ],
)
def test_what_cannot_be_told_apart_is_a_frame_error(topic: str, properties: dict[str, str], body: bytes) -> None:
    with pytest.raises(FrameError):
        read_frame(Message(topic, properties, body))


@given(st.binary(max_size=300), st.sampled_from(["zstd", "identity"]), st.text(max_size=5))
def test_garbage_raises_only_frame_error(body: bytes, encoding: str, first: str) -> None:
    try:
        frame = read_frame(Message(AGENT.up("orders"), {"epoch": "e", "encoding": encoding, "first": first}, body))
    except FrameError:
        return
    assert all(event.trouble for event in frame.events)
