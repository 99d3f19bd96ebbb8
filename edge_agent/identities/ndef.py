"""What the NDEF message of a tag says, read so that no octets can do harm.

ndeflib takes the message apart; only its URI records are decoded by it. Its text records take UTF-16 without a byte
order mark for the machine's own order, where the NFC Forum says big-endian (Text RTD 1.0, section 3.4), and its other
decoders (hand-over, Wi-Fi, signatures) are not needed here.
"""

import codecs
import re
from dataclasses import dataclass

import ndef

# Octets. The largest tags that hold NDEF in use have 8 KB (MIFARE DESFire EV3 8K); a longer message is a claim.
LONGEST_MESSAGE = 8192
# A business card with pictures has about ten; thousands of empty ones fit into LONGEST_MESSAGE.
MOST_RECORDS = 64

_URI, _TEXT, _POSTER = "urn:nfc:wkt:U", "urn:nfc:wkt:T", "urn:nfc:wkt:Sp"
_DECODED_BY_NDEFLIB = {_URI: ndef.UriRecord}
_MIME_TYPE = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9.+_-]+.*", re.DOTALL)
_BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Contents:
    """What was read, in the order of the message; what stands in smart posters is among it.

    ``uris``: as written on the tag, prefix expanded, nothing percent-encoded. ``mimes``: type and octets.
    ``malformed``: why not all was read: ``too_large`` ``too_many_records`` ``chunked`` (a record in pieces; not
    allowed outside of peer-to-peer) ``nested`` (a poster in a poster) ``undecodable``; empty when all is well.
    """

    uris: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    mimes: tuple[tuple[str, bytes], ...] = ()
    malformed: str = ""


def contents(octets: bytes) -> Contents:
    """Read an NDEF message as far as it can be read. Never raises."""
    if len(octets) > LONGEST_MESSAGE:
        return Contents(malformed="too_large")
    return _read(octets, outermost=True)


def _read(octets: bytes, *, outermost: bool) -> Contents:
    records, malformed = _records(octets)
    uris: list[str] = []
    texts: list[str] = []
    mimes: list[tuple[str, bytes]] = []
    for record in records:
        if record.type == _URI:
            uris.append(record.iri)
        elif record.type == _TEXT:
            text = _text(bytes(record.data))
            malformed = malformed or ("undecodable" if text is None else "")
            texts += [] if text is None else [text]
        elif record.type == _POSTER:
            poster = _read(bytes(record.data), outermost=False) if outermost else Contents(malformed="nested")
            uris += poster.uris
            texts += poster.texts
            mimes += poster.mimes
            malformed = malformed or poster.malformed
        elif _MIME_TYPE.fullmatch(record.type):
            mimes.append((record.type, bytes(record.data)))
    return Contents(tuple(uris), tuple(texts), tuple(mimes), malformed)


def _records(octets: bytes) -> tuple[list[ndef.Record], str]:
    """Return the records up to the first that cannot be read, and what is wrong with that one."""
    records: list[ndef.Record] = []
    try:
        for record in ndef.message_decoder(octets, "strict", _DECODED_BY_NDEFLIB):
            if record.type == "unchanged":  # the one before was no more than its own beginning
                return records[:-1], "chunked"
            if len(records) == MOST_RECORDS:
                return records, "too_many_records"
            records.append(record)
    except Exception:  # noqa: BLE001  DecodeError, ValueError and UnicodeDecodeError were seen; nothing promises these
        return records, "undecodable"
    return records, ""


def _text(payload: bytes) -> str | None:
    """Return the text of a text record (NFC Forum Text RTD 1.0, section 3.2), None if it is not one."""
    if not payload:
        return None
    text = payload[1 + (payload[0] & 0x3F) :]  # after the status octet and the language code
    encoding = "utf-8"
    if payload[0] & 0x80:
        encoding = "utf-16" if text.startswith(_BYTE_ORDER_MARKS) else "utf-16-be"
    try:
        return text.decode(encoding)
    except UnicodeDecodeError:
        return None
