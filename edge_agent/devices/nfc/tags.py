"""What lies on a reader: its kind, its NDEF octets, what its applications answer. Runs in the reader's thread.

nfcpy says None for a tag without NDEF, for one whose reading broke off and for one that is empty; here they differ.
"""

import struct
from itertools import islice
from typing import Any

import nfc.clf
import nfc.tag
import nfc.tag.tt2
import nfc.tag.tt3
import nfc.tag.tt4

from edge_agent.devices.nfc.driver import Frontend
from edge_agent.devices.nfc.faults import stumbled
from edge_agent.devices.tag_apdus import LONGEST_NDEF, TornError, ask, read_type4
from edge_agent.observations import TagRead

ANSWER_ROOM = 256  # ISO/IEC 7816-4: a short APDU's response
BLOCKS = 4  # of FeliCa in one read, though a card claims that it can give more: 77 bytes, which any reader can take
TRIES = 3  # a tag moved across a reader is torn once or twice before it lies

_NDEF_SYSTEM = 0x12FC  # NFC Forum Type 3 Tag 1.0, section 6.1.1.1


def targets(allowed: frozenset[str]) -> list[Any]:
    """Return what to look for, of technologies that are ``allowed``.

    Nothing of Type B: what is of it in a purse is an identity card. A phone that is both FeliCa and Type 4 is Type 4
    wherever anything of Type A is allowed.
    """
    looks = (("106A", {"type2", "type4", "classic"}), ("212F", {"type3"}))
    return [nfc.clf.RemoteTarget(brty) for brty, found in looks if allowed & found]


def technology(target: Any) -> str:
    """Return what kind of tag was found: a TagRead's technology, or ``other``.

    By SAK (NXP AN10833): 0x20 is ISO/IEC 14443-4, also with 0x40 (a phone that speaks NFC-DEP too).
    """
    if target.brty.endswith("F"):
        return "type3"
    if not target.sel_res or target.sens_res[1] & 0x0F == 0x0C:
        return "other"  # Type 1
    sak = target.sel_res[0]
    if sak & 0x20:
        return "type4"
    if sak & 0x40:
        return "other"  # speaks NFC-DEP only
    return "classic" if sak else "type2"


def identifier(target: Any) -> bytes:
    """Return the UID, or of FeliCa the IDm."""
    return bytes(target.sensf_res[1:9] if target.brty.endswith("F") else target.sdd_res or target.rid_res or b"")


def is_random(uid: bytes) -> bool:
    """Tell whether a UID is drawn anew whenever the field was off (ISO/IEC 14443-3, 6.5.4)."""
    return len(uid) == 4 and uid[0] == 0x08


def find_again(frontend: Frontend, target: Any) -> Any:
    """Return the same tag found once more, ready to be read; None if it does not answer."""
    uid = identifier(target)
    wanted = nfc.clf.RemoteTarget(target.brty)
    if target.sdd_res and not is_random(uid):
        wanted.sel_req = target.sdd_res[:]
    found = frontend.sense(wanted)
    if found is None or technology(found) != technology(target):
        return None
    same = is_random(identifier(found)) if is_random(uid) else identifier(found) == uid
    return found if same else None


def is_there(frontend: Frontend, target: Any, tag: Any) -> bool:
    """Tell whether a tag still lies there. ``tag``: a Type 4 tag in its session, which is asked before it is ended."""
    in_session = isinstance(tag, nfc.tag.tt4.Type4Tag) and tag.is_present
    return in_session or find_again(frontend, target) is not None


def read(frontend: Frontend, target: Any, aids: tuple[str, ...]) -> tuple[TagRead, Any]:
    """Read a tag that was just found. Returns what it says, and the tag in its session for ``is_there``.

    A torn reading is begun again while the tag lies there. Raises OSError and others where the reader fails.
    """
    kind, uid = technology(target), identifier(target)
    if kind == "classic":
        return TagRead(kind, uid), None
    for _ in range(TRIES):
        try:
            tag = _activate(frontend, target, kind)
            ndef, answers = _contents(tag, kind, aids)
        except Exception as error:
            if not _is_torn(error):
                raise
            target = find_again(frontend, target)
            if target is None:
                break
        else:
            return TagRead(kind, uid, ndef, answers=answers), tag
    return TagRead(kind, uid, torn=True), None


def _is_torn(error: Exception) -> bool:
    """Tell whether an error is that of a tag which is moved away or answers nonsense, not the reader's or ours."""
    of_tags = isinstance(error, (TornError, nfc.clf.CommunicationError, nfc.tag.TagCommandError))
    return of_tags or stumbled(error, "nfc.tag.")


def _activate(frontend: Frontend, target: Any, kind: str) -> Any:
    if kind == "type2":
        target.sel_req = target.sdd_res[:]  # nfcpy finds it again by that after a NAK
        # Not by nfc.tag.activate: it tries commands to tell products apart, on which clones go mute (#105, #200).
        return nfc.tag.tt2.Type2Tag(frontend, target)
    return nfc.tag.tt3.Type3Tag(frontend, target) if kind == "type3" else _Type4Tag(frontend, target)


def _contents(tag: Any, kind: str, aids: tuple[str, ...]) -> tuple[bytes | None, dict[str, bytes]]:
    match kind:
        case "type2":
            return _type2(tag), {}
        case "type3":
            return _type3(tag), {}
        case _:
            return _type4(tag, aids)


def _type2(tag: Any) -> bytes | None:
    """Return the message (NFC Forum Type 2 Tag 1.2, sections 6.1 and 6.4); None if there is none."""
    memory = nfc.tag.tt2.Type2TagMemoryReader(tag)
    magic, version, size, access = memory[12:16]
    if magic != 0xE1 or version >> 4 != 1 or access >> 4:
        return None
    offset, end, skip = 16, 16 + size * 8, set[int]()
    while offset < end:
        kind, length, places, offset = _tlv(memory, offset, end, skip)
        if kind == 0x03:
            if length > LONGEST_NDEF or len(places) < length:
                raise TornError
            return bytes(memory[place] for place in places)
        if kind in {0x01, 0x02} and length == 3:  # lock and memory control: bytes that are no data
            area = nfc.tag.tt2.get_lock_byte_range if kind == 0x01 else nfc.tag.tt2.get_rsvd_byte_range
            reserved = area([memory[place] for place in places])
            skip.update(range(reserved.start, min(reserved.stop, end)))
        if kind == 0xFE:
            break
    return None


def _tlv(memory: Any, offset: int, end: int, skip: set[int]) -> tuple[int, int, list[int], int]:
    """Return a TLV's type, stated length, where its value's octets are, at most to ``end``, and where the next is."""
    free = (place for place in range(offset, end) if place not in skip)
    kind = memory[next(free, offset)]
    if kind in {0x00, 0xFE}:
        return kind, 0, [], offset + 1
    try:
        length = memory[next(free)]
        if length == 0xFF:
            length = memory[next(free)] << 8 | memory[next(free)]
    except StopIteration:
        raise TornError from None
    places = list(islice(free, length))
    return kind, length, places, next(free, end)


def _type3(tag: Any) -> bytes | None:
    """Return the message (NFC Forum Type 3 Tag 1.0, section 6.1.1); None if there is none."""
    if tag.sys != _NDEF_SYSTEM:
        try:
            tag.idm, tag.pmm = tag.polling(_NDEF_SYSTEM)[:2]
        except nfc.tag.tt3.Type3TagCommandError:
            return None  # a card without this system keeps silent
        tag.sys = _NDEF_SYSTEM
    try:
        block = bytes(tag.read_from_ndef_service(0))
    except nfc.tag.tt3.Type3TagCommandError as error:
        if error.errno > 0xFF:  # the card's own answer: no such service
            return None
        raise
    version, at_once, _, _ = struct.unpack(">BBBH", block[:5])
    writing, length = block[9], int.from_bytes(block[11:14], "big")
    if sum(block[:14]) != int.from_bytes(block[14:], "big") or version >> 4 != 1:
        return None
    if writing or length > LONGEST_NDEF or not at_once:  # a writer was interrupted
        raise TornError
    blocks, data = range(1, 1 + (length + 15) // 16), bytearray()
    step = min(at_once, BLOCKS)
    for start in range(0, len(blocks), step):
        data += tag.read_from_ndef_service(*blocks[start : start + step])
    return bytes(data[:length])


def _type4(tag: Any, aids: tuple[str, ...]) -> tuple[bytes | None, dict[str, bytes]]:
    def transmit(command: bytes) -> bytes:
        return bytes(tag.transceive(bytearray(command)))

    answers = {aid: answer[:ANSWER_ROOM] for aid, answer in ask(transmit, aids).items()}
    return read_type4(transmit), answers


class _Type4Tag(nfc.tag.tt4.Type4ATag):  # type: ignore[misc]  # nfcpy has no types
    """nfcpy's, but of any answer to select: its own takes for granted that three optional bytes are there."""

    def __init__(self, frontend: Frontend, target: Any) -> None:
        nfc.tag.Tag.__init__(self, frontend, target)
        self._nfcid = bytearray(target.sdd_res)
        self._extended_length_support = False
        room, waiting = _answer_to_select(bytes(frontend.exchange(b"\xe0\x80", 0.03)))
        self._dep = nfc.tag.tt4.IsoDepInitiator(frontend, min(room, frontend.max_send_data_size), waiting)


def _answer_to_select(answer: bytes) -> tuple[int, float]:
    """Return the frame size in bytes and the waiting time in seconds (ISO/IEC 14443-4, 5.2)."""
    size, waiting = 2, 4  # what holds where the answer does not say
    if len(answer) > 1 and answer[0] > 1:
        size = min(answer[1] & 0x0F, 8)
        at = 2 + bool(answer[1] & 0x10)
        if answer[1] & 0x20 and len(answer) > at:
            waiting = answer[at] >> 4
    if waiting == 15:  # reserved
        waiting = 4
    return (16, 24, 32, 40, 48, 64, 96, 128, 256)[size], 4096 / 13.56e6 * 2**waiting
