"""What head office does with chunks: puts them together."""

import base64
import hashlib
from collections.abc import Iterable

import msgspec

from edge_agent.contract.remote import Chunk, Reply
from edge_agent.contract.topics import Topics
from tests.support.broker import Seen


def replies(seen: Iterable[Seen], topics: Topics, command: str) -> list[Reply]:
    """Return the answers to a command, in order of arrival."""
    topic = topics.reply(command)
    return [msgspec.json.decode(one.payload, type=Reply) for one in list(seen) if one.topic == topic]


def chunks(seen: Iterable[Seen], topics: Topics, command: str) -> list[Chunk]:
    """Return the chunks of a command, in order of arrival, repeats included."""
    return [reply.chunk for reply in replies(seen, topics, command) if reply.chunk is not None]


def together(pieces: Iterable[Chunk]) -> bytes:
    """Return the whole of pieces that may come twice and in any order; fails where it is not what was sent."""
    by_number = {piece.number: piece for piece in pieces}
    assert by_number, "nothing has come"
    (of,) = {piece.of for piece in by_number.values()}
    assert sorted(by_number) == list(range(of)), f"{len(by_number)} of {of} have come"
    whole = b"".join(base64.b64decode(by_number[number].data) for number in range(of))
    first = by_number[0]
    assert len(whole) == first.bytes
    assert hashlib.sha256(whole).hexdigest() == first.sha256
    return whole
