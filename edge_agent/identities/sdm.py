"""Secure Dynamic Messaging: what an NTAG 424 DNA writes into its URI anew at each tap, verified offline.

Source: NXP AN12196, sections 3.3 and 3.4, and NT4H2421Gx, section 9.3. AES mode; LRP is not read.

    https://shop.example/t?e=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086
                             PICC data, encrypted               MAC
    https://shop.example/t?u=041E3C8A2D6B80&n=000006&c=4B00064004B0B3D3
                             UID, plain       counter  MAC
"""

import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from edge_agent.errors import AgentError
from edge_agent.identities.sdm_keys import SdmKeys

# Mirrors are written in capitals (NT4H2421Gx, 9.3.3): whatever has a small letter in it was not written by a tag.
_HEX_RUN = re.compile("[0-9A-F]+")
_BLOCK, _UID, _COUNTER, _MAC = 32, 14, 6, 16  # hex digits; PICC data is one AES block, file data one or more
_NXP = "04"  # manufacturer code (ISO/IEC 7816-6) that begins every UID of NXP
_UID_AND_COUNTER = 0xC7  # PICCDataTag: both are mirrored, the UID has 7 octets
_MAC_KEY = bytes.fromhex("3CC300010080")  # SV2
_DATA_KEY = bytes.fromhex("C33C00010080")  # SV1
# A URI of the shop's has one way to be read. More cost time: each is two MACs or three, some 10 us apiece.
_MOST_MIRRORS, _MOST_READINGS = 64, 8


class ForgedError(AgentError):
    """The URI carries mirrors of a tag, but no tag with these keys has written them."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the tag has proved. ``counter`` rises with each tap; ``data``: decrypted file data, empty where none is."""

    uid: bytes
    counter: int
    data: bytes


class _Mirror(NamedTuple):
    """Hex digits that a tag can have written, and where."""

    start: int
    digits: str

    @property
    def end(self) -> int:
        return self.start + len(self.digits)


class _Reading(NamedTuple):
    """One way to read a URI. ``who``: the encrypted PICC data or UID and counter; ``begins``: where the mirrors do."""

    who: str
    begins: int
    data: _Mirror | None
    mac: _Mirror


def is_dynamic(uri: str) -> bool:
    """Tell whether the URI looks as if a tag wrote parts of it anew at each tap."""
    return next(_readings(uri), None) is not None


def verify(uri: str, keys: SdmKeys) -> Proof | None:
    """Return what the URI proves; None if it carries no mirrors. Raises ForgedError if it carries false ones.

    A UID without a counter proves nothing: the same URI could be shown again and again.
    """
    readings = list(islice(_readings(uri), _MOST_READINGS))
    proofs = (proof for reading in readings if (proof := _proof(uri, reading, keys)))
    proof = next(proofs, None)
    if readings and proof is None:
        raise ForgedError("the mirrors of this URI do not verify")
    return proof


def _readings(uri: str) -> Iterator[_Reading]:
    """Yield each way in which the URI can carry mirrors: by their lengths, whatever the parameters are called."""
    mirrors = list(islice(_mirrors(uri), _MOST_MIRRORS))
    for mac in mirrors:
        if len(mac.digits) != _MAC:
            continue
        before = [mirror for mirror in mirrors if mirror.end <= mac.start]
        for first in before:
            later = [mirror for mirror in before if mirror.start > first.start]
            data = next((_data(uri, mirror, mac) for mirror in later if len(mirror.digits) % _BLOCK == 0), None)
            if len(first.digits) == _BLOCK:
                yield _Reading(first.digits, first.start, data, mac)
            elif len(first.digits) == _UID and first.digits.startswith(_NXP):
                for counter in [mirror for mirror in later if len(mirror.digits) == _COUNTER][:1]:
                    yield _Reading(first.digits + counter.digits, first.start, data, mac)


def _mirrors(uri: str) -> Iterator[_Mirror]:
    """Yield runs of hex digits; one that can be PICC data, file data and MAC with nothing between is taken apart."""
    for run in _HEX_RUN.finditer(uri):
        start, end = run.span()
        joined = end - start > _BLOCK and (end - start) % _BLOCK == _MAC
        cuts = [start, start + _BLOCK, end - _MAC, end] if joined else [start, end]
        yield from (_Mirror(one, uri[one:next_]) for one, next_ in pairwise(cuts) if one < next_)


def _data(uri: str, begin: _Mirror, mac: _Mirror) -> _Mirror:
    """Return the whole blocks of file data from there on: its end may touch the MAC."""
    run = _HEX_RUN.match(uri, begin.start, mac.start)
    digits = run[0] if run else ""
    return _Mirror(begin.start, digits[: len(digits) // _BLOCK * _BLOCK])


def _proof(uri: str, reading: _Reading, keys: SdmKeys) -> Proof | None:
    who = _uid_and_counter(reading.who, keys.meta)
    if who is None:
        return None
    session_key = _cmac(keys.file, _MAC_KEY + who)
    for begin in _mac_inputs(reading):
        mac = _cmac(session_key, uri[begin : reading.mac.start].encode())[1::2]
        if hmac.compare_digest(mac, bytes.fromhex(reading.mac.digits)):
            covered = reading.data is not None and begin <= reading.data.start
            data = _decrypted(reading.data.digits, who, keys.file) if reading.data and covered else b""
            return Proof(who[:7], int.from_bytes(who[7:], "little"), data)
    return None


def _mac_inputs(reading: _Reading) -> list[int]:
    """Return where the MAC's input can begin (it ends at the MAC): nothing at all, file data, all mirrors."""
    data = [reading.data.start] if reading.data else []
    return [reading.mac.start, *data, reading.begins]


def _uid_and_counter(who: str, meta_key: bytes) -> bytes | None:
    """Return the UID and, least significant octet first, the counter, as key derivation takes them."""
    octets = bytes.fromhex(who)
    if len(who) != _BLOCK:
        return octets[:7] + octets[:6:-1]
    decryptor = Cipher(algorithms.AES128(meta_key), modes.CBC(bytes(16))).decryptor()
    plain = decryptor.update(octets) + decryptor.finalize()
    return plain[1:11] if plain[0] == _UID_AND_COUNTER else None


def _decrypted(data: str, who: bytes, file_key: bytes) -> bytes:
    cipher = algorithms.AES128(_cmac(file_key, _DATA_KEY + who))
    encryptor = Cipher(cipher, modes.ECB()).encryptor()  # noqa: S305  one block, the IV: AN12196, 3.4.3
    iv = encryptor.update(who[7:] + bytes(13)) + encryptor.finalize()
    decryptor = Cipher(cipher, modes.CBC(iv)).decryptor()
    return decryptor.update(bytes.fromhex(data)) + decryptor.finalize()


def _cmac(key: bytes, message: bytes) -> bytes:
    cmac = CMAC(algorithms.AES128(key))
    cmac.update(message)
    return cmac.finalize()
