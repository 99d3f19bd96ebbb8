"""The frame: a JSON array of events of one stream, encoded once. The frame is the outbox row is the MQTT payload."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import zstandard

from edge_agent.contract.events import CloudEvent
from edge_agent.contract.messages import UNREADABLE

CONTENT_TYPE = "application/cloudevents-batch+json"

MAX_EVENTS = 200
MAX_SENT_BYTES = 64 * 1024
MAX_EXPANDED_BYTES = 1024 * 1024

Encoding = Literal["zstd", "identity"]

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[CloudEvent])


class _Compressor(threading.local):
    """One a thread: the storage packs in the database's thread, the uplink's side repacks in the loop."""

    def __init__(self) -> None:
        # Level 1: 49 bytes an event at 50 events a frame (measured); higher levels save little on 64 KiB and cost CPU.
        self.compress = zstandard.ZstdCompressor(level=1).compress


_compressor = _Compressor()


class FrameError(ValueError):
    """These bytes are not a frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One row of the outbox, ready to send.

    ``first`` .. ``last`` are the sequences it accounts for; ``count`` is the number of events in it. They differ only
    for a gap event: one event, whose own sequence is ``last``, in place of ``first`` .. ``last``.
    """

    stream: str
    first: int
    last: int
    count: int
    encoding: Encoding
    body: bytes

    @property
    def first_sequence(self) -> int:
        """The sequence of the first event in the frame: the user property ``first``."""
        return self.last - self.count + 1


def encode_events(events: Sequence[CloudEvent]) -> bytes:
    """Return the events as the JSON array of a frame, not compressed."""
    return _encoder.encode(events)


def pack(expanded: bytes, encoding: Encoding) -> bytes:
    """Return a frame's body from its JSON array."""
    if encoding == "identity":
        return expanded
    # A copy: python-zstandard's result sits in a buffer as large as it might have become, some 300 KB for 200 events,
    # and keeps it. A window of 64 frames would hold 20 MB instead of 0.3.
    return bytes(memoryview(_compressor.compress(expanded)))


def unpack(body: bytes, encoding: str) -> bytes:
    """Return the JSON array of a frame's body. Raises FrameError on damaged or oversized bytes."""
    if encoding == "identity":
        expanded = body
    elif encoding == "zstd":
        try:
            # A size declared in the header is believed and allocated, whatever max_output_size says.
            if zstandard.frame_content_size(body) > MAX_EXPANDED_BYTES:
                raise FrameError(f"more than {MAX_EXPANDED_BYTES} bytes expanded")
            # A fresh decompressor a call: python-zstandard's objects must not be shared between threads.
            decompress = zstandard.ZstdDecompressor().decompress
            expanded = decompress(body, max_output_size=MAX_EXPANDED_BYTES, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise FrameError(f"not a zstd frame of at most {MAX_EXPANDED_BYTES} bytes: {error}") from error
    else:
        raise FrameError(f"unknown encoding {encoding!r} (allowed: zstd, identity)")
    if len(expanded) > MAX_EXPANDED_BYTES:
        raise FrameError(f"{len(expanded)} bytes expanded, at most {MAX_EXPANDED_BYTES} are allowed")
    return expanded


def decode_events(body: bytes, encoding: str) -> list[CloudEvent]:
    """Return the events of a frame; each ``data`` is the untouched JSON. Raises FrameError."""
    try:
        return _decoder.decode(unpack(body, encoding))
    except UNREADABLE as error:
        raise FrameError(f"not a JSON array of CloudEvents: {error}") from error
