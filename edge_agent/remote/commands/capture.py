"""`capture`: what one line says for a while, redacted, goes up."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec

from edge_agent import decoders
from edge_agent.config.devices import LineSettings
from edge_agent.contract.envelope import Refused
from edge_agent.contract.events import iso_time
from edge_agent.generation import Generation, RunningDevice
from edge_agent.redact import Redactor
from edge_agent.remote.commands.acting import Action, Asked, Upload
from edge_agent.remote.commands.parcel import make_folder, on_disk, room_beside
from edge_agent.remote.commands.recording import Ear, Recording

MAX_SECONDS = 600
# Rows of slips take a fifth of what they are, compressed: 2 MiB are ten minutes of a line that is never silent.
FILE_BYTES = 2 * 1024 * 1024
WRITE_S = 1.0  # how often what was heard goes to the file; see recording.HELD_BYTES
PROGRESS_S = 5.0  # how often head office hears that it still listens: 120 messages at most


class Capture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``device``: a line's id; ``seconds``: for how long."""

    device: str
    seconds: Annotated[int, msgspec.Meta(ge=1, le=MAX_SECONDS)]


async def capture(asked: Asked, arguments: Capture) -> Upload:
    """Listen to a line. It ends early when another config begins to run, or when there is no more room.

    Raises Refused ``unknown_device`` ``not_a_line`` ``busy``, StorageError.
    """
    generation = asked.box.generations.current
    running, settings = _line(generation, arguments.device)
    started = asked.box.clock.now()
    zone = asked.box.generations.config.store.zone
    name = f"{settings.id}-{iso_time(started.wall_ms, zone)[:19].replace(':', '')}.ndjson.gz"
    path = asked.folder / "capture"
    ear = Ear()
    # Tokens that nobody can compare with those of another recording: the key is thrown away.
    redactor = Redactor(secrets.token_bytes(32))
    new_decoder = partial(decoders.create, settings.decoder, settings)
    running.listeners.append(ear.hear)
    try:
        room = await on_disk(partial(_made_room, asked.folder))
        recording = await on_disk(partial(Recording, path, settings.id, zone, redactor, new_decoder))
        try:
            asked.progress(0.0, "listening")
            listening = _Listening(asked, generation, running, ear, recording, room)
            ended = await listening.until_over(arguments.seconds)
        finally:
            with suppress(OSError):  # of a file that is completed already, or will be deleted
                await asyncio.to_thread(recording.close)
    finally:
        running.listeners.remove(ear.hear)
    seconds = (asked.box.clock.now().uptime_ms - started.uptime_ms) / 1000
    heard = {"rows": dict(recording.kinds), "missed": ear.missed, "state": running.state, "reason": running.reason}
    return Upload(path, name, {"device": settings.id, "seconds": round(seconds, 1), "ended": ended, **heard})


def _line(generation: Generation, device: str) -> tuple[RunningDevice, LineSettings]:
    running = generation.devices.get(device)
    if running is None:
        raise Refused("unknown_device", f"there is {', '.join(generation.devices) or 'no device'}")
    if not isinstance(running.settings, LineSettings):
        raise Refused("not_a_line", f"{device} is of kind {running.settings.kind}: nothing of it may be recorded")
    if running.listeners:
        raise Refused("busy", f"{device} is being recorded; ask again when that has ended")
    return running, running.settings


@dataclass(slots=True)
class _Listening:
    """``room``: bytes that the file may take. ``state``: of the device, as it was written last."""

    asked: Asked
    generation: Generation
    running: RunningDevice
    ear: Ear
    recording: Recording
    room: int
    state: tuple[str, str, str] | None = None

    async def until_over(self, seconds: int) -> str:
        """Move what is heard to the file; return why that has ended: ``time`` ``config_changed`` ``full``."""
        loop = asyncio.get_running_loop()
        begin = told = loop.time()
        ended = ""
        while not ended:
            await asyncio.sleep(max(0.0, min(WRITE_S, begin + seconds - loop.time())))
            ended = "time" if loop.time() >= begin + seconds else ""
            if self.asked.box.generations.current is not self.generation:
                ended = "config_changed"
            if await on_disk(self._writing()) >= self.room:
                ended = ended or "full"
            if loop.time() - told >= PROGRESS_S:
                told = loop.time()
                self.asked.progress(min(1.0, (told - begin) / seconds), f"{self.recording.kinds.total()} heard")
        await on_disk(self.recording.close)
        return ended

    def _writing(self) -> Callable[[], int]:
        """Return what writes all there is by now, and returns the size of the file."""
        running, heard = self.running, self.ear.take()
        state = (running.state, running.reason, running.detail)
        changed, self.state = state != self.state, state
        at = self.asked.box.clock.now().wall_ms

        def write() -> int:
            if changed:
                self.recording.state(at, *state)
            self.recording.write(heard)
            return self.recording.size

        return write


def _made_room(folder: Path) -> int:
    make_folder(folder)
    return min(FILE_BYTES, room_beside(folder) // 2)  # the next command finds room as well


CAPTURE = Action(Capture, capture, long=True)
