"""Who may write on a line display when: the register always, the agent in between."""

from collections import deque
from collections.abc import Callable, Sequence

from edge_agent.decoders._linedisplay_text import TextState
from edge_agent.decoders.linedisplay import Decoder, Settings
from edge_agent.devices.display import encode
from edge_agent.devices.display.pacing import Pacing

# Between two strokes of a cashier's hand a register is silent for one or two seconds; between sales for many.
QUIET_MS = 3_000
# A customer has gone after that long; a text that could not be shown by then is about nobody here.
PATIENCE_MS = 30_000
LONGEST_S = 3_600.0

# After one of these the register draws a text display afresh: it has nothing to be put back first. A digit display's
# lamp may outlive them.
_AFRESH = (b"\x0c", b"\x1b@")


class Arbiter:
    """Lets the register's bytes through at once and in order, and the agent's where the register would not mind.

    The agent's text waits until the register has been silent for QUIET_MS between two commands, in the dialect
    configured, with the display listening. When it has stood for its time, or the register speaks, what the register
    had last shown is put back. So the register's bytes find the display as the register left it.
    Times are milliseconds that never step.
    """

    def __init__(self, settings: Settings, baudrate: int, clock: Callable[[], int]) -> None:
        """``clock``: returns now."""
        self._settings = settings
        self._clock = clock
        self._decoder = Decoder(settings)  # of what the register writes: where its commands end, what it shows
        self._pacing = Pacing(baudrate, round(settings.pace.total_seconds() * 1000))
        self._queue: deque[encode.Command] = deque()
        self._sent = 0  # of the first in the queue
        self._waiting: tuple[tuple[encode.Command, ...], float, int] | None = None  # commands, seconds, until
        self._seconds = 0.0
        self._until: int | None = None  # the agent's text is complete and stands until then
        self._showing = False  # the queue holds the agent's text; otherwise what the register had shown
        self._ours = False  # the display shows, in whole or in part, what is not the register's
        self._heard = clock() - QUIET_MS
        self._judged = True

    def register(self, data: bytes) -> bytes:
        """Take what the register writes; return what goes to the display, at once: it ends with all of ``data``."""
        if not data:
            return b""
        now = self._clock()
        before = self._put_back(data) if self._ours else b""
        self._decoder.feed(data)
        self._heard, self._judged = now, False
        self._pacing.sent(len(before) + len(data), now)
        return before + data

    def show(self, rows: Sequence[str], seconds: float) -> None:
        """Take text of the agent, in place of any before it; what the display cannot show is dropped (``encode``)."""
        try:
            commands = encode.words(self._settings.dialect, rows, self._settings.encoding, self._settings.columns)
        except encode.UnshowableError:
            return
        if seconds > 0:
            self._waiting = commands, min(seconds, LONGEST_S), self._clock() + PATIENCE_MS

    def due(self, now_ms: int) -> bytes:
        """Return what of the agent's text, or of the register's after it, may be written now."""
        if now_ms - self._heard >= QUIET_MS and not self._judged:
            self._decoder.idle()
            self._judged = True
        if self._waiting is not None and now_ms >= self._waiting[2]:
            self._waiting = None
        if self._waiting is not None and self._may_begin(now_ms):
            self._begin()
        elif self._until is not None and now_ms >= self._until:
            self._until = None
            self._queue.extend(self._registers())
        return self._next(now_ms)

    def next_deadline(self) -> int | None:
        """Return when ``due`` has something to say, or None."""
        times = []
        if self._queue:
            times.append(self._pacing.free_at_ms)
        if self._until is not None:
            times.append(self._until)
        if self._waiting is not None:
            quiet = max(self._heard + QUIET_MS, self._pacing.free_at_ms)
            times.append(quiet if not self._judged or self._sound() else self._waiting[2])
        return min(times, default=None)

    # What may be begun.

    def _sound(self) -> bool:
        """Whether the display would understand the agent now, and the agent could put back what is on it."""
        decoder = self._decoder
        state = decoder.screen.state
        followed = not (isinstance(state, TextState) and (state.away or state.opaque))
        return decoder.between_commands and not decoder.doubtful and followed

    def _may_begin(self, now_ms: int) -> bool:
        return now_ms - self._heard >= QUIET_MS and self._sound()

    def _begin(self) -> None:
        assert self._waiting is not None
        commands, self._seconds, _ = self._waiting
        under_way = [encode.Command(self._queue[0].rest(self._sent))] if self._sent else []
        self._queue, self._sent = deque((*under_way, *commands)), 0
        self._waiting = self._until = None
        self._ours = True
        self._showing = True

    # What is written.

    def _next(self, now_ms: int) -> bytes:
        out = bytearray()
        room = self._pacing.allowed(now_ms) if self._queue else 0
        while self._queue and len(out) < room:
            data = self._queue[0].data
            piece = data[self._sent : self._sent + room - len(out)]
            out += piece
            self._sent += len(piece)
            if self._sent >= len(data):
                self._queue.popleft()
                self._sent = 0
        if out:
            self._pacing.sent(len(out), now_ms)
            if not self._queue:
                self._written(now_ms)
        return bytes(out)

    def _written(self, now_ms: int) -> None:
        if self._showing:
            self._showing = False
            self._until = now_ms + round(self._seconds * 1000)
        else:
            self._ours = False

    def _put_back(self, data: bytes) -> bytes:
        """Return what brings the display from the agent's text to where the register takes it to be."""
        under_way = self._queue[0].rest(self._sent) if self._queue and self._sent else b""
        afresh = data.startswith(_AFRESH) and isinstance(self._decoder.screen.state, TextState)
        back = b"" if afresh else b"".join(command.data for command in self._registers())
        self._queue.clear()
        self._sent, self._until, self._ours, self._showing = 0, None, False, False
        return under_way + back

    def _registers(self) -> tuple[encode.Command, ...]:
        settings = self._settings
        return encode.again(settings.dialect, self._decoder.screen.state, settings.encoding, settings.columns)
