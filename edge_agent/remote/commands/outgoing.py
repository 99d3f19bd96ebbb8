"""Files that go up in chunks, at the lowest priority: each goes on where it was, after a reconnect and after a kill."""

import asyncio
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from pathlib import Path

import msgspec
import structlog

from edge_agent.contract.pieces import LEAST_BYTES
from edge_agent.contract.remote import Chunk, Reply
from edge_agent.contract.topics import Topics
from edge_agent.errors import AgentError, LinkError
from edge_agent.remote.commands.acting import Result, Upload
from edge_agent.remote.commands.parcel import Parcel, remove, room_beside
from edge_agent.sync import Sync
from edge_agent.uplink import Link
from edge_agent.uplink.reasons import REFUSED, code_of

__all__ = ["Finished", "Outgoing", "room_beside"]

# 32 KiB as base64: 0.3 s on a line of 1 Mbit/s, as long as an order may wait for an ops frame (sync.LOWER_BYTES). One
# at a time is on its way, and only when nothing else is. A multiple of three needs no padding.
CHUNK_BYTES = 24 * 1024
QUIET_S = 0.05  # how often it is asked whether the line is free: a sixth of what a chunk takes on a slow one
REFUSED_S = 30.0  # the broker takes no more just now (a quota), or will not until somebody corrects its rules

# Told when a file has arrived, with what is answered with it, or that it never will. The file lies there until it
# returns: what is answered is durable first.
Finished = Callable[[str, Result | AgentError], Awaitable[None]]

log = structlog.get_logger()


class Outgoing:
    """The files of this box that wait for head office, oldest first; they lie in a folder of this user's."""

    def __init__(self, folder: Path, sync: Sync, at: Callable[[], str]) -> None:
        """``folder``: holds a folder for each command, ``room``. ``at``: the time, as answers tell it."""
        self._folder = folder
        self._sync = sync
        self._at = at
        self._waiting: dict[str, Parcel] = {}
        self._added = asyncio.Event()

    def room(self, id_: str) -> Path:
        """Return the folder of one command's files; it need not exist yet. What lies there counts for all of them."""
        return self._folder / id_

    async def restore(self, unanswered: AbstractSet[str]) -> AbstractSet[str]:
        """Take up what an earlier process left, and remove what belongs to no ``unanswered`` command.

        Returns the commands whose file is whole: they have been done, all but the sending.
        """
        for parcel in await asyncio.to_thread(_restored, self._folder, unanswered):
            self._waiting[parcel.id] = parcel
        self._added.set()
        return frozenset(self._waiting)

    async def add(self, id_: str, upload: Upload) -> None:
        """Have a file go up; it is durable when this returns. Raises StorageError, and the file is gone."""
        self._waiting[id_] = await asyncio.to_thread(Parcel.pack, self.room(id_), id_, upload)
        self._added.set()

    async def discard(self, id_: str) -> None:
        """Remove what a command has left that is not to go up."""
        self._waiting.pop(id_, None)
        await asyncio.to_thread(remove, self.room(id_))

    async def run(self, link: Link, topics: Topics, finished: Finished) -> None:
        """Send what waits over ``link``, for ever. Raises LinkError, and what ``finished`` raises."""
        while True:
            self._added.clear()
            for id_, parcel in list(self._waiting.items()):
                outcome = await self._carried(link, topics.reply(id_), parcel)
                await finished(id_, outcome)
                await self.discard(id_)
            if not self._waiting:
                await self._added.wait()

    async def _carried(self, link: Link, topic: str, parcel: Parcel) -> Result | AgentError:
        """Send a file; return what is told with it once the broker has taken all, or why it cannot be sent."""
        room = (link.payload_room(topic, (), None) - len(self._reply(parcel, parcel.empty_chunk()))) // 4 * 3
        if room < LEAST_BYTES:
            return LinkError("packet_too_large", "the broker's Maximum Packet Size is too small for pieces of files")
        parcel.cut(min(CHUNK_BYTES, room))
        refused = 0  # what it was refused with: told once
        while parcel.next < parcel.of:
            try:
                chunk = await asyncio.to_thread(parcel.chunk)
            except AgentError as error:
                return error
            await self._quiet(link)
            if (code := await link.publish(topic, self._reply(parcel, chunk))) >= REFUSED:
                if code != refused:
                    log.warning("chunk_refused", id=parcel.id, reason=code_of(code))
                refused = code
                await asyncio.sleep(REFUSED_S)
                continue
            await asyncio.to_thread(parcel.gone)
        return parcel.result

    async def _quiet(self, link: Link) -> None:
        """Wait until nothing else is on its way or waits for it: what comes then waits behind one chunk at most."""
        while self._sync.is_behind or link.outstanding:  # noqa: ASYNC110 - falls quiet by time as well (a pause ends)
            await asyncio.sleep(QUIET_S)

    def _reply(self, parcel: Parcel, chunk: Chunk) -> bytes:
        progress = round(chunk.number / chunk.of, 3)
        return msgspec.json.encode(
            Reply(id=parcel.id, status="progress", at=self._at(), progress=progress, chunk=chunk)
        )


def _restored(folder: Path, unanswered: AbstractSet[str]) -> list[Parcel]:
    """Return what is whole and still wanted, oldest first; the rest is removed."""
    folders = sorted(folder.glob("*"), key=lambda path: path.stat().st_mtime_ns)
    found = []
    for path in folders:
        parcel = Parcel.found(path) if path.name in unanswered else None
        if parcel is None or parcel.id != path.name:
            remove(path)
        else:
            found.append(parcel)
    return found
