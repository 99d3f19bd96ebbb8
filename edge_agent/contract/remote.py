"""What head office asks of a box, and what the box answers: config pushes and commands (contract, section 7)."""

from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec

from edge_agent.contract.envelope import Refused, Signed
from edge_agent.contract.messages import UNREADABLE
from edge_agent.contract.topics import Topics

TRIAL_SECONDS = 300  # where a push names none
DAY_SECONDS = 86_400

# A command's id becomes a level of a topic: no /, + or #. In Python, $ matches before a last line feed, too.
CommandId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)")]


class Target(msgspec.Struct, frozen=True):
    """The one agent that is meant."""

    tenant: str
    store: str
    agent: str


class ConfigPush(msgspec.Struct, kw_only=True, frozen=True):
    """The payload of ``down/config``. ``config``: store.toml as JSON; ``expires``: after it, it is not taken up."""

    type: str
    target: Target
    version: Annotated[int, msgspec.Meta(ge=0, le=2**53)]  # 0 is store.toml's: a push of it is `not_newer`
    expires: datetime
    trial_seconds: Annotated[int, msgspec.Meta(ge=1, le=DAY_SECONDS)] = TRIAL_SECONDS
    config: dict[str, Any]


class Command(msgspec.Struct, kw_only=True, frozen=True):
    """The payload of ``down/command``. ``boot_id``: runs in that boot only; needed while the clock is unsynced."""

    type: str
    target: Target
    id: CommandId
    name: str
    arguments: dict[str, Any] = {}
    expires: datetime
    boot_id: str | None = None


class ConfigId(msgspec.Struct, frozen=True):
    """A store config. ``sha256``: lower-case hex, of the exact payload bytes; version 0: of the bytes of store.toml."""

    version: int
    sha256: str


class Desired(msgspec.Struct, frozen=True):
    """What was asked for last; None: nothing ever was, or it cannot be told, since nothing of it can be believed."""

    version: int | None


class Reported(msgspec.Struct, kw_only=True, frozen=True):
    """What runs and what has become of the last push: the payload of ``config/reported``.

    ``phase``: ``received`` ``verified`` ``staged`` ``trial`` ``committed`` ``rejected`` ``rolled_back``, None: nothing
    was ever pushed. ``code``: why it was rejected or rolled back. ``at``: ISO 8601, when the phase began.
    """

    running: ConfigId
    last_known_good: ConfigId
    desired: Desired = Desired(None)
    phase: str | None = None
    code: str | None = None
    detail: str | None = None
    at: str | None = None


class Chunk(msgspec.Struct, kw_only=True, frozen=True):
    """One piece of what a command brings up. ``number``: 0 .. ``of`` - 1; ``data``: base64.

    ``sha256``, ``bytes``, ``name``: of the whole, the same in each piece.
    """

    number: int
    of: int
    name: str
    bytes: int
    sha256: str
    data: str


class Reply(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """An answer to a command: the payload of ``reply/{command id}``.

    ``status``: ``accepted`` ``progress`` ``done`` ``failed`` ``refused``; the last three are final, and ``done`` comes
    behind all chunks. ``code``, ``detail``: why not. ``progress``: 0.0 to 1.0. ``result``: what was asked for.
    """

    id: str
    status: str
    at: str
    name: str | None = None
    code: str | None = None
    detail: str | None = None
    progress: float | None = None
    result: dict[str, Any] | None = None
    chunk: Chunk | None = None


FINAL = frozenset({"done", "failed", "refused"})
# Answers to what nobody known has signed: its id cannot be believed.
UNVERIFIED = "unverified"

Payload = TypeVar("Payload", ConfigPush, Command)


def opened(signed: Signed, kind: type[Payload], role: str, topics: Topics) -> Payload:
    """Return a signed payload that is meant for this agent, of a key that may sign it.

    Raises Refused ``malformed`` ``wrong_role`` ``wrong_target``.
    """
    try:
        payload = msgspec.json.decode(signed.payload, type=kind)
    except UNREADABLE as error:
        raise Refused("malformed", ascii(str(error))[1:-1]) from error
    if payload.expires.tzinfo is None:
        raise Refused("malformed", "expires has no offset from UTC")
    if payload.type != role:
        raise Refused("malformed", f"of type {payload.type[:64]!a}, not {role!r}")
    if role not in signed.key.roles:
        raise Refused("wrong_role", f"{signed.key.id} may sign {', '.join(sorted(signed.key.roles))}")
    if payload.target != Target(topics.tenant, topics.store, topics.agent):
        meant = payload.target
        raise Refused("wrong_target", f"meant for {f'{meant.tenant}/{meant.store}/{meant.agent}'[:200]!a}")
    return payload
