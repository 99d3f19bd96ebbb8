"""Whether a command is let in: what can be told without running anything, and without a byte on the disk."""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from edge_agent.clock import Moment, TimeQuality
from edge_agent.contract.envelope import Key, Refused, Signed, unseal
from edge_agent.contract.messages import UNREADABLE
from edge_agent.contract.remote import UNVERIFIED, Command, CommandId, opened
from edge_agent.contract.topics import Topics

# An id is remembered for as long as its command may be obeyed: this long at most, and the ledger holds 1,000 of them,
# 32 a day. Who needs longer asks again.
AHEAD = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Request:
    """A command that is believed, and meant for this agent. ``sha256``: lower-case hex, of its payload."""

    command: Command
    key_id: str
    sha256: str

    @property
    def expires_ms(self) -> int:
        """When it expires, in Unix milliseconds."""
        return round(self.command.expires.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Rejected:
    """What is not let in. ``id``: None where nobody known has signed one; ``key_id``: None where nobody known has."""

    refused: Refused
    id: str | None = None
    key_id: str | None = None


class _Named(msgspec.Struct):
    id: CommandId


def read(data: bytes, keys: Iterable[Key], topics: Topics) -> Request | Rejected:
    """Open what arrived. Takes 5 ms for a megabyte: not in the loop."""
    try:
        signed = unseal(data, keys)
    except Refused as refused:
        return Rejected(refused)
    try:
        command = _command(signed, topics)
    except Refused as refused:
        return Rejected(refused, _id_of(signed.payload), signed.key.id)
    return Request(command, signed.key.id, hashlib.sha256(signed.payload).hexdigest())


def check_time(request: Request, now: Moment) -> None:
    """Raise Refused ``wrong_boot`` ``boot_id_needed`` ``expired`` ``too_far`` where it is not for this hour.

    A clock that has not been set since the boot may stand at any hour: then the command names the boot as well, and may
    expire as late as it likes, so that a box whose clock is ahead can be commanded, too.
    """
    boot_id = request.command.boot_id
    if boot_id is not None and boot_id != now.boot_id:
        raise Refused("wrong_boot", f"this boot is {now.boot_id}")
    is_set = now.quality is not TimeQuality.UNSYNCED
    if not is_set and boot_id is None:
        raise Refused("boot_id_needed", f"the clock is not set: name the boot, {now.boot_id}")
    if request.expires_ms <= now.wall_ms:
        raise Refused("expired", "its time has passed, by this box's clock")
    if is_set and request.expires_ms > now.wall_ms + AHEAD / timedelta(milliseconds=1):
        raise Refused("too_far", f"it may expire {AHEAD.days} days from now at the latest")


def _command(signed: Signed, topics: Topics) -> Command:
    command = opened(signed, Command, "command", topics)
    if not _is_id(command.id):
        raise Refused("malformed", f"{command.id!a} is no id for a command")
    return command


def _id_of(payload: bytes) -> str | None:
    """Return the id that a signed payload bears, whatever else is wrong with it."""
    with suppress(*UNREADABLE):
        id_ = msgspec.json.decode(payload, type=_Named).id
        return id_ if _is_id(id_) else None
    return None


def _is_id(id_: str) -> bool:
    """Tell whether answers may go to this id: not where strangers are answered, nor with a line break behind it.

    (``$`` in the pattern of ``CommandId`` lets one pass, re; a broker may end the connection for it, MQTT 5, 1.5.4.)
    """
    return id_ != UNVERIFIED and id_.isprintable()
