"""The body of a payment terminal's message: where each field lies in it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Body = Literal["positions", "separated", "tlv"]
Number = Literal["ascii", "bcd", "binary"]

WHERE = re.compile(r"bytes ([1-9]\d{0,3})(?:-([1-9]\d{0,3}))?|field ([1-9]\d{0,2})|tag ([0-9A-Za-z]{1,16})")


class MalformedError(ValueError):
    """The body does not have the form it should have."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a body is laid out.

    ``header``: bytes before the first field. ``separator``: the byte between two fields. ``tag_size``: bytes of a
    field's tag. ``count`` and ``count_size``: how the length of a value is written behind its tag.
    """

    body: Body
    header: int
    separator: int
    tag_size: int
    count: Number
    count_size: int


def number(data: bytes, form: Number) -> int | None:
    """Return a number as terminals write it, most significant digit first; None if it is none."""
    if form == "binary":
        return int.from_bytes(data)
    digits = data.hex() if form == "bcd" else data.decode("latin-1")
    return int(digits) if digits.isascii() and digits.isdigit() else None


def fields(body: bytes, layout: Layout) -> Callable[[str], bytes | None]:
    """Return a function from a place (``WHERE``) to the bytes there, None where the message has no such field.

    Raises MalformedError where tags and lengths do not fill the body.
    """
    pieces: list[bytes] = []
    tagged: Mapping[bytes, bytes] = {}
    if layout.body == "tlv":
        tagged = _tlv(body, layout)
    elif layout.body == "separated":
        pieces = body[layout.header :].split(bytes((layout.separator,)))
        size = layout.tag_size
        tagged = {piece[:size]: piece[size:] for piece in reversed(pieces) if len(piece) >= size}

    def found(where: str) -> bytes | None:
        match = WHERE.fullmatch(where)
        if match is None:
            return None
        if match[1]:
            first = int(match[1])
            return body[first - 1 : int(match[2] or first)] or None
        if match[3]:
            index = int(match[3]) - 1
            return pieces[index] if index < len(pieces) else None
        return tagged.get(_tag(match[4], layout.tag_size))

    return found


def _tag(text: str, size: int) -> bytes:
    """Return a tag's bytes: written as they are, or as twice as many hexadecimal digits."""
    if len(text) == 2 * size:
        try:
            return bytes.fromhex(text)
        except ValueError:
            pass
    return text.encode("ascii")


def _tlv(body: bytes, layout: Layout) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    at = layout.header
    while at < len(body):
        value = at + layout.tag_size + layout.count_size
        length = number(body[at + layout.tag_size : value], layout.count)
        if length is None or value + length > len(body):
            raise MalformedError
        found.setdefault(body[at : at + layout.tag_size], body[value : value + length])
        at = value + length
        at += body[at : at + 1] == bytes((layout.separator,))
    return found
