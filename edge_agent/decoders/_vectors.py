r"""Vectors: captured bytes and what they mean, in ``<decoder>.toml`` beside each decoder.

    [[vector]]
    name = "chinese-retail"              # unique in the file
    settings = { encoding = "gb18030" }  # of the decoder; left out: its defaults
    bytes = ["hex 1b40", "合计 16.00\n", "hex 1d5600"]   # text is encoded by ``encoding``; "hex …" is hexadecimal
    encoding = "gb18030"                 # of the text parts; left out: utf_8
    idle = true                          # the line falls silent at the end; default true

    [[vector.expect]]                    # the observations, in order
    receipt = { lines = ["合计 16.00"], barcodes = [], flags = [] }
    # or record = {…}, scan = { code = "…", fields = {…} }, undecoded = { reason = "noise", hex = "1b58" }

At most 2 KiB of bytes each: a vector shows one thing.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal
from importlib import resources
from typing import Any

from edge_agent.observations import Decoded, DisplayText, Payment, Receipt, Record, Scan, Weight

MAX_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Vector:
    """One example: the decoder's ``settings``, ``data`` to feed, the ``expected`` observations in their plain form."""

    name: str
    settings: dict[str, Any]
    data: bytes
    idle: bool
    expected: list[dict[str, Any]]


def load(name: str) -> list[Vector]:
    """Return the vectors of a decoder, in file order."""
    text = resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return [_vector(table) for table in tomllib.loads(text, parse_float=Decimal)["vector"]]


def _vector(table: dict[str, Any]) -> Vector:
    encoding = table.get("encoding", "utf_8")
    parts = (bytes.fromhex(part[4:]) if part.startswith("hex ") else part.encode(encoding) for part in table["bytes"])
    settings = table.get("settings", {})
    expected = [_complete(entry) for entry in table.get("expect", [])]
    return Vector(table["name"], settings, b"".join(parts), table.get("idle", True), expected)


def _complete(entry: dict[str, Any]) -> dict[str, Any]:
    if "receipt" in entry:
        return {"receipt": {"barcodes": [], "flags": [], **entry["receipt"]}}
    if "scan" in entry:
        return {"scan": {"fields": {}, **entry["scan"]}}
    return entry


def plain(observation: Decoded) -> dict[str, Any]:
    """Return an observation in the form vectors write it; ``raw`` is left out."""
    if isinstance(observation, Receipt):
        parts = {name: list(getattr(observation, name)) for name in ("lines", "barcodes", "flags")}
        return {"receipt": parts}
    if isinstance(observation, Record):
        return {"record": observation.fields}
    if isinstance(observation, Scan):
        return {"scan": {"code": observation.code, "fields": observation.fields}}
    if isinstance(observation, DisplayText):
        shown = {"rows": list(observation.rows), "label": observation.label, "amount": observation.amount}
        return {"display": _given(shown)}
    if isinstance(observation, Weight):
        return {"weight": _given(asdict(observation))}
    if isinstance(observation, Payment):
        return {"payment": _given(asdict(observation))}
    return {"undecoded": {"reason": observation.reason, "hex": observation.data.hex()}}


def _given(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in parts.items() if part is not None}  # TOML knows no null


def run(module: Any, vector: Vector, pieces: Iterable[bytes]) -> list[Decoded]:
    """Return what a fresh decoder of ``module`` makes of ``pieces``."""
    decoder = module.Decoder(module.Settings(**vector.settings))
    seen = [observation for piece in pieces for observation in decoder.feed(piece)]
    return seen + (decoder.idle() if vector.idle else [])


def check(name: str, module: Any) -> list[str]:
    """Run the vectors of a decoder module; return what is wrong, one line each."""
    problems = []
    for vector in load(name):
        whole = [plain(observation) for observation in run(module, vector, [vector.data])]
        if len(vector.data) > MAX_BYTES:
            problems.append(f"{name}: {vector.name}: {len(vector.data)} bytes, at most {MAX_BYTES} are allowed")
        if whole != vector.expected:
            problems.append(f"{name}: {vector.name}: expected {vector.expected}, got {whole}")
        pieces = (vector.data[at : at + 1] for at in range(len(vector.data)))
        if [plain(observation) for observation in run(module, vector, pieces)] != whole:
            problems.append(f"{name}: {vector.name}: fed byte by byte it gives something else")
    return problems
