"""The way of a command: verified, not expired, not seen before; run; answered."""

import asyncio
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import structlog

from edge_agent.clock import Moment
from edge_agent.contract.envelope import MAX_BYTES, Key, Refused
from edge_agent.contract.events import iso_time
from edge_agent.contract.remote import Reply
from edge_agent.contract.topics import Topics
from edge_agent.log import defect
from edge_agent.remote.commands.admitting import Rejected, Request, check_time, read
from edge_agent.remote.commands.answers import Answers
from edge_agent.remote.commands.box import Box
from edge_agent.remote.commands.catalogue import action_of, arguments_of
from edge_agent.remote.commands.ledger import Ledger
from edge_agent.remote.commands.outgoing import Outgoing
from edge_agent.remote.commands.running import Running
from edge_agent.uplink import Link

INBOX = 1_000  # messages that wait to be opened: what a stranger sends costs 0.3 ms each, and holds nobody up for long
INBOX_BYTES = 2 * MAX_BYTES  # one of the largest, with room beside it for those that people send
DISK_S = 10.0  # a disk that does not take one row within it is one that takes none

log = structlog.get_logger()


class Commands:
    """The commands of this agent. What is asked and what was answered are durable facts."""

    def __init__(self, box: Box, keys: Sequence[Key], topics: Topics, folder: Path) -> None:
        """``folder``: where what goes up in chunks lies until it has gone."""
        self._box = box
        self._keys = keys
        self._topics = topics
        self._inbox: deque[bytes] = deque()
        self._inbox_bytes = 0
        self._news = asyncio.Event()
        self._refused: tuple[str, str] | None = None  # what was refused last and is not remembered
        self._ledger = Ledger(box.storage)
        self._answers = Answers(self._ledger, topics, self._at)
        self._outgoing = Outgoing(folder, box.sync, self._at)
        self._running = Running(box, self._ledger, self._answers, self._outgoing)

    def arrived(self, payload: bytes) -> None:
        """Take a message of ``down/command``; it is worked on by ``run``. Of a flood the first are kept."""
        if not payload:  # a topic that was cleared
            return
        if len(self._inbox) >= INBOX or self._inbox_bytes + len(payload) > INBOX_BYTES:
            self._answers.stranger(Refused("busy", "too much comes at once; ask again later"), payload)
            return
        self._inbox.append(payload)
        self._inbox_bytes += len(payload)
        self._news.set()

    async def run(self) -> None:
        """Work on commands, and on those that the last process left unfinished. Raises StorageError."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._running.run())
            group.create_task(self._admit_all())

    async def publish(self, link: Link) -> None:
        """Send answers, then chunks where nothing else waits for the link; each until it has arrived."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answers.publish(link))
            group.create_task(self._outgoing.run(link, self._topics, self._running.arrived_home))

    async def _admit_all(self) -> None:
        while True:
            while self._inbox:
                data = self._inbox.popleft()
                self._inbox_bytes -= len(data)
                await self._open(data)
            self._news.clear()
            await self._news.wait()

    async def _open(self, data: bytes) -> None:
        try:
            found = await asyncio.to_thread(read, data, self._keys, self._topics)
        except Exception as error:  # noqa: BLE001 - delivered again, it would be met by the next process as well
            defect("command_crashed", error, name="")
            self._answers.stranger(Refused("malformed", f"it met a defect: {type(error).__name__}"), data)
            return
        if isinstance(found, Request):
            await self._consider(found)
        elif found.id is None or self._ledger.knows(found.id):
            # Someone who may not command must not answer for a command either.
            self._answers.stranger(found.refused, data)
        else:
            self._reject(found, found.id)

    async def _consider(self, request: Request) -> None:
        id_ = request.command.id
        if self._ledger.knows(id_):
            self._running.say_again(id_)
            return
        try:
            await self._let_in(request)
        except Refused as refused:  # it is not remembered, and may be asked for again
            if self._is_news(id_, refused.code):
                _audit(request, "refused", refused.code)
            self._answers.say(self._refusal(request, refused))

    async def _let_in(self, request: Request) -> None:
        now = self._box.clock.now()
        check_time(request, now)
        if not self._ledger.has_room(now) or not self._running.has_room:
            raise Refused("busy", "too many commands wait; ask again later")
        try:
            async with asyncio.timeout(DISK_S):
                await self._enter(request, now)
        except TimeoutError as error:
            if not self._ledger.knows(request.command.id):
                raise Refused("storage_failed", f"the disk took nothing for {DISK_S:.0f} s") from error
            self._running.say_again(request.command.id)

    async def _enter(self, request: Request, now: Moment) -> None:
        """Remember a command and have it run; or remember that it never will."""
        command = request.command
        try:
            arguments_of(action_of(command.name), command.arguments)
        except Refused as refused:
            await self._ledger.refuse(request, now, self._refusal(request, refused))
            _audit(request, "refused", refused.code)
            self._answers.answered(command.id)
        else:
            await self._ledger.take(request, now)
            _audit(request, "accepted")
            self._running.begin(command.id)

    def _refusal(self, request: Request, refused: Refused) -> Reply:
        command = request.command
        return self._answers.reply(
            command.id, "refused", name=command.name[:64], code=refused.code, detail=refused.detail
        )

    def _reject(self, rejected: Rejected, id_: str) -> None:
        refused = rejected.refused
        if self._is_news(id_, refused.code):
            log.warning("command", id=id_, key_id=rejected.key_id, outcome="refused", code=refused.code)
        self._answers.say(self._answers.reply(id_, "refused", code=refused.code, detail=refused.detail))

    def _is_news(self, id_: str, code: str) -> bool:
        """Tell whether this is not what was refused just before: somebody sends it over and over."""
        before, self._refused = self._refused, (id_, code)
        return before != self._refused

    def _at(self) -> str:
        return iso_time(self._box.clock.now().wall_ms, self._box.generations.config.store.zone)


def _audit(request: Request, outcome: str, code: str | None = None) -> None:
    command = request.command
    log.info("command", id=command.id, name=command.name[:64], key_id=request.key_id, outcome=outcome, code=code)
