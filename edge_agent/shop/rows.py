"""Durable rows as the rules take them up at a start."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec
import structlog

_Row = TypeVar("_Row")

log = structlog.get_logger()


def readable(
    rows: Mapping[str, bytes],
    kind: type[_Row],
    decoder: type[msgspec.msgpack.Decoder[_Row]] | type[msgspec.json.Decoder[_Row]] = msgspec.msgpack.Decoder,
) -> Iterator[tuple[str, _Row]]:
    """Yield the rows by key. One of another version is left out: better it is lost than the shop."""
    decode = decoder(kind).decode
    for key, row in rows.items():
        try:
            yield key, decode(row)
        except (msgspec.DecodeError, UnicodeDecodeError):
            log.warning("row_unreadable", kind=kind.__name__.strip("_").lower())  # its key may be somebody's name
