"""A file out of its pieces, however they come."""

import base64
import hashlib
import random
from dataclasses import dataclass

import msgspec
import pytest

from edge_agent.contract.pieces import MAX_BYTES, Pieces, PiecesError
from edge_agent.contract.remote import Chunk


@dataclass(frozen=True)
class Cut:
    """A file cut into pieces of a size."""

    body: bytes
    size: int

    def chunks(self) -> list[Chunk]:
        of = max(1, -(-len(self.body) // self.size))
        sha256 = hashlib.sha256(self.body).hexdigest()
        return [
            Chunk(
                number=number,
                of=of,
                name="till.bin",
                bytes=len(self.body),
                sha256=sha256,
                data=base64.b64encode(self.body[number * self.size : (number + 1) * self.size]).decode(),
            )
            for number in range(of)
        ]


BODY = random.Random(6).randbytes(1_000)


@pytest.mark.parametrize("body", [b"", b"x", BODY])
@pytest.mark.parametrize("seed", range(5))
def test_in_any_order_and_twice(body: bytes, seed: int) -> None:
    chunks = Cut(body, 96).chunks() * 2
    random.Random(seed).shuffle(chunks)
    pieces = Pieces()
    for chunk in chunks:
        pieces.add(chunk)
    assert (pieces.name, pieces.missing, pieces.whole()) == ("till.bin", [], body)


def test_what_is_missing_is_told() -> None:
    pieces = Pieces()
    with pytest.raises(PiecesError, match="all of 0"):
        pieces.whole()
    for chunk in Cut(BODY, 300).chunks()[1:3]:
        pieces.add(chunk)
    assert pieces.missing == [0, 3]
    with pytest.raises(PiecesError, match="2 of 4 pieces have not come; ask with a new id"):
        pieces.whole()


def test_another_cut_begins_anew() -> None:
    pieces = Pieces()
    for chunk in (*Cut(BODY, 300).chunks()[:2], *Cut(BODY, 100).chunks()):
        pieces.add(chunk)
    assert pieces.whole() == BODY


@pytest.mark.parametrize(
    "changes",
    [
        {"data": "%"},
        {"data": "中"},
        {"number": -1},
        {"number": 4},
        {"of": 0},
        {"of": 10**9},
        {"bytes": -1},
        {"bytes": MAX_BYTES + 1, "of": 1},
        {"data": base64.b64encode(bytes(1_001)).decode()},
    ],
)
def test_what_is_no_piece_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(PiecesError):
        Pieces().add(msgspec.structs.replace(Cut(BODY, 300).chunks()[0], **changes))


def test_another_file_under_the_same_hash_is_found_out() -> None:
    pieces = Pieces()
    first, *others = Cut(BODY, 300).chunks()
    for chunk in others:
        pieces.add(chunk)
    pieces.add(msgspec.structs.replace(first, data=base64.b64encode(bytes(300)).decode()))
    with pytest.raises(PiecesError, match="not what was sent"):
        pieces.whole()
