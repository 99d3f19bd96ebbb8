"""Signed envelopes: what head office asks of a box is believed for its signature, not for its topic.

``{"payload": BASE64, "signature": BASE64, "key_id": "ops-1"}``, Ed25519 (RFC 8032) over the exact payload bytes. The
payload is not looked into before the signature is right, so an envelope of a stranger reaches no parser but this one.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge_agent.contract.messages import UNREADABLE

MAX_BYTES = 1024 * 1024  # of a whole envelope: the contract's section 7


@dataclass(frozen=True, slots=True)
class Key:
    """A trusted public key (raw, 32 bytes) and what it may sign: ``config`` ``command`` ``dataset`` ``update``."""

    id: str
    public: bytes
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Signed:
    """The exact bytes that ``key`` has signed."""

    payload: bytes
    key: Key


class Refused(Exception):  # noqa: N818 - the contract's word for it
    """Head office asked for something that is not done. ``code``: the contract's; ``detail``: one line, no secrets."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class _Envelope(msgspec.Struct, kw_only=True):
    payload: str | None = None
    signature: str | None = None
    key_id: str | None = None


_decode = msgspec.json.Decoder(_Envelope).decode


def seal(payload: bytes, private: Ed25519PrivateKey, key_id: str) -> bytes:
    """Return the envelope of a payload, signed."""
    signature = base64.b64encode(private.sign(payload)).decode()
    return msgspec.json.encode(
        _Envelope(payload=base64.b64encode(payload).decode(), signature=signature, key_id=key_id)
    )


def unseal(data: bytes, keys: Iterable[Key]) -> Signed:
    """Return what an envelope holds, once its signature is right.

    Raises Refused ``too_large`` ``malformed`` ``unsigned`` ``unknown_key`` ``bad_signature``.
    """
    if len(data) > MAX_BYTES:
        raise Refused("too_large", f"{len(data)} bytes; at most {MAX_BYTES}")
    try:
        envelope = _decode(data)
    except UNREADABLE as error:
        raise Refused("malformed", "not an envelope {payload, signature, key_id}") from error
    if not envelope.signature or not envelope.key_id:
        raise Refused("unsigned", "an envelope names its key and bears its signature")
    if envelope.payload is None:
        raise Refused("malformed", "an envelope without a payload")
    payload, signature = _bytes(envelope.payload, "payload"), _bytes(envelope.signature, "signature")
    key = next((key for key in keys if key.id == envelope.key_id), None)
    if key is None:
        raise Refused("unknown_key", f"{envelope.key_id[:64]!r} is not among [trust] keys")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, payload)
    except InvalidSignature:
        raise Refused("bad_signature", f"not signed by {key.id}, or changed since") from None
    return Signed(payload, key)


def _bytes(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("malformed", f"the {what} is not base64") from None
