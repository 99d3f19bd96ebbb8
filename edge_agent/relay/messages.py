"""What a relay and the agent say to each other on their socket: length-prefixed MessagePack, both ways.

The relay speaks first (``Hello``) and sends no byte of the copy before the agent's ``Bind``.
Offsets count the bytes that came from the register, over all lives of a device's relay in one boot.
"""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import msgspec

from edge_agent.relay.settings import Settings

PROTOCOL = 1
# A chunk of the copy is one read (64 KiB at most) and its name.
MAX_FRAME = 128 * 1024
_LENGTH = 4


class Bind(msgspec.Struct, frozen=True, tag="bind"):
    """The agent wants the copy from ``offset`` on, which it counts as byte ``position`` of its line."""

    offset: int
    position: int


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """``identity``: of this life of the relay. ``begin``: the oldest byte held. ``bound``: the agent's last word.

    ``end``: behind the last byte that any agent can have had.
    """

    identity: str
    fingerprint: str
    begin: int
    end: int
    bound: Bind | None = None
    protocol: int = PROTOCOL


class Data(msgspec.Struct, frozen=True, tag="data"):
    """Bytes from the register; ``offset``: of the first."""

    offset: int
    data: bytes


class Lost(msgspec.Struct, frozen=True, tag="lost"):
    """The copy of the bytes from ``first`` up to, not including, ``last`` is gone. No more comes until a ``Bind``."""

    first: int
    last: int


class Ends(msgspec.Struct, frozen=True, tag="ends"):
    """How both ends are: each a reason (empty: it works) and a line for a person.

    ``unprinted``: bytes of this life that the printer did not get.
    """

    register: tuple[str, str]
    printer: tuple[str, str]
    unprinted: int = 0


class Acked(msgspec.Struct, frozen=True, tag="acked"):
    """The agent keeps everything before ``upto``."""

    upto: int


class Show(msgspec.Struct, frozen=True, tag="show"):
    """Text for the line display that this relay drives."""

    rows: tuple[str, ...]
    seconds: float


class Serve(msgspec.Struct, frozen=True, tag="serve"):
    """Finish what is under way, then go on with these settings."""

    settings: Settings


class End(msgspec.Struct, frozen=True, tag="end"):
    """Finish what is under way, then end: the device is gone from the configuration."""


FromRelay = Hello | Data | Lost | Ends
FromAgent = Bind | Acked | Show | Serve | End
_Message = TypeVar("_Message")


class ProtocolError(Exception):
    """The other side speaks another language; the connection is of no use."""


def frame(message: FromRelay | FromAgent) -> bytes:
    """Return a message as it goes over the socket."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(_LENGTH, "big") + body


class Reader(Generic[_Message]):
    """Takes the pieces of a stream, gives the messages in it."""

    def __init__(self, decode: Callable[[bytes], _Message]) -> None:
        self._decode = decode
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[_Message]:
        """Yield the messages that are complete now. Raises ProtocolError."""
        self._rest += data
        while len(self._rest) >= _LENGTH:
            length = int.from_bytes(self._rest[:_LENGTH], "big")
            if length > MAX_FRAME:
                raise ProtocolError(f"a frame of {length} bytes")
            if len(self._rest) < _LENGTH + length:
                return
            body = bytes(self._rest[_LENGTH : _LENGTH + length])
            del self._rest[: _LENGTH + length]
            try:
                yield self._decode(body)
            except msgspec.DecodeError as error:
                raise ProtocolError(str(error)) from error


def from_relay() -> Reader[FromRelay]:
    """Return a reader for the agent."""
    return Reader(msgspec.msgpack.Decoder(FromRelay).decode)


def from_agent() -> Reader[FromAgent]:
    """Return a reader for the relay."""
    return Reader(msgspec.msgpack.Decoder(FromAgent).decode)
