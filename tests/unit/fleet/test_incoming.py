import base64
import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_agent.contract.pieces import MAX_BYTES
from edge_agent.contract.remote import Chunk
from edge_agent.errors import AgentError
from edge_agent.fleet.incoming import Incoming

BODY = bytes(range(256)) * 40


@dataclass
class File:
    name: str = "bundle.tar.gz"
    body: bytes = BODY

    def pieces(self, size: int) -> list[Chunk]:
        cut = [self.body[at : at + size] for at in range(0, len(self.body), size)] or [b""]
        digest = hashlib.sha256(self.body).hexdigest()
        return [
            Chunk(
                number=number,
                of=len(cut),
                name=self.name,
                bytes=len(self.body),
                sha256=digest,
                data=base64.b64encode(piece).decode(),
            )
            for number, piece in enumerate(cut)
        ]


def test_pieces_twice_and_in_any_order_are_the_whole(tmp_path: Path) -> None:
    incoming = Incoming()
    pieces = File().pieces(1_000) * 2
    random.Random(6).shuffle(pieces)
    for piece in pieces:
        incoming.take(piece)
    assert incoming.share == 1.0
    path = incoming.save(tmp_path / "new", "sh-0001-pc-1")
    assert (path.name, path.read_bytes()) == ("sh-0001-pc-1-bundle.tar.gz", BODY)
    again = incoming.save(tmp_path / "new", "sh-0001-pc-1")
    assert again != path
    assert path.read_bytes() == again.read_bytes() == BODY


def test_a_box_may_begin_anew_in_smaller_pieces(tmp_path: Path) -> None:
    incoming = Incoming()
    for piece in File().pieces(1_000)[:7]:
        incoming.take(piece)
    for piece in File().pieces(300):
        incoming.take(piece)
    assert incoming.save(tmp_path, "s").read_bytes() == BODY


def test_an_empty_file(tmp_path: Path) -> None:
    incoming = Incoming()
    incoming.take(File(body=b"").pieces(10)[0])
    assert incoming.save(tmp_path, "s").read_bytes() == b""


def test_what_is_missing_or_changed_is_not_saved(tmp_path: Path) -> None:
    missing, changed = Incoming(), Incoming()
    for piece in File().pieces(1_000)[1:]:
        missing.take(piece)
        changed.take(piece)
    with pytest.raises(AgentError, match="1 of 11 pieces have not come"):
        missing.save(tmp_path, "s")
    other = File(body=bytes(len(BODY))).pieces(1_000)[0]
    first = File().pieces(1_000)[0]
    changed.take(Chunk(number=0, of=first.of, name=first.name, bytes=first.bytes, sha256=first.sha256, data=other.data))
    with pytest.raises(AgentError, match="not what was sent"):
        changed.save(tmp_path, "s")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..", "", ".bashrc", "a\nb", "x" * 300])
def test_a_store_does_not_choose_the_place(tmp_path: Path, name: str) -> None:
    incoming = Incoming()
    for piece in File(name=name).pieces(5_000):
        incoming.take(piece)
    path = incoming.save(tmp_path, "s")
    assert path.parent == tmp_path
    assert path.name.startswith("s-")
    assert path.name.isprintable()


@pytest.mark.parametrize(
    "chunk",
    [
        Chunk(number=0, of=1, name="x", bytes=MAX_BYTES + 1, sha256="", data=""),
        Chunk(number=1, of=1, name="x", bytes=1, sha256="", data=""),
        Chunk(number=-1, of=1, name="x", bytes=1, sha256="", data=""),
        Chunk(number=0, of=1, name="x", bytes=1, sha256="", data="not base64"),
        Chunk(number=0, of=2, name="x", bytes=1, sha256="", data="AAAA"),
    ],
)
def test_pieces_that_are_none(chunk: Chunk) -> None:
    with pytest.raises(AgentError):
        Incoming().take(chunk)
