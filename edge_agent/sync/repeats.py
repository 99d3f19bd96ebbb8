"""What central asks for again: ranges of sequences, served from the store beside the live streams."""

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from edge_agent.contract.events import Stream
from edge_agent.contract.frames import Frame
from edge_agent.sync.fit import cut_out, fit

_READ_FRAMES = 8
_READ_BYTES = 256 * 1024
_PAUSE_SECONDS = 1.0  # after a repeat that nobody took


class Held(Protocol):
    """The storage's reading side."""

    async def pending(self, stream: Stream, after: int, limit: int, max_bytes: int) -> list[Frame]:
        """Return frames that hold sequences above ``after``, delivered ones included."""
        ...


@dataclass(slots=True)
class _Queue:
    ranges: deque[tuple[int, int]] = field(default_factory=deque)
    frames: deque[Frame] = field(default_factory=deque)
    flying: list[Frame] = field(default_factory=list)  # published, no PUBACK yet
    not_before: float = 0.0


class Repeats:
    """Ranges asked for, by stream. ``count``: frames repeated since the process started."""

    def __init__(self) -> None:
        self.count = 0
        self._queues = {stream: _Queue() for stream in Stream}

    def start(self) -> None:
        """Begin on a new connection: what the last one had not delivered is wanted again."""
        for queue in self._queues.values():
            undelivered = [*queue.flying, *queue.frames]
            queue.ranges.extendleft((frame.first, frame.last) for frame in reversed(undelivered))
            queue.flying.clear()
            queue.frames.clear()

    def read_again(self, stream: Stream) -> None:
        """Let go of what was read and not yet published; its ranges are read anew."""
        queue = self._queues[stream]
        queue.ranges.extendleft((frame.first, frame.last) for frame in reversed(queue.frames))
        queue.frames.clear()

    def want(self, stream: Stream, first: int, last: int) -> bool:
        """Queue a range; return whether it is new: one that waits or is on its way is not queued twice."""
        queue = self._queues[stream]
        frames = (*queue.flying, *queue.frames)
        if (first, last) in queue.ranges or any(first <= frame.first and frame.last <= last for frame in frames):
            return False
        queue.ranges.append((first, last))
        return True

    async def take(self, stream: Stream, held: Held, room: int, now: float) -> Frame | None:
        """Return the next frame to repeat, at most ``room`` bytes of body, or None."""
        queue = self._queues[stream]
        if now < queue.not_before:
            return None
        if not queue.frames and queue.ranges:
            await _read(queue, stream, held, room)
        if not queue.frames:
            return None
        self.count += 1
        queue.flying.append(queue.frames.popleft())
        return queue.flying[-1]

    def answered(self, stream: Stream, frame: Frame, *, delivered: bool, now: float) -> None:
        """Note the PUBACK of a repeat; one that was not delivered is wanted again, in a second."""
        queue = self._queues[stream]
        queue.flying.remove(frame)
        if not delivered:
            queue.ranges.append((frame.first, frame.last))
            queue.not_before = now + _PAUSE_SECONDS

    def deadline(self, now: float) -> float | None:
        """Return when, after ``now``, a paused repeat may go."""
        return min((queue.not_before for queue in self._queues.values() if queue.not_before > now), default=None)


async def _read(queue: _Queue, stream: Stream, held: Held, room: int) -> None:
    first, last = queue.ranges[0]
    frames = await held.pending(stream, first - 1, _READ_FRAMES, _READ_BYTES)
    within = [frame for frame in frames if frame.first <= last]
    queue.frames.extend(part for frame in within for part in fit(cut_out(frame, first, last), room))
    queue.ranges.popleft()
    if within and within[-1].last < last:
        queue.ranges.appendleft((within[-1].last + 1, last))
