"""The frame codec: exact, bounded, and never anything but FrameError on damaged bytes."""

import contextlib

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.contract.events import envelope
from edge_agent.contract.frames import (
    MAX_EXPANDED_BYTES,
    Encoding,
    Frame,
    FrameError,
    decode_events,
    encode_events,
    pack,
    unpack,
)
from tests.support import golden

ENCODINGS: list[Encoding] = ["zstd", "identity"]
EVENTS = [
    envelope(golden.draft(type_), golden.ORIGIN, number, golden.RECORDED)
    for number, type_ in enumerate(golden.DATA, start=1)
]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_events_come_back_as_they_went(encoding: Encoding) -> None:
    expanded = encode_events(EVENTS)
    body = pack(expanded, encoding)
    assert unpack(body, encoding) == expanded
    assert encode_events(decode_events(body, encoding)) == expanded


@given(st.binary(max_size=4096))
def test_any_bytes_survive_compression(data: bytes) -> None:
    assert unpack(pack(data, "zstd"), "zstd") == data


@given(body=st.binary(max_size=512), encoding=st.sampled_from(["zstd", "identity", "gzip", ""]))
def test_garbage_raises_only_frame_error(body: bytes, encoding: str) -> None:
    try:
        events = decode_events(body, encoding)
    except FrameError:
        return
    assert events == []  # no random bytes make a whole event


@given(st.data())
def test_a_damaged_zstd_frame_raises_only_frame_error(data: st.DataObject) -> None:
    body = bytearray(pack(encode_events(EVENTS), "zstd"))
    position = data.draw(st.integers(0, len(body) - 1))
    body[position] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(FrameError):
        decode_events(bytes(body), "zstd")


@pytest.mark.parametrize(
    "body", [b'[{"id":"\xff"}]', b"[" * 500_000, b'[{"id":"\\ud800"}]', b"{}", b"null", b"[1]", b"", b"[]x"]
)
def test_hostile_json_raises_only_frame_error(body: bytes) -> None:
    with pytest.raises(FrameError):
        decode_events(body, "identity")


def test_every_truncation_is_noticed() -> None:
    body = pack(encode_events(EVENTS[:1]), "zstd")
    for length in range(len(body)):
        with pytest.raises(FrameError):
            unpack(body[:length], "zstd")


@pytest.mark.parametrize("declared", [True, False])
def test_a_bomb_is_refused_before_it_expands(declared: bool) -> None:
    size = 64 * MAX_EXPANDED_BYTES
    if declared:
        bomb = zstandard.ZstdCompressor().compress(bytes(size))
    else:
        stream = zstandard.ZstdCompressor().compressobj()
        bomb = stream.compress(bytes(size)) + stream.flush()
    assert len(bomb) < 64 * 1024
    with pytest.raises(FrameError):
        unpack(bomb, "zstd")


def test_the_expanded_limit_is_exact() -> None:
    for encoding in ENCODINGS:
        assert len(unpack(pack(bytes(MAX_EXPANDED_BYTES), encoding), encoding)) == MAX_EXPANDED_BYTES
        with pytest.raises(FrameError):
            unpack(pack(bytes(MAX_EXPANDED_BYTES + 1), encoding), encoding)


def test_bytes_after_a_zstd_frame_are_not_swallowed() -> None:
    with pytest.raises(FrameError):
        unpack(pack(b"[]", "zstd") + b"more", "zstd")


def test_an_event_without_an_id_is_not_an_event() -> None:
    event = msgspec.json.decode(golden.encoded("o2o.order.completed.v1"))
    del event["id"]
    with pytest.raises(FrameError, match="id"):
        decode_events(msgspec.json.encode([event]), "identity")


def test_unknown_attributes_of_a_later_version_are_tolerated() -> None:
    event = msgspec.json.decode(golden.encoded("o2o.order.completed.v1")) | {"traceparent": "00-1"}
    (read,) = decode_events(msgspec.json.encode([event]), "identity")
    assert read.sequence == "137"


def test_first_sequence_of_events_and_of_a_gap() -> None:
    assert Frame("orders", first=5, last=9, count=5, encoding="zstd", body=b"").first_sequence == 5
    assert Frame("orders", first=5, last=24, count=1, encoding="zstd", body=b"").first_sequence == 24
