"""Cards and phones of Type 4A: the block protocol of ISO/IEC 14443-4 under their applications."""

import random
from collections.abc import Callable

from edge_agent.simulator.tags.anticollision import POLLS_A, listed
from edge_agent.simulator.tags.apdu import Applications

FRAME_SIZES = (16, 24, 32, 40, 48, 64, 96, 128, 256)  # by FSDI
OVERHEAD = 3  # a block's first byte and its CRC
# Answers to select: frames of up to 128 bytes for the card, 256 for the phone, waiting time 39 ms (FWI 7), CID.
CARD_ATS = bytes.fromhex("067777710280")
PHONE_ATS = bytes.fromhex("0578807002")
CHAINED, R_BLOCK, NAK_BIT, DESELECT = 0x10, 0xA2, 0x10, 0xC2
MORE_TIME = bytes.fromhex("F201")  # S(WTX): once the waiting time again

_rng = random.SystemRandom()


def random_uid() -> bytes:
    """Return a UID such as phones draw: four bytes, the first is 08 (ISO/IEC 14443-3, section 6.5.4)."""
    return b"\x08" + _rng.randbytes(3)


class Type4:
    """A tag with applications. ``uid`` is asked for one whenever the field was off, as phones draw a new one.

    ``wtx``: so often it asks for more time before it answers a command.
    """

    polls = POLLS_A
    nibbles = False
    blocks = True

    def __init__(
        self,
        kind: str,
        uid: Callable[[], bytes],
        applications: Applications,
        *,
        sak: int = 0x20,
        ats: bytes = CARD_ATS,
        wtx: int = 0,
    ) -> None:
        self.kind = kind
        self.uid = uid()
        self._next_uid = uid
        self._applications = applications
        self._sak = sak
        self._ats = ats
        self._wtx = wtx
        self._forget()

    def _forget(self) -> None:
        self._active = False
        self._number = 1
        self._more_times = 0
        self._room = FRAME_SIZES[0] - OVERHEAD
        self._command = self._rest = self._last = b""
        self._applications.reset()

    def power_off(self) -> None:
        """Lose the field, and with it every state."""
        self.uid = self._next_uid()
        self._forget()

    def poll(self, wanted: bytes) -> bytes | None:
        """Return how it is listed; None if another UID is ``wanted``."""
        self._forget()
        return listed(0x0344 if len(self.uid) == 7 else 0x0004, self._sak, self.uid, wanted)

    def exchange(self, frame: bytes) -> bytes | None:
        """Return the answering block, without CRC; None: silence."""
        if not frame:
            return None
        if not self._active:
            return self._activate(frame)
        pcb = frame[0]
        if pcb & 0xF7 == DESELECT:
            self._forget()
            return frame[:1]
        if frame == MORE_TIME:
            return self._when_ready() if self._more_times else None
        if pcb & 0xE6 == R_BLOCK:
            return self._acknowledged(pcb)
        if pcb & 0xE2 == 0x02 and pcb & 0x0C == 0:
            return self._information(pcb, frame[1:])
        return None

    def process(self, apdu: bytes) -> bytes:
        """Return the response to a whole command, for a reader that speaks the block protocol by itself."""
        return self._applications.process(apdu)

    def _activate(self, frame: bytes) -> bytes | None:
        if frame[0] != 0xE0 or len(frame) != 2:
            return None
        self._active = True
        self._room = FRAME_SIZES[min(frame[1] >> 4, 8)] - OVERHEAD
        return self._ats

    def _information(self, pcb: int, data: bytes) -> bytes:
        self._number ^= 1
        self._command += data
        if pcb & CHAINED:
            self._last = bytes([R_BLOCK | self._number])
            return self._last
        command, self._command = self._command, b""
        self._rest = self._applications.process(command)
        self._more_times = self._wtx + 1
        return self._when_ready()

    def _when_ready(self) -> bytes:
        self._more_times -= 1
        if self._more_times:
            self._last = MORE_TIME
            return self._last
        return self._send()

    def _acknowledged(self, pcb: int) -> bytes | None:
        """Answer an R-block: the last block once more, the next of a chain, or "here I am" (rules 11 to 13, E)."""
        if pcb & 1 == self._number:
            return self._last
        if pcb & NAK_BIT:
            return bytes([R_BLOCK | self._number])
        self._number ^= 1
        return self._send() if self._rest else None

    def _send(self) -> bytes:
        part, self._rest = self._rest[: self._room], self._rest[self._room :]
        more = CHAINED if self._rest else 0
        self._last = bytes([0x02 | more | self._number]) + part
        return self._last
