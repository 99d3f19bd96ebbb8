"""What head office gives every store of a chain: products, prices, stock and the rest (contract, section 3).

A snapshot is chunks of NDJSON, a JSON object a line, with a signed manifest over them; a delta is a signed message.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import msgspec

NAMES = ("products", "prices", "stock", "members", "pickups", "mappings", "media")
CHUNK_BYTES = 64 * 1024  # at most, as sent
TYPE = "dataset"  # of both payloads, and the role of the key that signs them

Revision = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
Row = dict[str, Any]


class StoreTarget(msgspec.Struct, frozen=True):
    """The store that is meant: all of its agents."""

    tenant: str
    store: str


class Manifest(msgspec.Struct, kw_only=True, frozen=True):
    """The payload on ``STORE/down/dataset/{name}``.

    ``sha256``: lower-case hex, of all chunks one behind the other, which are numbered from 0. ``as_of``: when the data
    was right; ``max_age_seconds``: how long it may be used from then on, None: for ever. ``deltas``: from which
    revision to which there are deltas.
    """

    type: str
    target: StoreTarget
    name: str
    revision: Revision
    as_of: datetime
    sha256: str
    rows: Annotated[int, msgspec.Meta(ge=0)]
    chunks: Annotated[int, msgspec.Meta(ge=0)]
    deltas: list[tuple[int, int]] = []
    max_age_seconds: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Delta(msgspec.Struct, kw_only=True, frozen=True, rename={"from_": "from"}):
    """The payload on ``STORE/down/dataset/{name}/delta/{from}``: what makes revision ``to`` of revision ``from``.

    ``upserts``: whole rows; ``deletes``: the ids of rows.
    """

    type: str
    target: StoreTarget
    name: str
    from_: Revision
    to: Revision
    as_of: datetime
    upserts: list[Row] = []
    deletes: list[str] = []


def digest(chunks: Iterable[bytes]) -> str:
    """Return the hash of a snapshot."""
    hashed = hashlib.sha256()
    for chunk in chunks:
        hashed.update(chunk)
    return hashed.hexdigest()
