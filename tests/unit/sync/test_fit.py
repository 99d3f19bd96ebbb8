from typing import Literal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.contract import data
from edge_agent.contract.events import Draft, Stream, envelope
from edge_agent.contract.frames import MAX_EXPANDED_BYTES, Frame, decode_events, encode_events, pack, unpack
from edge_agent.sync.fit import JOINED_BYTES, cut_out, fit, join, last_event
from tests.support import golden


def frame(first: int, sizes: list[int], encoding: Literal["zstd", "identity"]) -> Frame:
    drafts = [
        Draft(f"id-{size}", Stream.CHECKINS, "o2o.code.presented.v1", golden.HAPPENED, code(size)) for size in sizes
    ]
    events = [envelope(draft, golden.ORIGIN, number, golden.RECORDED) for number, draft in enumerate(drafts, first)]
    return Frame("checkins", first, first + len(sizes) - 1, len(sizes), encoding, pack(encode_events(events), encoding))


def code(size: int) -> data.CodePresented:
    return data.CodePresented(code="é" * size, touchpoint=None, occurred_at="2026-11-22")


def items(one: Frame) -> list[bytes]:
    return [bytes(raw) for raw in msgspec.json.decode(unpack(one.body, one.encoding), type=list[msgspec.Raw])]


encodings = st.sampled_from(("zstd", "identity"))
sizes = st.lists(st.integers(0, 60), min_size=1, max_size=20)


@given(sizes, st.integers(800, 6_000), encodings, st.integers(1, 10**12))
def test_parts_fit_and_say_together_what_the_whole_said(
    sizes: list[int], room: int, encoding: Literal["zstd", "identity"], first: int
) -> None:
    whole = frame(first, sizes, encoding)
    parts = list(fit(whole, room))
    assert [item for part in parts for item in items(part)] == items(whole)
    assert parts[0].first == first
    assert [p.first for p in parts[1:]] == [p.last + 1 for p in parts[:-1]]
    assert all(part.count == part.last - part.first + 1 for part in parts)
    assert all(len(part.body) <= room for part in parts)


@given(st.data(), sizes, encodings)
def test_a_cut_out_holds_exactly_what_was_asked_for(
    draws: st.DataObject, sizes: list[int], encoding: Literal["zstd", "identity"]
) -> None:
    whole = frame(100, sizes, encoding)
    first = draws.draw(st.integers(90, whole.last))
    last = draws.draw(st.integers(max(first, 100), whole.last + 10))
    part = cut_out(whole, first, last)
    assert (part.first, part.last) == (max(first, 100), min(last, whole.last))
    assert items(part) == items(whole)[part.first - 100 : part.last - 99]


def test_a_gap_stays_whole() -> None:
    gap = Frame("orders", 5, 90, 1, "identity", b"[{}]")
    assert cut_out(gap, 10, 20) is gap
    assert list(fit(gap, 100)) == [gap]


def test_what_is_left_alone_is_the_very_same_object() -> None:
    whole = frame(1, [1, 2], "identity")
    assert cut_out(whole, 1, 2) is whole
    assert list(fit(whole, 10_000)) == [whole]


def large_unparsed(lines: int) -> Frame:
    text = tuple(f"{number} {number * 2_654_435_761 % 2**32}" for number in range(lines))
    body = data.Unparsed(
        device="d", touchpoint=None, business_day="2026-11-22", completed_at="2026-11-22", text=text,
        reason="no_template", evidence=golden.EVIDENCE,
    )  # fmt: skip
    draft = Draft("an-id", Stream.ORDERS, "o2o.order.unparsed.v1", golden.HAPPENED, body)
    return Frame("orders", 7, 7, 1, "identity", encode_events([envelope(draft, golden.ORIGIN, 7, golden.RECORDED)]))


def test_a_single_event_is_squeezed_before_it_is_cut() -> None:
    whole = large_unparsed(100)
    (part,) = fit(whole, len(whole.body) - 100)
    assert part.encoding == "zstd"
    assert items(part) == items(whole)
    assert last_event(part) == items(whole)[0]


def test_a_single_event_that_fits_no_packet_is_cut_and_says_so() -> None:
    whole = large_unparsed(2_000)
    (part,) = fit(whole, 2_000)
    assert len(part.body) <= 2_000
    (event,) = decode_events(part.body, part.encoding)
    assert (event.id, event.sequence) == ("an-id", "7")
    fields = msgspec.json.decode(event.data)
    assert 0 < len(fields["text"]) < 2_000
    assert fields["evidence"]["flags"] == ["truncated"]


def test_what_cannot_be_cut_so_far_is_handed_back_too_large() -> None:
    whole = large_unparsed(5)
    assert list(fit(whole, 50)) == [whole]


shapes = st.lists(st.tuples(st.lists(st.integers(0, 60), min_size=1, max_size=90), encodings), min_size=1, max_size=12)


@given(shapes, st.integers(1_000, 50_000))
def test_joined_frames_say_the_same_in_fewer(
    shapes: list[tuple[list[int], Literal["zstd", "identity"]]], room: int
) -> None:
    frames, first = [], 1
    for sizes, encoding in shapes:
        frames.append(frame(first, sizes, encoding))
        first += len(sizes)
    joined = list(join(frames, room))
    assert [item for one in joined for item in items(one)] == [item for one in frames for item in items(one)]
    assert [one.first for one in joined[1:]] == [one.last + 1 for one in joined[:-1]]
    assert all(one.count == one.last - one.first + 1 for one in joined)
    assert all(one.count <= 200 and len(one.body) <= min(room, JOINED_BYTES) for one in joined if one not in frames)


def test_a_thousand_single_orders_become_five_frames() -> None:
    frames = [frame(number, [5], "zstd") for number in range(1, 1_001)]
    assert [one.count for one in join(frames, 10**6)] == [200] * 5


def test_gaps_and_holes_are_not_joined_over() -> None:
    one, other = frame(1, [1], "identity"), frame(12, [1], "identity")
    gap = Frame("checkins", 2, 11, 1, "identity", b"[{}]")
    assert list(join([one, gap, other], 10**6)) == [one, gap, other]
    assert list(join([one, other], 10**6)) == [one, other]
    assert list(join([], 10**6)) == []


def test_what_expands_too_far_is_not_joined() -> None:
    wide = [frame(number, [200_000], "zstd") for number in range(1, 5)]  # 400 KB of UTF-8 each
    joined = list(join(wide, 10**6))
    assert [one.count for one in joined] == [2, 2]
    assert all(len(unpack(one.body, one.encoding)) <= MAX_EXPANDED_BYTES for one in joined)
