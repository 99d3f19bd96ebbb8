"""Signed envelopes: what head office asks of a box is believed for its signature, not for its topic.

``{"payload": BASE64, "signature": BASE64, "key_id": "ops-1"}``, Ed25519 (RFC 8032) over the exact payload bytes. The
payload is not looked into before the signature is right, so an envelope of a stranger reaches no parser but this one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from edge_agent.contract.messages import UNREADABLE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAX_BYTES = 1024 * 1024  # of a whole envelope: the contract's section 7

# The points of small order, without the bit of their sign (libsodium, ge25519_has_small_order): for such a key, one of
# zeros among them, anybody can make signatures that RFC 8032's check takes, and OpenSSL looks no further.
_SMALL_ORDER = frozenset(
    bytes.fromhex(y)
    for y in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)


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
        raise Refused("unknown_key", f"{envelope.key_id[:64]!a} is not among [trust] keys")
    if not _is_signed(payload, signature, key):
        raise Refused("bad_signature", f"not signed by {key.id}, or changed since")
    return Signed(payload, key)


def is_weak(public: bytes) -> bool:
    """Tell whether anybody can sign for a public key (raw, 32 bytes) without knowing its private half."""
    return bytes([*public[:31], *(byte & 0x7F for byte in public[31:])]) in _SMALL_ORDER


def _is_signed(payload: bytes, signature: bytes, key: Key) -> bool:
    # 7 MB: only where a box is asked for something.
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    if is_weak(key.public):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, payload)
    except (InvalidSignature, ValueError):  # ValueError: not 32 bytes
        return False
    return True


def _bytes(text: str, what: str) -> bytes:
    """Decode base64 as RFC 4648, section 4 writes it, and in no other way: one payload has one envelope."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = None
    if data is None or base64.b64encode(data) != text.encode():
        raise Refused("malformed", f"the {what} is not base64")
    return data
