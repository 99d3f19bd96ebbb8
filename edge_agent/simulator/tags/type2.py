"""Tags of Type A that speak MIFARE Ultralight commands, or nothing: NTAG213 (NXP data sheet rev. 3.2) and Classic."""

from edge_agent.simulator.tags.anticollision import POLLS_A, listed

PAGE = 4
PAGES = 45  # NTAG213: 4 of header, 36 of user memory, 5 of configuration
USER_PAGES = range(4, 40)
CAPABILITY = bytes.fromhex("E1101200")  # NDEF here, mapping 1.0, 0x12 * 8 = 144 bytes, free access
CONFIGURATION = bytes.fromhex("000000BD040000FF000500000000000000000000")
VERSION = bytes.fromhex("0004040201000F03")
ACK, NAK = b"\x0a", b"\x00"  # four bits each
TERMINATOR = b"\xfe"


class Ntag213:
    """An NTAG213 with ``message`` on it; None: user memory is blank and says so (no capability container).

    ``claims``: the length its NDEF TLV states instead of the message's. ``endless``: answers reads of whatever page
    and sector, as no real one does, so that a reader believes what it claims.
    """

    kind = "ntag213"
    polls = POLLS_A
    nibbles = True
    blocks = False

    def __init__(self, uid: bytes, message: bytes | None, *, claims: int | None = None, endless: bool = False) -> None:
        self.uid = uid
        self._endless = endless
        self._silent = False  # after an error, until it is selected again
        self._sector_wanted = False
        self._memory = bytearray(PAGES * PAGE)
        self._memory[:12] = _header(uid)
        self._memory[40 * PAGE :] = CONFIGURATION
        if message is not None:
            self._memory[12:16] = CAPABILITY
            content = _tlv(message, claims)
            if len(content) > len(USER_PAGES) * PAGE:
                raise ValueError(f"{len(message)} bytes do not fit an NTAG213")
            self._memory[16 : 16 + len(content)] = content

    def power_off(self) -> None:
        """Lose the field, and with it every state."""
        self._silent = self._sector_wanted = False

    def poll(self, wanted: bytes) -> bytes | None:
        """Return how it is listed; None if another UID is ``wanted``."""
        self.power_off()
        return listed(0x0044, 0x00, self.uid, wanted)

    def exchange(self, command: bytes) -> bytes | None:
        """Return the answer to a command, without CRC; one byte: the four bits of an ACK or NAK; None: silence."""
        if self._silent or not command:
            return None
        if self._sector_wanted:
            self._sector_wanted = False
            return None  # SECTOR_SELECT's second half is acknowledged by silence
        answer = self._answer(command[0], command[1:])
        self._silent = answer is None or answer == NAK
        return answer

    def _answer(self, code: int, data: bytes) -> bytes | None:
        match code, len(data):
            case 0x30, 1:
                return self._read(data[0])
            case 0x3A, 2 if data[0] <= data[1] < PAGES:
                return bytes(self._memory[data[0] * PAGE : (data[1] + 1) * PAGE])
            case 0xA2, 5 if data[0] in USER_PAGES:
                first = data[0] * PAGE
                self._memory[first : first + PAGE] = data[1:]
                return ACK
            case 0x60, 0:
                return VERSION
            case 0x3C, 1:
                return bytes(32)  # a signature that originality checks refuse
            case 0xC2, 1 if self._endless:
                self._sector_wanted = True
                return ACK
            case 0x50, 1:
                return None
        return NAK

    def _read(self, page: int) -> bytes:
        if page >= PAGES and not self._endless:
            return NAK
        first = page % PAGES * PAGE
        return bytes((self._memory + self._memory)[first : first + 4 * PAGE])  # rolls over at the end


class Classic:
    """A MIFARE Classic 1K: says who it is and, without its keys, nothing else."""

    kind = "classic"
    polls = POLLS_A
    nibbles = True
    blocks = False

    def __init__(self, uid: bytes) -> None:
        if len(uid) != 4:
            raise ValueError(f"this MIFARE Classic has a UID of 4 bytes, not {len(uid)}")
        self.uid = uid

    def power_off(self) -> None:
        """Lose the field."""

    def poll(self, wanted: bytes) -> bytes | None:
        """Return how it is listed; None if another UID is ``wanted``."""
        return listed(0x0004, 0x08, self.uid, wanted)

    def exchange(self, _command: bytes) -> bytes | None:
        """Return None: reads need an authentication nobody here can make."""
        return None


def _header(uid: bytes) -> bytes:
    """Return pages 0 to 2: a UID of seven bytes with its check bytes (ISO/IEC 14443-3), lock bytes."""
    if len(uid) != 7:
        raise ValueError(f"an NTAG213 has a UID of 7 bytes, not {len(uid)}")
    first = 0x88 ^ uid[0] ^ uid[1] ^ uid[2]
    second = uid[3] ^ uid[4] ^ uid[5] ^ uid[6]
    return uid[:3] + bytes([first]) + uid[3:] + bytes([second, 0x48, 0, 0])


def _tlv(message: bytes, claims: int | None) -> bytes:
    length = len(message) if claims is None else claims
    size = bytes([length]) if length < 255 else b"\xff" + length.to_bytes(2, "big")
    return b"\x03" + size + message + TERMINATOR
