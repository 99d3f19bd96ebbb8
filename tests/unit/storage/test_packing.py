"""Frames within every limit of the contract, and a single event that is too large."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from edge_agent.contract import data
from edge_agent.contract.events import CloudEvent, Draft, Stream, envelope
from edge_agent.contract.frames import (
    MAX_EVENTS,
    MAX_EXPANDED_BYTES,
    MAX_SENT_BYTES,
    Encoding,
    decode_events,
    pack,
    unpack,
)
from edge_agent.storage.packing import gap_frame, pack_events
from tests.support.storage import AT, ORIGIN, order


def noise(size: int, seed: int = 1) -> str:
    """Text that does not compress."""
    return random.Random(seed).randbytes(size // 2).hex()


def hard(size: int, seed: int = 1) -> str:
    """Text that compresses as little as text can: random characters of the whole basic plane."""
    rng = random.Random(seed)
    return "".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(size // 3))


def events(drafts: list[Draft], first: int = 1) -> list[CloudEvent]:
    return [envelope(draft, ORIGIN, number, AT) for number, draft in enumerate(drafts, first)]


def changed(number: int, **evidence: Any) -> Draft:
    draft = order(number)
    assert isinstance(draft.data, data.Order)
    for name, value in evidence.items():
        setattr(draft.data.evidence, name, value)
    return draft


@pytest.mark.parametrize("encoding", ["zstd", "identity"])
@pytest.mark.parametrize("size", [10, 3_000, 30_000, 60_000])
def test_every_frame_is_within_the_limits_and_nothing_is_lost(encoding: Encoding, size: int) -> None:
    drafts = [changed(n, unparsed=(noise(size, n),)) for n in range(450 if size < 100 else 30)]
    frames = list(pack_events(Stream.ORDERS, events(drafts, 7), encoding))
    following = 7
    found = []
    for frame in frames:
        assert frame.first == following
        assert 1 <= frame.count <= MAX_EVENTS
        assert frame.last == frame.first + frame.count - 1
        assert len(frame.body) <= MAX_SENT_BYTES
        assert len(unpack(frame.body, frame.encoding)) <= MAX_EXPANDED_BYTES
        following = frame.last + 1
        found.extend(decode_events(frame.body, frame.encoding))
    assert [event.id for event in found] == [draft.id for draft in drafts]
    assert [msgspec.json.decode(event.data, type=data.Order) for event in found] == [draft.data for draft in drafts]


def test_a_large_event_is_compressed_whatever_the_setting() -> None:
    [frame] = pack_events(Stream.ORDERS, events([changed(1, unparsed=("农" * 40_000,))]), "identity")
    assert frame.encoding == "zstd"
    [event] = decode_events(frame.body, frame.encoding)
    assert msgspec.json.decode(event.data, type=data.Order).evidence.flags == ()


@pytest.mark.parametrize("pieces", [1, 400])
def test_an_event_that_cannot_fit_is_cut_and_says_so(pieces: int) -> None:
    draft = changed(1, unparsed=tuple(hard(2_000_000 // pieces, n) for n in range(pieces)), flags=("no_cut",))
    [frame] = pack_events(Stream.ORDERS, events([draft]), "zstd")
    assert len(frame.body) <= MAX_SENT_BYTES
    [event] = decode_events(frame.body, frame.encoding)
    cut = msgspec.json.decode(event.data, type=data.Order)
    assert isinstance(draft.data, data.Order)
    assert (event.id, cut.lines, cut.totals) == (draft.id, draft.data.lines, draft.data.totals)
    assert cut.evidence.flags == ("no_cut", "truncated")
    assert len(cut.evidence.unparsed) < pieces


def test_an_unparsed_slip_keeps_the_head_of_its_text() -> None:
    text = tuple(hard(300, n) for n in range(6_000))
    told = data.Unparsed(
        device="d", touchpoint=None, business_day="2026-11-22", completed_at="2026-11-22T10:31:05+08:00", text=text,
        reason="no_template", evidence=data.Evidence(decoder="escpos", template=None, capture_sha256=None),
    )  # fmt: skip
    draft = Draft(id="i", stream=Stream.ORDERS, type="o2o.order.unparsed.v1", at=AT, data=told)
    [frame] = pack_events(Stream.ORDERS, events([draft]), "zstd")
    [event] = decode_events(frame.body, frame.encoding)
    cut = msgspec.json.decode(event.data, type=data.Unparsed)
    assert 100 < len(cut.text) < 6_000
    assert cut.text == text[: len(cut.text)]
    assert cut.evidence.flags == ("truncated",)


def test_a_gap_event_stands_for_its_range() -> None:
    frame = gap_frame(Stream.PRESENCE, 5, 90, "evicted", ORIGIN, AT)
    assert (frame.first, frame.last, frame.count, frame.first_sequence) == (5, 90, 1, 90)
    [event] = decode_events(frame.body, frame.encoding)
    assert (event.type, event.sequence) == ("o2o.agent.gap.v1", "90")
    assert msgspec.json.decode(event.data) == {"stream": "presence", "first": 5, "last": 90, "reason": "evicted"}


def test_two_threads_pack_at_once() -> None:
    """The storage packs in the database's thread while sync repacks in the loop: a shared compressor would mix them."""

    def work(seed: int) -> bool:
        body = noise(200_000, seed).encode()
        return all(unpack(pack(body, "zstd"), "zstd") == body for _ in range(100))

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(work, range(8)))
