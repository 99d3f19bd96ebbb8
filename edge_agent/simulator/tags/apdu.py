"""What cards of Type 4 answer to APDUs (ISO/IEC 7816-4): NDEF (NFC Forum T4T 2.0), a phone's own apps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

NDEF_AID = bytes.fromhex("D2760000850101")
CAPABILITY_FILE, NDEF_FILE = b"\xe1\x03", b"\xe1\x04"
FILE_SIZE = 0xFFFE  # as large as the mapping allows
MAX_LE, MAX_LC = 0x0100, 0x00FF
# length 15, mapping 2.0, MLe, MLc; the NDEF file: identifier, size, free to read, not to write
CAPABILITIES = (
    bytes.fromhex("000F20")
    + MAX_LE.to_bytes(2, "big")
    + MAX_LC.to_bytes(2, "big")
    + b"\x04\x06"
    + NDEF_FILE
    + FILE_SIZE.to_bytes(2, "big")
    + b"\x00\xff"
)
DONE, NOT_FOUND, NO_SUCH_INSTRUCTION, OUTSIDE = b"\x90\x00", b"\x6a\x82", b"\x6d\x00", b"\x6b\x00"


@dataclass(slots=True)
class Ndef:
    """The NDEF application. ``message`` is called at the first read after the file was selected: a message a tap.

    ``claims``: the length the file states instead of the message's. ``endless``: reads past the end are answered by
    success and nothing, instead of an error.
    """

    message: Callable[[], bytes]
    claims: int | None = None
    endless: bool = False
    _file: bytes = b""
    _fresh: bool = False

    def process(self, apdu: bytes) -> bytes:
        """Return the response to a command within this application."""
        match apdu[:2]:
            case b"\x00\xa4" if apdu[2] == 0x00:
                return self._select(apdu[5:7])
            case b"\x00\xb0" if len(apdu) == 5:
                return self._read(int.from_bytes(apdu[2:4], "big"), apdu[4] or 256)
        return NO_SUCH_INSTRUCTION

    def _select(self, file: bytes) -> bytes:
        if file not in (CAPABILITY_FILE, NDEF_FILE):
            return NOT_FOUND
        self._fresh = file == NDEF_FILE
        self._file = CAPABILITIES if file == CAPABILITY_FILE else b""
        return DONE

    def _read(self, offset: int, size: int) -> bytes:
        if self._fresh:
            self._fresh = False
            message = self.message()
            length = len(message) if self.claims is None else self.claims
            self._file = length.to_bytes(2, "big") + message
        if offset >= len(self._file) and not self.endless:
            return OUTSIDE
        return self._file[offset : offset + size] + DONE


class Applications:
    """The applications of one card: SELECT by name picks one, which answers until the next. ``answers``: a phone's."""

    def __init__(self, ndef: Ndef | None, answers: Mapping[bytes, bytes]) -> None:
        self._ndef = ndef
        self._answers = answers
        self._chosen = False

    def reset(self) -> None:
        """Forget what was selected."""
        self._chosen = False

    def process(self, apdu: bytes) -> bytes:
        """Return the response, with its status, to one command APDU."""
        if apdu[:3] == b"\x00\xa4\x04" and len(apdu) >= 5:
            return self._select(apdu[5 : 5 + apdu[4]])
        if self._chosen and self._ndef is not None:
            return self._ndef.process(apdu)
        return NO_SUCH_INSTRUCTION

    def _select(self, name: bytes) -> bytes:
        self._chosen = name == NDEF_AID and self._ndef is not None
        if self._chosen:
            return DONE
        answer = self._answers.get(name)
        return NOT_FOUND if answer is None else answer + DONE
