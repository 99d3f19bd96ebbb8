"""What was asked and what was answered: durable, so that each id runs once, whatever happens to the process."""

from collections.abc import Iterator, Mapping

import msgspec
import zstandard

from edge_agent.clock import Moment, TimeQuality
from edge_agent.contract.remote import Reply
from edge_agent.remote.commands.admitting import Request
from edge_agent.shop.outcome import Outcome, StateChange
from edge_agent.storage import Storage

PART = "command"  # durable state, by id
ENTRIES = 1_000  # 0.5 KB each, in memory and on the disk; see admitting.AHEAD
# Of all results together, compressed: the newest are kept. One reply is 256 KiB at most, so the newest always is.
RESULTS_BYTES = 256 * 1024

NOT_HELD = "the result was sent before and is no longer held; ask again with a new id"


class Entry(msgspec.Struct, kw_only=True):
    """One id. ``number``: in which order they came; ``arguments``: until it is answered, then nothing of them stays.

    ``reply``: the final one, compressed; ``sent``: the broker has it.
    """

    number: int
    sha256: str
    key_id: str
    name: str
    expires_ms: int
    boot_id: str | None
    arguments: bytes = b""
    reply: bytes = b""
    result_bytes: int = 0
    sent: bool = False


class Ledger:
    """All ids that may still be obeyed, and more. Changes are durable when a call returns; all may raise StorageError.

    The disk being full, they wait; cancelled, they have happened or not, and ``knows`` tells.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        rows = storage.state(PART)
        self._entries = {id_: msgspec.msgpack.decode(row, type=Entry) for id_, row in rows.items()}
        self._number = max((entry.number for entry in self._entries.values()), default=0)

    def knows(self, id_: str) -> bool:
        """Tell whether an id was here before."""
        return id_ in self._entries

    def name(self, id_: str) -> str:
        """Return what was asked for."""
        return self._entries[id_].name

    def key_id(self, id_: str) -> str:
        """Return who asked."""
        return self._entries[id_].key_id

    def arguments(self, id_: str) -> bytes:
        """Return what was asked for with a command that is not answered yet, as JSON."""
        return self._entries[id_].arguments

    def is_answered(self, id_: str) -> bool:
        """Tell whether an id has its final answer."""
        return bool(self._entries[id_].reply)

    def is_sent(self, id_: str) -> bool:
        """Tell whether the broker has the final answer of an id, or nobody will send it: it has made room."""
        entry = self._entries.get(id_)
        return entry is None or entry.sent

    def reply(self, id_: str) -> Reply | None:
        """Return the final answer, None while there is none, and once it has made room for another one."""
        entry = self._entries.get(id_)
        if entry is None or not entry.reply:
            return None
        return msgspec.json.decode(zstandard.ZstdDecompressor().decompress(entry.reply), type=Reply)

    def unanswered(self) -> list[str]:
        """Return the ids of commands that were taken on and have no final answer, oldest first."""
        return [id_ for id_, entry in self._in_order() if not entry.reply]

    def unsent(self) -> list[str]:
        """Return the ids whose final answer the broker does not have, oldest first."""
        return [id_ for id_, entry in self._in_order() if entry.reply and not entry.sent]

    def has_room(self, now: Moment) -> bool:
        """Tell whether one more can be remembered: those that can never be obeyed again make room."""
        return len(self._entries) < ENTRIES or self._spent(now) is not None

    async def take(self, request: Request, now: Moment) -> None:
        """Remember that a command will be run. Needs ``has_room``."""
        await self._enter(request, now, self._entry(request, arguments=msgspec.json.encode(request.command.arguments)))

    async def refuse(self, request: Request, now: Moment, reply: Reply) -> None:
        """Remember that a command was answered without being run. Needs ``has_room``."""
        await self._enter(request, now, self._entry(request, reply=_packed(reply)))

    async def answer(self, id_: str, reply: Reply) -> None:
        """Remember the final answer; with the oldest ones that were sent, what takes too much room goes."""
        packed = _packed(reply)
        size = len(packed) if reply.result else 0
        entry = msgspec.structs.replace(self._entries[id_], arguments=b"", reply=packed, result_bytes=size)
        await self._write({id_: entry, **self._without_results(size)})

    async def sent(self, id_: str) -> None:
        """Remember that the broker has the final answer, if the id is remembered at all by then."""
        if self.is_sent(id_):
            return
        await self._write({id_: msgspec.structs.replace(self._entries[id_], sent=True)})

    def _entry(self, request: Request, *, arguments: bytes = b"", reply: bytes = b"") -> Entry:
        command = request.command
        return Entry(
            number=self._number + 1,
            sha256=request.sha256,
            key_id=request.key_id,
            name=command.name[:64],
            expires_ms=request.expires_ms,
            boot_id=command.boot_id,
            arguments=arguments,
            reply=reply,
        )

    async def _enter(self, request: Request, now: Moment, entry: Entry) -> None:
        self._number += 1
        changes: dict[str, Entry | None] = {request.command.id: entry}
        if len(self._entries) >= ENTRIES and (spent := self._spent(now)) is not None:
            changes[spent] = None
        await self._write(changes)

    async def _write(self, changes: Mapping[str, Entry | None]) -> None:
        rows = [StateChange(PART, id_, msgspec.msgpack.encode(entry) if entry else None)
                for id_, entry in changes.items()]  # fmt: skip
        try:
            await self._storage.commit(Outcome(state=tuple(rows)))
        finally:  # cut short, it has happened or it has not
            held = self._storage.state(PART)
            for id_ in changes:
                self._entries.pop(id_, None)
                if id_ in held:
                    self._entries[id_] = msgspec.msgpack.decode(held[id_], type=Entry)

    def _spent(self, now: Moment) -> str | None:
        """Return the oldest id that is answered and can never be obeyed again, by this clock.

        No row goes by time alone: a clock that was ahead is set back one day.
        """
        return next((id_ for id_, entry in self._in_order() if entry.reply and _is_spent(entry, now)), None)

    def _without_results(self, size: int) -> dict[str, Entry]:
        """Return the entries that give up their result, so that there is room for one of ``size`` bytes."""
        room = RESULTS_BYTES - size - sum(entry.result_bytes for entry in self._entries.values())
        changed = {}
        for id_, entry in self._in_order():
            if room >= 0:
                break
            if entry.result_bytes and entry.sent and (reply := self.reply(id_)) is not None:
                bare = msgspec.structs.replace(reply, result=None, detail=NOT_HELD)
                changed[id_] = msgspec.structs.replace(entry, reply=_packed(bare), result_bytes=0)
                room += entry.result_bytes
        return changed

    def _in_order(self) -> Iterator[tuple[str, Entry]]:
        return iter(sorted(self._entries.items(), key=lambda item: item[1].number))


def _is_spent(entry: Entry, now: Moment) -> bool:
    if entry.boot_id is not None:
        return entry.boot_id != now.boot_id  # of this boot, it stays: its clock may be set to any hour
    return now.quality is not TimeQuality.UNSYNCED and entry.expires_ms <= now.wall_ms


def _packed(reply: Reply) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(msgspec.json.encode(reply))
