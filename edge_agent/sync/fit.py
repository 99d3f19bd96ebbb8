"""Frames made smaller: split where the broker's packets are small, cut out where central asks for less.

An event's bytes are never touched, but for a single one that fits no packet.
"""

from collections.abc import Iterator

import msgspec

from edge_agent.contract.frames import Frame, decode_events, pack, unpack
from edge_agent.storage.packing import cut_to_fit

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


def cut_out(frame: Frame, first: int, last: int) -> Frame:
    """Return the part of ``frame`` within ``first`` .. ``last``; a gap event stays whole."""
    skip = max(0, first - frame.first)
    keep = min(frame.last, last) - max(frame.first, first) + 1
    if frame.last - frame.first + 1 != frame.count or keep == frame.count:
        return frame
    return _part(frame, _split_events(unpack(frame.body, frame.encoding))[skip : skip + keep], skip)


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
