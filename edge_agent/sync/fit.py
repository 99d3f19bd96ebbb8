"""Frames regrouped: split for a broker of small packets, cut out where central asks for less, joined in a backlog.

An event's bytes are never touched, but for a single one that fits no packet.
"""

from collections.abc import Iterable, Iterator

import msgspec

from edge_agent.contract.frames import MAX_EVENTS, MAX_EXPANDED_BYTES, Frame, decode_events, pack, unpack
from edge_agent.storage.packing import cut_to_fit

# Joined frames stay this small: the one on its way to the broker is what a live order waits for (see sync.LOWER_BYTES).
JOINED_BYTES = 32 * 1024

_GAIN = (
    4  # compressed together, single orders take a quarter of their bytes (measured: 294 to 60); else it is split again
)

_split_events = msgspec.json.Decoder(list[msgspec.Raw]).decode


def fit(frame: Frame, room: int) -> Iterator[Frame]:
    """Yield ``frame`` in parts of at most ``room`` bytes of body each, their sequences unchanged.

    A single event that is too large is packed as zstd whatever its encoding was, and cut if that is not enough; only
    one that cannot be cut so far is yielded larger than ``room``. Raises FrameError on a damaged body.
    """
    if len(frame.body) <= room:
        yield frame
    elif frame.count == 1:
        yield _squeezed(frame, room)
    else:
        events = _split_events(unpack(frame.body, frame.encoding))
        half = len(events) // 2
        yield from fit(_part(frame, events[:half], 0), room)
        yield from fit(_part(frame, events[half:], half), room)


def join(frames: Iterable[Frame], room: int) -> Iterator[Frame]:
    """Yield ``frames``, in order, with small neighbours joined up to ``room`` bytes and the contract's 200 events.

    A till that was offline has a frame for each order. Central commits and acknowledges by the frame and 64 may be in
    flight: 5,000 single orders take 9 s one by one and a tenth of that joined (measured).
    """
    room = min(room, JOINED_BYTES)
    group: list[Frame] = []
    for frame in frames:
        if group and not _joins(group, frame, room):
            yield from _joined(group, room)
            group = []
        group.append(frame)
    yield from _joined(group, room)


def cut_out(frame: Frame, first: int, last: int) -> Frame:
    """Return the part of ``frame`` within ``first`` .. ``last``; a gap event stays whole."""
    skip = max(0, first - frame.first)
    keep = min(frame.last, last) - max(frame.first, first) + 1
    if _is_gap(frame) or keep == frame.count:
        return frame
    return _part(frame, _split_events(unpack(frame.body, frame.encoding))[skip : skip + keep], skip)


def _joins(group: list[Frame], frame: Frame, room: int) -> bool:
    last = group[-1]
    return (
        frame.first == last.last + 1
        and frame.encoding == last.encoding
        and not _is_gap(frame)
        and not _is_gap(last)
        and sum(one.count for one in group) + frame.count <= MAX_EVENTS
        and sum(len(one.body) for one in group) + len(frame.body) <= _GAIN * room
    )


def _joined(group: list[Frame], room: int) -> list[Frame]:
    if len(group) < 2:
        return group
    arrays = [unpack(frame.body, frame.encoding) for frame in group]
    if sum(map(len, arrays)) <= MAX_EXPANDED_BYTES:
        first, last = group[0], group[-1]
        body = pack(b"[" + b",".join(array[1:-1] for array in arrays) + b"]", first.encoding)
        if len(body) <= room:
            count = sum(frame.count for frame in group)
            return [Frame(first.stream, first.first, last.last, count, first.encoding, body)]
    half = len(group) // 2
    return _joined(group[:half], room) + _joined(group[half:], room)


def _is_gap(frame: Frame) -> bool:
    return frame.last - frame.first + 1 != frame.count


def last_event(frame: Frame) -> bytes:
    """Return the JSON of the frame's last event."""
    return bytes(_split_events(unpack(frame.body, frame.encoding))[-1])


def _part(frame: Frame, events: list[msgspec.Raw], offset: int) -> Frame:
    body = pack(b"[" + b",".join(map(bytes, events)) + b"]", frame.encoding)
    first = frame.first_sequence + offset
    return Frame(frame.stream, first, first + len(events) - 1, len(events), frame.encoding, body)


def _squeezed(frame: Frame, room: int) -> Frame:
    (event,) = decode_events(frame.body, frame.encoding)
    try:
        _, body = cut_to_fit(event, room)
    except ValueError:
        return frame
    return Frame(frame.stream, frame.first, frame.last, frame.count, "zstd", body)
