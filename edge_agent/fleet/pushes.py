"""One config push: its version and payload, and what has become of it by what its agent reports."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from edge_agent.contract.messages import UNREADABLE
from edge_agent.contract.remote import ConfigId, ConfigPush, Reported, Target
from edge_agent.contract.topics import Topics
from edge_agent.errors import AgentError

Status = Literal["pending", "running", "committed", "rejected", "rolled_back", "superseded"]

FAILED: frozenset[Status] = frozenset({"rejected", "rolled_back"})
SETTLED: frozenset[Status] = FAILED | {"committed", "superseded"}
_LAST_VERSION = 2**53  # ConfigPush.version


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of a push.

    ``status``: ``pending``: the agent has not said a word of it; ``running``: on its way, ``phase`` says where;
    ``superseded``: another push with that or a higher version took its place. ``code``, ``detail``: as reported.
    """

    status: Status
    phase: str | None = None
    code: str | None = None
    detail: str | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing more will become of it."""
        return self.status in SETTLED

    @property
    def failed(self) -> bool:
        """Whether the agent did not keep the config."""
        return self.status in FAILED


PENDING = Outcome("pending")


def next_version(reported: Reported | None, retained: bytes) -> int:
    """Return a version above everything known of an agent's line.

    ``retained``: the envelope that lies on its ``down/config``, empty: none. Raises AgentError where the line is at
    its end.
    """
    lying = push_in(retained)
    known = [lying.version] if lying else []
    if reported:
        desired = reported.desired.version
        known += [reported.running.version, reported.last_known_good.version, desired or 0]
    version = max(known, default=0) + 1
    if version > _LAST_VERSION:
        raise AgentError(f"version {version - 1} is the last there can be: clear the retained message on down/config")
    return version


def running_config(reported: Reported | None, retained: bytes) -> dict[str, Any] | None:
    """Return the config that runs, if that is the one that lies on ``down/config``."""
    payload = payload_in(retained)
    if reported is None or payload is None or digest(payload) != reported.running.sha256:
        return None
    push = push_in(retained)
    return push.config if push else None


def encode(
    agent: Topics, version: int, expires: datetime, trial_seconds: int, config: Mapping[str, Any]
) -> tuple[bytes, ConfigId]:
    """Return the payload of a push, to be sealed as it is, and what it will be known as."""
    target = Target(agent.tenant, agent.store, agent.agent)
    push = ConfigPush(
        type="config",
        target=target,
        version=version,
        expires=expires,
        trial_seconds=trial_seconds,
        config=dict(config),
    )
    payload = msgspec.json.encode(push)
    return payload, ConfigId(version, digest(payload))


def outcome(push: ConfigId, reported: Reported | None) -> Outcome:
    """Return what has become of a push by what its agent reports.

    A report that names no version (something that nobody has signed arrived) says nothing of any push.
    """
    desired = reported.desired.version if reported else None
    if reported is None or desired is None or desired < push.version:
        return PENDING
    if desired > push.version:
        return Outcome("superseded", detail=f"by version {desired}")
    match reported.phase:
        case "committed" if reported.running != push:
            return Outcome("superseded", detail=f"by another version {desired}")
        case "committed" | "rejected" | "rolled_back" as phase:
            return Outcome(phase, phase, reported.code, reported.detail)
        case phase:
            return Outcome("running", phase)


def push_in(envelope: bytes) -> ConfigPush | None:
    """Return the push in an envelope, whoever has signed it; None where there is none."""
    payload = payload_in(envelope)
    try:
        return msgspec.json.decode(payload, type=ConfigPush) if payload is not None else None
    except UNREADABLE:
        return None


def payload_in(envelope: bytes) -> bytes | None:
    """Return the exact payload bytes in an envelope, whoever has signed it; None where it is none."""
    try:
        payload = msgspec.json.decode(envelope, type=dict[str, Any]).get("payload")
        return base64.b64decode(payload, validate=True) if isinstance(payload, str) else None
    except (*UNREADABLE, binascii.Error, ValueError):
        return None


def digest(payload: bytes) -> str:
    """Return the hash by which a config is known."""
    return hashlib.sha256(payload).hexdigest()
