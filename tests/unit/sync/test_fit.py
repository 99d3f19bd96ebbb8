from typing import Literal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.contract.frames import Frame, pack, unpack
from edge_agent.sync.fit import cut_out, fit


def frame(first: int, sizes: list[int], encoding: Literal["zstd", "identity"]) -> Frame:
    events = [{"sequence": str(first + index), "data": "é" * size} for index, size in enumerate(sizes)]
    body = pack(msgspec.json.encode(events), encoding)
    return Frame("orders", first, first + len(sizes) - 1, len(sizes), encoding, body)


def items(one: Frame) -> list[bytes]:
    return [bytes(raw) for raw in msgspec.json.decode(unpack(one.body, one.encoding), type=list[msgspec.Raw])]


encodings = st.sampled_from(("zstd", "identity"))
sizes = st.lists(st.integers(0, 60), min_size=1, max_size=40)


@given(sizes, st.integers(60, 2_000), encodings, st.integers(1, 10**12))
def test_parts_fit_and_say_together_what_the_whole_said(
    sizes: list[int], room: int, encoding: Literal["zstd", "identity"], first: int
) -> None:
    whole = frame(first, sizes, encoding)
    parts = list(fit(whole, room))
    assert [item for part in parts for item in items(part)] == items(whole)
    assert parts[0].first == first
    assert [p.first for p in parts[1:]] == [p.last + 1 for p in parts[:-1]]
    assert all(part.count == part.last - part.first + 1 for part in parts)
    assert all(len(part.body) <= room or part.count == 1 for part in parts)
    assert all(part.encoding == "zstd" for part in parts if len(part.body) > room)


@given(st.data(), sizes, encodings)
def test_a_cut_out_holds_exactly_what_was_asked_for(
    data: st.DataObject, sizes: list[int], encoding: Literal["zstd", "identity"]
) -> None:
    whole = frame(100, sizes, encoding)
    first = data.draw(st.integers(90, whole.last))
    last = data.draw(st.integers(max(first, 100), whole.last + 10))
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
