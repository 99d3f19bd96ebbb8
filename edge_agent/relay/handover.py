"""What a relay that begins again as a fresh process leaves to itself: bytes, in memory that it inherits."""

import os

import msgspec
import structlog

from edge_agent.relay.messages import Bind

log = structlog.get_logger()

_NAME = "EDGE_AGENT_RELAY_HELD"  # of the environment: the descriptor


class Held(msgspec.Struct, frozen=True):
    """Bytes on their way.

    ``copy``: for the agent, ``begin``: the offset of its first byte, ``bound``: the agent's last word.
    ``unprinted``: read from the register, not yet taken by the printer; ``unsaid``: the other way round. ``register``:
    its open descriptor, where its line stays as it is set: what comes meanwhile waits there. ``ledger``: the ledger's.
    """

    begin: int
    copy: bytes
    unprinted: bytes = b""
    unsaid: bytes = b""
    bound: Bind | None = None
    register: int | None = None
    ledger: int | None = None


def leave(held: Held) -> None:
    """Keep bytes beyond an exec; without memory for them they are lost, which is logged."""
    try:
        descriptor = os.memfd_create("held", 0)  # 0: not closed by an exec
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(msgspec.msgpack.encode(held))
    except OSError as error:
        log.warning("relay_bytes_lost", unprinted=len(held.unprinted), copy=len(held.copy), error=error.strerror)
        return
    os.environ[_NAME] = str(descriptor)


def taken() -> Held | None:
    """Return what the process before this one left, once; None: nothing, or a version's that this one cannot read."""
    named = os.environ.pop(_NAME, "")
    if not named:
        return None
    try:
        with os.fdopen(int(named), "rb") as file:
            file.seek(0)
            return msgspec.msgpack.decode(file.read(), type=Held)
    except (OSError, ValueError, msgspec.DecodeError):
        log.warning("relay_bytes_lost", reason="what was left cannot be read")
        return None
