"""Events and facts about people, and a search for what is left of them on a disk."""

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec
import zstandard

from edge_agent.contract import data
from edge_agent.contract.events import Draft, Stream
from edge_agent.contract.frames import Frame, unpack
from edge_agent.contract.ids import uuid7
from tests.support.storage import AT

_ZSTD = re.compile(re.escape(b"\x28\xb5\x2f\xfd"))
_LONGEST_FRAME = 70_000


def visit(stream: Stream, person: str, number: int = 0) -> Draft:
    """Return an event about ``person``, named at its beginning, middle and end."""
    told = data.CodePresented(code=f"{person}/{number:06d}", touchpoint=person, occurred_at="2026-11-22T10:31:05+08:00")
    return Draft(
        id=uuid7(AT.wall_ms), stream=stream, type="o2o.code.presented.v1", at=AT, data=told, device="counter-nfc",
        subject=f"code/{person}", partitionkey="sh-0001/till-1",
    )  # fmt: skip


def remains(folder: Path, *people: str) -> list[str]:
    """Return ``file: person`` for each name that can be read in a file below ``folder``, also in a piece of a frame."""
    found = []
    for file in folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            starts = [match.start() for match in _ZSTD.finditer(content)]
            readable = [content, *(_expanded(content[start : start + _LONGEST_FRAME]) for start in starts)]
            found += [
                f"{file.name}: {person}" for person in people if any(person.encode() in text for text in readable)
            ]
    return found


def _expanded(piece: bytes) -> bytes:
    """Return as much as can be decompressed: a frame may be written over from some byte on."""
    decompress = zstandard.ZstdDecompressor().decompressobj().decompress
    expanded = b""
    try:
        for at in range(0, len(piece), 64):
            expanded += decompress(piece[at : at + 64])
    except zstandard.ZstdError:
        pass
    return expanded


def bodies(frames: Iterable[Frame]) -> dict[int, bytes]:
    """Return the JSON of every event by sequence."""
    found: dict[int, bytes] = {}
    for frame in frames:
        events = msgspec.json.decode(unpack(frame.body, frame.encoding), type=list[msgspec.Raw])
        assert len(events) == frame.count
        found.update(enumerate(map(bytes, events), frame.first_sequence))
    return found
