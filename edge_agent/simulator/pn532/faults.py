"""What a reader does wrong when told to, command by command."""

from typing import Literal

from edge_agent.simulator.pn532 import frames

Fault = Literal["hang", "no_reply", "short_frame", "bad_checksum", "error_frame", "slow_ack", "unplug"]
SLOW_ACK_S = 0.25  # nfcpy waits 0.1 s; the rest is a busy machine
SHORT_FRAME = 3  # bytes: less than nfcpy's first read wants


class Faults:
    """The fault in force, if any: after how many more commands it strikes, and how often then."""

    def __init__(self) -> None:
        self._name: Fault | None = None
        self._after = 0
        self._left: int | None = None

    def set(self, name: Fault, *, after: int, count: int | None) -> None:
        """Let ``after`` commands pass, then strike ``count`` ones; None: all of them."""
        self._name = name
        self._after = after
        self._left = count

    def clear(self) -> None:
        """Behave again."""
        self._name, self._after, self._left = None, 0, None

    def strike(self) -> Fault | None:
        """Return what goes wrong with the next command."""
        if self._after > 0:
            self._after -= 1
            return None
        name = self._name
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                self.clear()
        return name


def spoil(fault: Fault | None, answer: bytes) -> bytes:
    """Return the response frame as the fault leaves it."""
    match fault:
        case "short_frame":
            return answer[:SHORT_FRAME]
        case "bad_checksum":
            return answer[:-2] + bytes([answer[-2] ^ 0xFF, 0])
        case "error_frame":
            return frames.ERROR
        case "slow_ack":
            return frames.ACK + answer
        case _:
            return answer
