"""Head office at its desk: signs, publishes, and sees what the box reports."""

import asyncio
import base64
import copy
import hashlib
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.clock import Clock
from edge_agent.contract.envelope import MAX_BYTES, Key, seal
from edge_agent.contract.topics import Topics
from edge_agent.simulator.virtual_store import AGENT_TOML, STORE_TOML
from tests.support.broker import Listener

TOPICS = Topics("demo", "sh-0001", "pc-1")  # of AGENT_TOML
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Signer:
    """Somebody with a key. ``roles``: what the box believes them."""

    id: str
    roles: tuple[str, ...]

    @property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(self.id.encode()).digest())

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def key(self) -> Key:
        return Key(self.id, self.public, frozenset(self.roles))


OPERATOR = Signer("ops-1", ("config", "command"))
COMMANDER = Signer("desk-1", ("command",))
STRANGER = Signer("nobody", ())


def trust_toml(*signers: Signer) -> str:
    """Return the rows of agent.toml that make the box believe them."""
    return "".join(
        f'\n[[trust.keys]]\nid = "{signer.id}"\nkey = "{base64.b64encode(signer.public).decode()}"\n'
        f"roles = {list(signer.roles)}\n"
        for signer in signers
    )


TRUSTING_TOML = AGENT_TOML + trust_toml(OPERATOR, COMMANDER)


def store_config(toml: str = STORE_TOML) -> dict[str, Any]:
    """Return a store.toml as the JSON of a push."""
    return tomllib.loads(toml)


def with_device(config: dict[str, Any], index: int = 0, **fields: Any) -> dict[str, Any]:
    """Return a copy of a store config in which one device has other fields."""
    changed = copy.deepcopy(config)
    changed["device"][index].update(fields)
    return changed


def config_payload(
    config: dict[str, Any], version: int, *, trial_seconds: int = 1, expires_in_s: float = 3600, **other: Any
) -> bytes:
    """Return the payload of a push. ``other``: fields that are different (``type``, ``target`` …)."""
    now = datetime.fromtimestamp(Clock().now().wall_ms / 1000, UTC)
    payload = {
        "type": "config",
        "target": {"tenant": TOPICS.tenant, "store": TOPICS.store, "agent": TOPICS.agent},
        "version": version,
        "expires": (now + timedelta(seconds=expires_in_s)).isoformat(),
        "trial_seconds": trial_seconds,
        "config": config,
    }
    return msgspec.json.encode(payload | other)


def refused(config: dict[str, Any], version: int) -> dict[str, bytes]:
    """Return envelopes that nobody may believe, by the code with which each is refused."""
    payload = config_payload(config, version)
    right = msgspec.json.decode(seal(payload, OPERATOR.private, OPERATOR.id))
    forged = bytearray(base64.b64decode(right["signature"]))
    forged[0] ^= 1
    elsewhere = config_payload(config, version, target={"tenant": "demo", "store": "sh-0001", "agent": "pc-2"})
    return {
        "unsigned": msgspec.json.encode({"payload": right["payload"], "key_id": OPERATOR.id}),
        "bad_signature": msgspec.json.encode(right | {"signature": base64.b64encode(forged).decode()}),
        "unknown_key": seal(payload, STRANGER.private, STRANGER.id),
        "wrong_role": seal(payload, COMMANDER.private, COMMANDER.id),
        "too_large": b"{" * (MAX_BYTES + 1),
        "malformed": msgspec.json.encode(right)[:-20],
        "wrong_target": seal(elsewhere, OPERATOR.private, OPERATOR.id),
    }


class HeadOffice:
    """A connection of its own to the store's broker, on a thread: it survives the broker's restarts."""

    def __init__(self, port: int, topics: Topics = TOPICS) -> None:
        self.topics = topics
        self._listener = Listener(port, topics.reported)
        self._pushed: dict[int, bytes] = {}

    def __enter__(self) -> Self:
        self._listener.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.__exit__()

    def push(self, config: dict[str, Any], version: int, *, signer: Signer = OPERATOR, **fields: Any) -> str:
        """Push a store config; returns the SHA-256 of its payload. ``fields``: see ``config_payload``."""
        payload = config_payload(config, version, **fields)
        self.send(envelope := seal(payload, signer.private, signer.id))
        self._pushed.setdefault(version, envelope)
        return hashlib.sha256(payload).hexdigest()

    def again(self, version: int) -> None:
        """Publish once more what was pushed first with this version."""
        self.send(self._pushed[version])

    def send(self, envelope: bytes) -> None:
        """Publish bytes where the box looks for its config, retained."""
        self.publish(self.topics.config, envelope)

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish anything, retained."""
        self._listener.publish(topic, payload)

    @property
    def reports(self) -> list[dict[str, Any]]:
        """Everything reported since this was entered, oldest first."""
        return [msgspec.json.decode(seen.payload) for seen in list(self._listener.seen) if seen.payload]

    def phases(self, version: int | None) -> list[str]:
        """Return the phases reported of a push, oldest first, one that is said again once."""
        said = [
            report["phase"] for report in self.reports if report["phase"] and report["desired"]["version"] == version
        ]
        return [phase for index, phase in enumerate(said) if index == 0 or said[index - 1] != phase]

    async def until(self, version: int | None, phase: str, code: str | None = None) -> dict[str, Any]:
        """Wait until something is reported of a push; returns the report."""
        return await self.until_last(
            lambda report: (
                (report["phase"], report["code"]) == (phase, code) and report["desired"] == {"version": version}
            ),
            among=slice(None),
        )

    async def until_last(
        self, condition: Callable[[dict[str, Any]], bool], among: slice = slice(-1, None)
    ) -> dict[str, Any]:
        """Wait until the last report (or one ``among`` all of them) meets the condition; returns it."""
        found: Sequence[dict[str, Any]] = ()
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not (found := [report for report in self.reports[among] if condition(report)]):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"it was not reported within {PATIENCE_S} s: {self.reports[-8:]}") from None
        return found[-1]
