"""A FeliCa card: Polling, unencrypted reads (Sony's FeliCa Card User's Manual), NDEF (NFC Forum Type 3 Tag 1.0)."""

from edge_agent.simulator.tags.anticollision import POLLS_F

BLOCK = 16
NDEF_SYSTEM, NDEF_SERVICE = 0x12FC, 0x000B
TRANSIT_SYSTEM = 0x0003  # what a card without NDEF is here: a transport card
PMM = bytes.fromhex("0120220427674EFF")  # of an RC-S962
BLOCKS_A_READ = 4
NO_SERVICE, NO_BLOCK = b"\xff\xa6", b"\x01\xa8"


class Felica:
    """A FeliCa card with ``message`` on it; None: a card of another system, without NDEF.

    ``claims``: the length its attribute block states instead of the message's, up to 16,777,215. ``endless``: answers
    reads of whatever block, as no real one does, so that a reader believes what it claims.
    """

    kind = "felica"
    polls = POLLS_F
    nibbles = False
    blocks = False

    def __init__(self, idm: bytes, message: bytes | None, *, claims: int | None = None, endless: bool = False) -> None:
        if len(idm) != 8:
            raise ValueError(f"an IDm has 8 bytes, not {len(idm)}")
        self.uid = idm
        self._system = TRANSIT_SYSTEM if message is None else NDEF_SYSTEM
        self._endless = endless
        content = message or b""
        size = len(content) if claims is None else claims
        self._content = _attributes(size, len(content)) + content + bytes(-len(content) % BLOCK)

    def power_off(self) -> None:
        """Lose the field."""

    def poll(self, request: bytes) -> bytes | None:
        """Return how it is listed; None if another system is asked for. ``request``: a Polling without its length."""
        return self.exchange(bytes([len(request) + 1]) + request)

    def exchange(self, command: bytes) -> bytes | None:
        """Return the answer to a command, both with their length byte and without CRC; None: silence."""
        if len(command) < 2 or command[0] != len(command):
            return None
        code, data = command[1], command[2:]
        if code == 0x00 and len(data) == 4:
            answer = self._polling(data)
        elif data[:8] == self.uid:
            answer = self._addressed(code, data[8:])
        else:
            answer = None
        return None if answer is None else bytes([len(answer) + 2, code + 1]) + answer

    def _polling(self, data: bytes) -> bytes | None:
        system = self._system.to_bytes(2, "big")
        if any(asked not in (0xFF, own) for asked, own in zip(data[:2], system, strict=True)):
            return None
        return self.uid + PMM + (system if data[2] == 1 else b"")

    def _addressed(self, code: int, data: bytes) -> bytes | None:
        match code:
            case 0x04:
                return self.uid + b"\x00"  # Request Response: mode 0
            case 0x06:
                return self.uid + self._read(data)
            case 0x0C:
                return self.uid + b"\x01" + self._system.to_bytes(2, "big")
        return None

    def _read(self, data: bytes) -> bytes:
        """Answer Read Without Encryption: status and blocks."""
        if self._system != NDEF_SYSTEM or data[:3] != b"\x01" + NDEF_SERVICE.to_bytes(2, "little"):
            return NO_SERVICE
        count, elements = data[3], data[4:]
        blocks = b""
        for _ in range(count):
            wide = not elements[0] & 0x80
            number = int.from_bytes(elements[1 : 3 if wide else 2], "little")
            elements = elements[3 if wide else 2 :]
            block = self._content[number * BLOCK : (number + 1) * BLOCK]
            if not block and not self._endless:
                return NO_BLOCK
            blocks += block or bytes(BLOCK)
        return b"\x00\x00" + bytes([count]) + blocks


def _attributes(claimed: int, size: int) -> bytes:
    """Return the attribute block: version 1.0, four blocks a read, one a write, written, read-only."""
    room = max(1, -(-size // BLOCK))
    start = bytes([0x10, BLOCKS_A_READ, 1]) + room.to_bytes(2, "big") + bytes(6) + claimed.to_bytes(3, "big")
    return start + sum(start).to_bytes(2, "big")
