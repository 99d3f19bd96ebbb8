"""Who a tag or a telephone on a reader says it is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from edge_agent.identities import Identity
from edge_agent.identities.hashing import Hasher
from edge_agent.identities.ndef import Contents, contents
from edge_agent.identities.sdm import ForgedError, Proof, is_dynamic, verify
from edge_agent.identities.sdm_keys import SdmKeys
from edge_agent.observations import TagRead

LONGEST_VALUE = 512  # characters; a token is a few dozen, a URI that identifies somebody rarely past two hundred

_NOTHING = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(//(www\.)?)?")  # a URI that ends where its prefix does: everybody's
_SEPARATORS = re.compile(r"[:\-_. ]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Tagged:
    """What was made of a tag.

    ``counter``: of an SDM tag, its identity's value and the number that must be higher than at the tap before.
    ``refused``: why there is no identity: ``sdm_forged`` ``torn``; else empty. ``malformed``: what is wrong with its
    NDEF message, as in Contents; the tag may have an identity all the same.
    """

    identity: Identity | None
    counter: tuple[str, int] | None = None
    refused: str = ""
    malformed: str = ""


def identify(read: TagRead, hasher: Hasher, sdm: SdmKeys | None) -> Tagged:
    """Return the best identity a tag offers. Never raises.

    In this order: a verified SDM URI, an application's answer, an NDEF URI, an NDEF text, the hashed IDm or UID.
    URI, text and answer are as they stand on the tag: numbers of cards and telephones in them are not yet redacted.
    """
    if read.torn:
        return Tagged(None, refused="torn")
    message = contents(read.ndef) if read.ndef is not None else Contents()
    try:
        proof = _proved(message, sdm)
    except ForgedError:
        return Tagged(None, refused="sdm_forged", malformed=message.malformed)
    if proof is not None:
        value = hasher.of("sdm", proof.uid)
        identity = _marked(Identity("sdm", value, verified=True), read)
        return Tagged(identity, counter=(value, proof.counter), malformed=message.malformed)
    best = next(_unproved(read, message, hasher), None)
    return Tagged(None if best is None else _marked(best, read), malformed=message.malformed)


def _proved(message: Contents, sdm: SdmKeys | None) -> Proof | None:
    """Return what the first URI with mirrors proves. Raises ForgedError."""
    if sdm is None:
        return None
    return next((proof for uri in message.uris if (proof := verify(uri, sdm))), None)


def _unproved(read: TagRead, message: Contents, hasher: Hasher) -> Iterator[Identity]:
    for answer in read.answers.values():
        if answer:
            yield Identity("aid", _readable(answer))
    for uri in message.uris:
        # One that is new at each tap would make a new visitor of every tap.
        if _is_token(uri, read) and not is_dynamic(uri):
            yield Identity("ndef_uri", _cut(uri))
    for text in message.texts:
        if _is_token(text, read):
            yield Identity("ndef_text", _cut(text))
    if read.uid:
        kind = "idm" if read.technology == "type3" else "uid"
        yield Identity(kind, hasher.of(kind, read.uid))


def _is_token(text: str, read: TagRead) -> bool:
    """Tell whether a text can stand for its bearer; one that repeats the UID would carry it out of the store."""
    if not text.strip() or _NOTHING.fullmatch(text) or _CONTROL.search(text):
        return False
    digits = _SEPARATORS.sub("", text.lower())
    return not any(form in digits for form in _forms(read.uid))


def _forms(uid: bytes) -> tuple[str, ...]:
    """Return the ways a UID is written: hexadecimal and decimal, most significant octet first or last."""
    if not uid:
        return ()
    both = (uid, uid[::-1])
    return (*(octets.hex() for octets in both), *(str(int.from_bytes(octets)) for octets in both))


def _cut(text: str) -> str:
    """Shorten what is too long, and not in the middle of a number: half a card number is not recognised as one."""
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE].rstrip("0123456789 -")


def _readable(answer: bytes) -> str:
    text = answer.decode("latin-1")
    return _cut(text) if text.isascii() and text.isprintable() else answer[: LONGEST_VALUE // 2].hex()


def _marked(identity: Identity, read: TagRead) -> Identity:
    """Say whether the UID was made up for this tap (ISO/IEC 14443-3, 6.5.4: 4 octets, the first one 08)."""
    return replace(identity, random_uid=len(read.uid) == 4 and read.uid[0] == 0x08)
