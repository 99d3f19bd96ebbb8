"""Whether what a line says can be read: judged by how many of its bytes mean nothing."""

from collections import deque
from collections.abc import Sequence

from edge_agent.clock import Clock, Moment
from edge_agent.devices.status import DeviceState, Report, Status
from edge_agent.observations import Decoded, Undecoded

_UNREADABLE = "much of what arrives means nothing: check baud rate, parity and decoder"
_IMPLAUSIBLE = "much of what arrives is another display's language, or two write at once: check dialect and wiring"
_FLOODING = "the line sends without a pause and nothing of it can be read"

# The share of meaningless bytes is judged over the last two receipts or so: a slip of a retail till is 0.5 to 1.5 KB.
WINDOW = 2048
# Below this nothing is judged: plugging an adapter in gives a handful of stray bytes.
ENOUGH = 512
# A line display is told a dozen bytes for each figure: five of them, all implausible, are no accident.
ENOUGH_IMPLAUSIBLE = 64
# Measured with the escpos decoder, which finds most of the noise printable (GB18030 knows nearly every pair of bytes):
# receipts at the right baud rate lose none, with 3 % of their bytes flipped or dropped 1 to 2 %; receipts read at a
# quarter to four times their rate lose 8 to 50 %. Two marks, so that the state does not flicker.
BAD_SHARE = 0.05
GOOD_SHARE = 0.025
# Sent at less than a tenth of the rate it is read at, a byte is but NULs, which decoders take for padding. Nobody needs
# more of those than fill a printer's receive buffer, 4 KB in Epson's TM-T88: so three receipts of them are told.
PADDING = 4096
# The longest honest message is a receipt printed as one picture: 30 cm of 80 mm paper, 2400 rows of 72 bytes, 173 KB.
FLOOD = 256 * 1024

_PAST = ("display", "printer")


class LineStatus(Status):
    """The state of a device that is a line: ``degraded`` is ``unreadable``, ``implausible`` or ``flooding``."""

    def __init__(self, report: Report, clock: Clock, *, rate: int) -> None:
        """``rate``: bytes a second that the line can physically carry."""
        super().__init__(report, clock)
        self._rate = rate
        self._forget()

    def up(self) -> None:
        """Tell that the device has been opened: it is judged afresh."""
        self._forget()
        super().up()

    def received(self, count: int) -> Moment:
        """Count bytes as they arrive; return the moment."""
        now = self._clock.now()
        if count:
            self.last_data = now
            if not self._unheard:
                self._unheard_since_ms = now.uptime_ms
            self._unheard += count
        return now

    def understood(self, observations: Sequence[Decoded], consumed: int, fed: bytes = b"") -> None:
        """Judge the line by what came of its last ``consumed`` bytes. ``fed``: what it said; empty: it was silent."""
        lost = sum(_unread(observation) for observation in observations)
        implausible = sum(_implausible(observation) for observation in observations)
        self._window.append((consumed, lost, implausible))
        self._window_bytes += consumed
        self._window_lost += lost
        self._window_implausible += implausible
        while len(self._window) > 1 and self._window_bytes - self._window[0][0] >= WINDOW:
            oldest_bytes, oldest_lost, oldest_implausible = self._window.popleft()
            self._window_bytes -= oldest_bytes
            self._window_lost -= oldest_lost
            self._window_implausible -= oldest_implausible
        readable = any(not isinstance(observation, Undecoded) for observation in observations)
        if readable or fed.strip(b"\0"):
            self._padding = 0
        elif fed:
            self._padding += consumed
        if readable and lost <= BAD_SHARE * consumed:
            self._unheard = 0
        if self._current is not None and self._current.state != "down":
            self._change(self._verdict(self._current))

    def _verdict(self, current: DeviceState) -> DeviceState:
        if self._flooding():
            return DeviceState("degraded", "flooding", _FLOODING)
        mark = GOOD_SHARE if current.state == "degraded" else BAD_SHARE
        if self._window_implausible >= max(ENOUGH_IMPLAUSIBLE, mark * self._window_bytes):
            return DeviceState("degraded", "implausible", _IMPLAUSIBLE)
        noise = self._window_lost - self._window_implausible
        is_noisy = self._window_bytes >= ENOUGH and noise > mark * self._window_bytes
        if is_noisy or self._padding > PADDING:
            return DeviceState("degraded", "unreadable", _UNREADABLE)
        return DeviceState("up")

    def _flooding(self) -> bool:
        """Tell whether the line has been more than half full for FLOOD bytes without one that could be read."""
        if self._unheard < FLOOD or self.last_data is None:
            return False
        elapsed_ms = self.last_data.uptime_ms - self._unheard_since_ms
        return self._unheard * 1000 >= elapsed_ms * self._rate // 2

    def _forget(self) -> None:
        self._window: deque[tuple[int, int, int]] = deque()
        self._window_bytes = 0
        self._window_lost = 0
        self._window_implausible = 0
        self._padding = 0  # NULs since anything else
        self._unheard = 0
        self._unheard_since_ms = 0


def _unread(observation: Decoded) -> int:
    """Return how many bytes mean nothing; what goes past to another device on the same line is understood, not ours."""
    return len(observation.data) if isinstance(observation, Undecoded) and observation.reason not in _PAST else 0


def _implausible(observation: Decoded) -> int:
    return len(observation.data) if isinstance(observation, Undecoded) and observation.reason == "implausible" else 0
