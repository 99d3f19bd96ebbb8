"""One stream of bytes on its way to becoming observations that are recorded."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from edge_agent.clock import Moment
from edge_agent.decoders import Decoder
from edge_agent.devices.line_status import LineStatus
from edge_agent.observations import Decoded, Observation

# Held while a commit is under way: at 115,200 baud 5 s worth, of a commit that takes 5 ms. Reading pauses beyond it.
ROOM = 64 * 1024
# Decoded in one go: at the 3 MB/s a decoder must reach, the loop waits 5 ms at most.
SLICE = 16 * 1024
# Bytes that were consumed without saying anything (blank lines, mode switches) are handed over by the time there are
# this many, so that a journal stays small.
SILENT = 4096


@dataclass(frozen=True, slots=True)
class Position:
    """How far a line has come: everything before ``consumed`` is in the observations handed over with it.

    ``line``: its name, by which its position is kept. ``consumed``: absolute count of this line's bytes, never falling.
    ``modes``: commands that put a fresh decoder into the state it had there.
    """

    line: str
    consumed: int
    modes: bytes


class Emit(Protocol):
    """Where a device hands over what it says."""

    async def __call__(self, observations: Sequence[Observation], at: Moment, position: Position | None = None) -> None:
        """Return when the observations and the position are durable, both or neither: that is the back-pressure.

        ``at``: when the last of it arrived. ``position``: of the line; None: the device is none. A line's failed
        hand-over is repeated, the same, when the device runs again.
        """
        ...


class Journal(Protocol):
    """Bytes that were read and are not yet recorded, kept for the life after a crash."""

    def append(self, data: bytes) -> None:
        """Keep bytes, in order. Never blocks for long and never raises: without room they are simply less safe."""
        ...

    def consumed(self, upto: int) -> None:
        """Tell that everything before the absolute position ``upto`` is recorded."""
        ...


@dataclass(frozen=True, slots=True)
class Start:
    """Where a line goes on: the last recorded ``consumed`` and ``modes``, and the journal's bytes from there on."""

    consumed: int = 0
    modes: bytes = b""
    replay: bytes = b""


# Returns a line's journal and where it goes on, by its name.
Keep = Callable[[str], tuple[Journal, Start]]


class Source(Protocol):
    """What fills a line: it calls ``Line.receive``, and ``Line.wake`` once it has ended."""

    ended: bool

    def resume(self) -> None:
        """Read on: there is room again."""
        ...


class Line:
    """Bytes in, observations out, in order, each handed over until it is recorded.

    A line outlives its source: after an unplug the next ``run`` goes on where the last one ended. After a ``run`` that
    was cancelled it is unknown whether the last observations were recorded: start a new line from what is on disk.
    """

    def __init__(
        self,
        name: str,
        decoder: Decoder,
        status: LineStatus,
        *,
        idle_end: float,
        journal: Journal,
        start: Start | None = None,
    ) -> None:
        """``name``: its position is kept by it. ``idle_end``: seconds of silence that end a receipt without a cut."""
        start = start or Start()
        self.name = name
        self._decoder = decoder
        self._status = status
        self._idle_end = idle_end
        self._journal = journal
        decoder.feed(start.modes)
        self._base = start.consumed - len(start.modes)  # the decoder counts the modes, the line does not
        self._consumed = self._recorded = start.consumed
        self._waiting = bytearray(start.replay)
        self._at = status.received(0)
        self._spoke: float | None = None  # loop time of the last byte; None: nothing since the last idle()
        self._observed: list[Decoded] = []
        self._awake = asyncio.Event()

    @property
    def is_amid(self) -> bool:
        """Tell whether something is half read: bytes have come of which nothing has become yet."""
        return bool(self._waiting or self._decoder.unfinished())

    @property
    def recorded(self) -> int:
        """How many of its bytes have been recorded, since its first life."""
        return self._recorded

    def receive(self, data: bytes) -> bool:
        """Take bytes as they arrive; return whether there is room for more. Without room, wait for ``resume``."""
        self._journal.append(data)
        self._waiting += data
        self._at = self._status.received(len(data))
        self._spoke = asyncio.get_running_loop().time()
        self._awake.set()
        return len(self._waiting) < ROOM

    def wake(self) -> None:
        """Have ``run`` look at its source again."""
        self._awake.set()

    async def run(self, emit: Emit, source: Source) -> None:
        """Decode and hand over until the source has ended and all it gave has been handed over.

        Raises what ``emit`` raises, and keeps what it refused.
        """
        await self._hand_over(emit)
        while not source.ended or self._waiting:
            if self._waiting:
                await self._decode(emit, source.resume)
            elif await self._silence():
                await self.finish(emit)

    async def catch_up(self, emit: Emit) -> None:
        """Hand over what is left from before and complete what silence has ended: for the time without a source."""
        await self._hand_over(emit)
        while self._waiting:
            await self._decode(emit)
        if self._remaining() == 0:
            await self.finish(emit)

    async def finish(self, emit: Emit) -> None:
        """Complete what is unfinished and hand it over."""
        self._spoke = None
        self._take(self._decoder.idle())
        await self._hand_over(emit)

    async def conclude(self, emit: Emit) -> None:
        """Complete and hand over all there is, also what says nothing: nobody will read on from here."""
        await self.catch_up(emit)
        await self.finish(emit)
        await self._hand_over(emit, silent=1)

    async def _decode(self, emit: Emit, resume: Callable[[], None] = lambda: None) -> None:
        was_full = len(self._waiting) >= ROOM
        data = bytes(self._waiting[:SLICE])
        del self._waiting[:SLICE]
        if was_full and len(self._waiting) < ROOM:
            resume()
        self._spoke = self._spoke or asyncio.get_running_loop().time()  # replayed bytes: counted from now
        self._take(self._decoder.feed(data), data)
        await self._hand_over(emit)
        await asyncio.sleep(0)  # a line that never pauses must not keep the loop from the others

    def _take(self, observations: list[Decoded], fed: bytes = b"") -> None:
        self._observed += observations
        consumed = max(self._consumed, self._base + self._decoder.consumed)
        self._status.understood(observations, consumed - self._consumed, fed)
        self._consumed = consumed

    async def _hand_over(self, emit: Emit, silent: int = SILENT) -> None:
        if self._observed or self._consumed - self._recorded >= silent:
            await emit(self._observed, self._at, Position(self.name, self._consumed, self._decoder.modes()))
            self._observed = []
            self._recorded = self._consumed
            self._journal.consumed(self._recorded)

    async def _silence(self) -> bool:
        """Wait for the source; return True if it was silent for ``idle_end``."""
        self._awake.clear()
        try:
            async with asyncio.timeout(self._remaining()):
                await self._awake.wait()
        except TimeoutError:
            return True
        return False

    def _remaining(self) -> float | None:
        """Return the seconds until silence ends what is unfinished; None: there is nothing to end."""
        if self._spoke is None:
            return None
        return max(0.0, self._spoke + self._idle_end - asyncio.get_running_loop().time())
