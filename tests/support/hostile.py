"""A good stream for each decoder, made of its own vectors, and what lines do to streams."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from edge_agent import decoders
from edge_agent.decoders import _vectors
from edge_agent.observations import Decoded, Undecoded
from tests.support.streams import flip_bits

# What begins a record on lines whose modes outlive it: there noise may change the mode, and the next record sets it.
BEGINNINGS = {"escpos": b"\x1b=\x01\x1b@"}
# A display's decoder learns which way round its register sends lamps and values: one vector is one register.
ONE_REGISTER = {"linedisplay"}


@dataclass(frozen=True)
class Good:
    """A stream that a decoder understands whole. ``said``: by a decoder that has heard it before, silence behind it."""

    decoder: str
    name: str
    settings: dict[str, Any]
    data: bytes
    said: list[Decoded]

    def fresh(self) -> decoders.Decoder:
        """Return a decoder that has heard it twice already: what it remembers is settled."""
        decoder = decoders.create(self.decoder, decoders.settings_model(self.decoder)(**self.settings))
        for _ in range(2):
            hear(decoder, self.data)
        return decoder


def hear(decoder: decoders.Decoder, *pieces: bytes) -> list[Decoded]:
    """Return what a decoder says of pieces with silence behind them."""
    return [one for piece in pieces for one in decoder.feed(piece)] + decoder.idle()


def goods(decoder: str, most: int = 4) -> list[Good]:
    """Return up to ``most`` streams, of as many different settings as there are, each of vectors that are whole."""
    found: dict[str, tuple[dict[str, Any], bytearray]] = {}
    for vector in _vectors.load(decoder):
        whole = vector.idle and vector.expected and not any("undecoded" in one for one in vector.expected)
        if whole and not any("star" in repr(one) or "foreign" in repr(one) for one in vector.expected):
            _, data = found.setdefault(repr(vector.settings), (vector.settings, bytearray()))
            if decoder not in ONE_REGISTER:
                data += BEGINNINGS.get(decoder, b"") + vector.data
            elif len(vector.data) > len(data):
                data[:] = vector.data
    return [_good(decoder, settings, bytes(data)) for settings, data in list(found.values())[:most]]


def _good(decoder: str, settings: dict[str, Any], data: bytes) -> Good:
    good = Good(decoder, repr(settings)[:40], settings, data, [])
    settled = good.fresh()
    good.said.extend(hear(settled, data))
    assert hear(settled, data) == good.said, "what is said of it does not settle"
    return good


Line = Callable[[bytes, random.Random], bytes]


def lossy(data: bytes, rng: random.Random) -> bytes:
    """Lose 2 % of the bytes."""
    return bytes(byte for byte in data if rng.random() >= 0.02)


def doubling(data: bytes, rng: random.Random) -> bytes:
    """Double 2 % of the bytes."""
    return b"".join(bytes((byte,)) * (1 + (rng.random() < 0.02)) for byte in data)


def noisy(data: bytes, rng: random.Random) -> bytes:
    """Insert bursts of noise."""
    return b"".join(
        bytes((byte,)) + (rng.randbytes(rng.randrange(1, 9)) if rng.random() < 0.01 else b"") for byte in data
    )


def flipping(data: bytes, rng: random.Random) -> bytes:
    """Flip a bit in 2 % of the bytes."""
    return flip_bits(data, 0.02, rng)


def stopping(data: bytes, rng: random.Random) -> bytes:
    """Stop anywhere."""
    return data[: rng.randrange(len(data))]


def joining(data: bytes, rng: random.Random) -> bytes:
    """Begin anywhere."""
    return data[rng.randrange(len(data)) :]


LINES: tuple[Line, ...] = (lossy, doubling, noisy, flipping, stopping, joining)


def chunked(data: bytes, rng: random.Random, most: int = 40) -> Iterator[bytes]:
    """Yield the bytes as reads return them."""
    at = 0
    while at < len(data):
        size = rng.randrange(1, most)
        yield data[at : at + size]
        at += size


def undecoded(seen: list[Decoded]) -> int:
    """Count the bytes that came back as not understood."""
    return sum(len(one.data) for one in seen if isinstance(one, Undecoded))
