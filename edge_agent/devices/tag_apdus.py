"""Reads tags by APDUs: what a PC/SC reader offers for storage cards, what ISO-DEP cards answer themselves. No I/O."""

from collections.abc import Callable, Sequence

from edge_agent.observations import TagRead

# The tags sold for shops hold 888 bytes (NTAG216) or less, the largest Type 4 ones 8 KiB; more is a claim.
LONGEST_NDEF = 8 * 1024

# A command APDU in, the response with its status word out. Raises TornError when the card does not answer any more.
Transmit = Callable[[bytes], bytes]

_DONE = 0x9000
# The reader or the card knows no such command (ISO/IEC 7816-4, 5.1.3): it does not offer NDEF this way.
_UNKNOWN_COMMAND = frozenset((0x6D00, 0x6E00, 0x6A81))
_GET_UID = bytes.fromhex("FFCA000000")  # PC/SC Part 3, 3.2.2.1.3
_LONGEST_UID = 10  # ISO/IEC 14443-3: triple size
_ANSWERS = 32  # parts of one response, 256 bytes each: LONGEST_NDEF

# NFC Forum Type 2 Tag: the capability container is page 3, pages have 4 bytes, a read returns four of them.
_CAPABILITY_PAGE = 3
_PAGE, _READ = 4, 16
_T2_MAGIC = 0xE1
_NULL_TLV, _NDEF_TLV, _TERMINATOR = 0x00, 0x03, 0xFE

# NFC Forum Type 4 Tag 2.0: the application, its capability container, and how that tells where the message is.
_NDEF_AID = "D2760000850101"
_CONTAINER_FILE, _CONTAINER_LENGTH = b"\xe1\x03", 15
_NDEF_FILE_TLV = b"\x04\x06"
_LEAST_MLE, _MOST_LE = 15, 0xFF


class TornError(Exception):
    """The tag stopped answering, or answers nonsense, before it was read to its end."""


def read_tag(transmit: Transmit, technology: str, aids: Sequence[str]) -> TagRead:
    """Return what lies on the reader, ``torn`` where it could not be read to its end. Raises nothing of its own.

    ``aids``: asked of ISO-DEP cards, upper-case hex; where one answers, NDEF is not looked for. ``uid`` is empty where
    the reader does not tell it. Of FeliCa and MIFARE Classic nothing but the UID is read: PC/SC has no command for the
    one, and keys nobody here has guard the other.
    """
    uid = b""
    try:
        uid = read_uid(transmit)
        answers = ask(transmit, aids) if technology == "type4" else {}
        ndef = None if answers else _read_ndef(transmit, technology)
    except TornError:
        return TagRead(technology, uid, torn=True)
    return TagRead(technology, uid, ndef=ndef, answers=answers)


def read_uid(transmit: Transmit) -> bytes:
    """Return the UID, of FeliCa the IDm; empty where the reader does not tell it. Raises TornError."""
    uid, status = _exchange(transmit, _GET_UID)
    if status in _UNKNOWN_COMMAND:
        return b""
    if status != _DONE or len(uid) > _LONGEST_UID:
        raise TornError
    return uid


def ask(transmit: Transmit, aids: Sequence[str]) -> dict[str, bytes]:
    """Return what those applications answer that are there, by AID. Raises TornError."""
    found = ((aid, _exchange(transmit, _select(aid))) for aid in aids)
    return {aid: data for aid, (data, status) in found if status == _DONE}


def _read_ndef(transmit: Transmit, technology: str) -> bytes | None:
    match technology:
        case "type2":
            return _read_type2(transmit)
        case "type4":
            return read_type4(transmit)
    return None


def _read_type2(transmit: Transmit) -> bytes | None:
    """Return the NDEF message of a Type 2 tag, None where it has none. Raises TornError."""
    head, status = _exchange(transmit, _read_pages(_CAPABILITY_PAGE))
    if status in _UNKNOWN_COMMAND:
        return None
    if status != _DONE or len(head) != _READ:
        raise TornError
    if head[0] != _T2_MAGIC:
        return None
    data = _Type2Data(transmit, size=head[2] * 8, begin=head[_PAGE:])
    offset = 0
    while offset < data.size:
        kind = data.read(offset, 1)[0]
        if kind == _TERMINATOR:
            return None
        if kind == _NULL_TLV:
            offset += 1
            continue
        start, length = data.value_of(offset)
        if kind == _NDEF_TLV:
            return data.read(start, length)
        offset = start + length
    return None


class _Type2Data:
    """The data area of a Type 2 tag, read as far as it is asked for; areas reserved within it are taken as data."""

    def __init__(self, transmit: Transmit, *, size: int, begin: bytes) -> None:
        self.size = size  # at most 255 * 8
        self._transmit = transmit
        self._known = bytearray(begin)

    def value_of(self, offset: int) -> tuple[int, int]:
        """Return where the value of the TLV at ``offset`` begins and its length. Raises TornError."""
        length = self.read(offset + 1, 1)[0]
        if length < 0xFF:
            return offset + 2, length
        return offset + 4, int.from_bytes(self.read(offset + 2, 2), "big")

    def read(self, start: int, length: int) -> bytes:
        """Return a part of it. Raises TornError, also where the tag claims more than it holds."""
        end = start + length
        if end > self.size:
            raise TornError
        while len(self._known) < end:
            page = _CAPABILITY_PAGE + 1 + len(self._known) // _PAGE
            data, status = _exchange(self._transmit, _read_pages(page))
            if status != _DONE or len(data) != _READ:
                raise TornError
            self._known += data
        return bytes(self._known[start:end])


def _read_pages(page: int) -> bytes:
    return b"\xff\xb0" + page.to_bytes(2, "big") + bytes([_READ])  # PC/SC Part 3, 3.2.2.1.8


def read_type4(transmit: Transmit) -> bytes | None:
    """Return the NDEF message of a Type 4 tag, None where it has none. Raises TornError."""
    if _exchange(transmit, _select(_NDEF_AID))[1] != _DONE:
        return None
    _select_file(transmit, _CONTAINER_FILE)
    container = _read_binary(transmit, 0, _CONTAINER_LENGTH)
    if len(container) < _CONTAINER_LENGTH:
        raise TornError
    if container[7:9] != _NDEF_FILE_TLV or container[13]:  # not of this mapping, or not free to be read
        return None
    step = min(max(int.from_bytes(container[3:5], "big"), _LEAST_MLE), _MOST_LE)
    room = int.from_bytes(container[11:13], "big") - 2
    _select_file(transmit, container[9:11])
    stated = _read_binary(transmit, 0, 2)
    length = int.from_bytes(stated, "big")
    if len(stated) != 2 or length > min(room, LONGEST_NDEF):
        raise TornError
    message = b""
    while len(message) < length:
        part = _read_binary(transmit, 2 + len(message), min(step, length - len(message)))
        if not part:
            raise TornError
        message += part
    return message


def _select(aid: str) -> bytes:
    name = bytes.fromhex(aid)
    return b"\x00\xa4\x04\x00" + bytes([len(name)]) + name + b"\x00"


def _select_file(transmit: Transmit, file: bytes) -> None:
    if _exchange(transmit, b"\x00\xa4\x00\x0c\x02" + file)[1] != _DONE:
        raise TornError


def _read_binary(transmit: Transmit, offset: int, length: int) -> bytes:
    data, status = _exchange(transmit, b"\x00\xb0" + offset.to_bytes(2, "big") + bytes([length]))
    if status != _DONE:
        raise TornError
    return data[:length]


def _exchange(transmit: Transmit, command: bytes) -> tuple[bytes, int]:
    """Return the response's data and its status word. Raises TornError, also for a response without one.

    ISO/IEC 7816-4, 5.1.3: 61xx, more is there to be fetched; 6Cxx, the length asked for should have been xx.
    """
    data = b""
    asked = command
    for _ in range(_ANSWERS):
        answer = transmit(asked)
        if len(answer) < 2:
            raise TornError
        data += answer[:-2]
        if answer[-2] == 0x61:
            asked = b"\x00\xc0\x00\x00" + answer[-1:]
        elif answer[-2] == 0x6C and len(asked) >= 5:
            asked = asked[:-1] + answer[-1:]
        else:
            return data, int.from_bytes(answer[-2:], "big")
    raise TornError
