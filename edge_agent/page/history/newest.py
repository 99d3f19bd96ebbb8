"""The newest events worth telling, read from storage once and then only as far as something came since."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter

import msgspec

from edge_agent.contract.events import EVENT_TYPES, CloudEvent, Stream
from edge_agent.storage import Storage

# Events looked at in a stream for those worth telling: a shop's busiest hour of codes shown to a scanner. Beyond it
# nothing is told that is news.
LOOK = 1_000


@dataclass(frozen=True, slots=True)
class Told:
    """One event, its data decoded. Unix milliseconds: when it happened, and when it was recorded."""

    id: str
    type: str
    wall_ms: int
    recorded_ms: int
    data: msgspec.Struct


@dataclass(slots=True)
class _Kept:
    """The newest of one stream, the newest first, and how far the stream has been read."""

    epoch: str = ""
    upto: int = 0
    is_whole: bool = False  # all there is of these types
    events: list[Told] = field(default_factory=list)


class Newest:
    """The newest events of some types of each stream: what makes ``limit`` lines, at most ``LOOK`` events.

    Kept as long as nothing comes and nothing is forgotten: asked again, it reads nothing then.
    """

    def __init__(
        self, types: frozenset[str], limit: int, needed: Callable[[Sequence[Told], int], int] | None = None
    ) -> None:
        """``needed``: how many of the newest of a stream make so many lines; None: each makes one."""
        self._types = types
        self._limit = limit
        self._needed = needed or (lambda events, limit: min(len(events), limit))
        streams = {EVENT_TYPES[name].stream for name in types if name in EVENT_TYPES}
        self._streams: Mapping[Stream, _Kept] = {stream: _Kept() for stream in Stream if stream in streams}
        self._forgotten = 0
        self.version = 0  # another one whenever ``of`` may return something else

    def forget(self) -> None:
        """Let go of everything: somebody was forgotten, of whom events may tell."""
        self._forgotten += 1
        self.version += 1
        for kept in self._streams.values():
            kept.epoch, kept.upto, kept.is_whole, kept.events = "", 0, False, []

    async def of(self, storage: Storage) -> list[Told]:
        """Return what is newest in all streams, the newest first. Raises StorageError."""
        for stream, kept in self._streams.items():
            if (kept.epoch, kept.upto) != (storage.epoch, storage.last(stream)):
                await self._read(storage, stream, kept)
        newest = [event for kept in self._streams.values() for event in kept.events]
        return sorted(newest, key=attrgetter("recorded_ms"), reverse=True)

    def from_ms(self, stream: Stream) -> int | None:
        """Return since when all of a stream is known that was recorded (Unix milliseconds); None: since ever."""
        kept = self._streams[stream]
        return None if kept.is_whole or not kept.events else kept.events[-1].recorded_ms

    async def _read(self, storage: Storage, stream: Stream, kept: _Kept) -> None:
        epoch, last, forgotten = storage.epoch, storage.last(stream), self._forgotten
        known, before = (kept.upto, kept.events) if kept.epoch == epoch else (0, [])
        is_whole = True
        fresh: list[Told] = []
        looked = 0
        async for bite in storage.history.newest_first(stream):
            if (bite.epoch, self._forgotten) != (epoch, forgotten):
                return  # overtaken: whoever asks next reads anew
            new = [event for event in bite.events if int(event.sequence) > known]
            last = max(last, int(bite.events[0].sequence))  # of what came meanwhile as well
            fresh += [told for event in new if event.type in self._types and (told := decoded(event)) is not None]
            looked += len(new)
            if len(new) < len(bite.events):
                is_whole = kept.is_whole
                break
            if looked >= LOOK or self._needed(fresh, self._limit) < len(fresh):
                is_whole, before = False, []
                break
        events = [*fresh, *before][:LOOK]
        kept.events = events[: self._needed(events, self._limit)]
        kept.is_whole = is_whole and len(kept.events) == len(fresh) + len(before)
        kept.epoch, kept.upto = epoch, last
        self.version += 1


def decoded(event: CloudEvent) -> Told | None:
    """Return an event as it can be told; None where it is of a later version, and says something else."""
    try:
        return Told(
            event.id,
            event.type,
            unix_ms(event.time),
            unix_ms(event.recordedtime),
            msgspec.json.decode(event.data, type=EVENT_TYPES[event.type].data),
        )
    except (msgspec.DecodeError, KeyError, ValueError):
        return None


def unix_ms(iso: str) -> int:
    """Return an ISO 8601 time with an offset as Unix milliseconds. Raises ValueError."""
    return round(datetime.fromisoformat(iso).timestamp() * 1000)
