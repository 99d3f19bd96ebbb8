"""Byte streams for the decoders' tests: cut, disturbed, misread at a wrong speed, and the corpus others wrote."""

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from edge_agent import decoders
from edge_agent.observations import Decoded

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "corpus"


def corpus_file(path: str) -> bytes:
    """Return a corpus file's bytes (``.hex`` files are hexadecimal text); skip the test where the corpus is absent."""
    file = CORPUS / "receipts" / path
    if not file.is_file():
        pytest.skip(f"no corpus here: {path}")
    return bytes.fromhex(file.read_text()) if file.suffix == ".hex" else file.read_bytes()


def corpus_names() -> list[str]:
    """Return the paths of all receipts in the corpus, sorted; one name that skips where it is absent."""
    root = CORPUS / "receipts"
    names = sorted(
        str(path.relative_to(root)) for ending in ("bin", "hex", "escpos") for path in root.rglob(f"*.{ending}")
    )
    return names or ["absent"]


def decode(name: str, pieces: list[bytes], idle: bool = True, **settings: Any) -> list[Decoded]:
    """Return what a fresh decoder makes of the pieces."""
    decoder = decoders.create(name, decoders.settings_model(name)(**settings))
    seen = [observation for piece in pieces for observation in decoder.feed(piece)]
    return seen + (decoder.idle() if idle else [])


def cut_at(data: bytes, points: list[int]) -> list[bytes]:
    """Return ``data`` in pieces, cut at the points."""
    edges = [0, *sorted(points), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def flip_bits(data: bytes, share: float, rng: random.Random) -> bytes:
    """Return ``data`` with one bit flipped in ``share`` of its bytes."""
    return bytes(byte ^ 1 << rng.randrange(8) if rng.random() < share else byte for byte in data)


def misread(data: bytes, ratio: float) -> bytes:
    """Return what a UART at ``ratio`` times the sender's speed (8N1, no pause between bytes) makes of ``data``."""
    bits = [bit for byte in data for bit in (0, *(byte >> place & 1 for place in range(8)), 1)]

    def level(time: float) -> int:
        index = int(time)
        return bits[index] if index < len(bits) else 1

    out = bytearray()
    time = 0.0
    while time < len(bits):
        if level(time):
            time += 0.05
            continue
        step = 1 / ratio
        out.append(sum(level(time + step * (place + 1.5)) << place for place in range(8)))
        time += step * 9.5
    return bytes(out)
