"""Commands while they run: short ones one after another, long ones beside them; each is answered once."""

import asyncio
from contextlib import suppress

import msgspec
import structlog

from edge_agent.contract.envelope import Refused
from edge_agent.contract.remote import Reply
from edge_agent.errors import AgentError, ConfigError, StorageError
from edge_agent.log import places
from edge_agent.remote.commands.acting import REPLY_BYTES, Action, Asked, Result, Upload
from edge_agent.remote.commands.answers import Answers
from edge_agent.remote.commands.box import Box
from edge_agent.remote.commands.catalogue import action_of, arguments_of
from edge_agent.remote.commands.ledger import Ledger
from edge_agent.remote.commands.outgoing import Outgoing

WAITING = 32  # more than a person asks for at once; each of them holds its arguments
SHORT_S = 60.0  # others wait behind it; the slowest, a disk that hangs, takes seconds or does not come back
LONG = 2  # at a time: a capture, and a bundle beside it
SENT_S = 2.0  # what `restart` waits for its answer to be sent; it is durable, and is sent again after it

log = structlog.get_logger()


class Running:
    """What was taken on and is not answered yet."""

    def __init__(self, box: Box, ledger: Ledger, answers: Answers, outgoing: Outgoing) -> None:
        self._box = box
        self._ledger = ledger
        self._answers = answers
        self._outgoing = outgoing
        self._short: asyncio.Queue[str] = asyncio.Queue()
        self._long: asyncio.Queue[str] = asyncio.Queue()
        self._last: dict[str, Reply] = {}  # what was said last of each that is not answered

    @property
    def has_room(self) -> bool:
        """Tell whether one more may wait."""
        return self._short.qsize() + self._long.qsize() < WAITING

    def begin(self, id_: str) -> None:
        """Run a command that the ledger holds."""
        self._say(self._answers.reply(id_, "accepted", name=self._ledger.name(id_)))
        self._queue(id_)

    def say_again(self, id_: str) -> None:
        """Answer an id that was here before: with its final answer, or with what was said of it last."""
        if self._ledger.is_answered(id_):
            self._answers.answered(id_)
        elif id_ in self._last:
            self._answers.say(self._last[id_])
        else:  # whoever took it on did not hear that the disk has it
            self.begin(id_)

    async def run(self) -> None:
        """Run what was taken on, the last process's first. Raises StorageError."""
        await self._resume()
        async with asyncio.TaskGroup() as group:
            for queue in (self._short, *[self._long] * LONG):
                group.create_task(self._work(queue))

    async def arrived_home(self, id_: str, outcome: Result | AgentError) -> None:
        """Answer a command whose file has arrived, or never will."""
        if isinstance(outcome, AgentError):
            await self._answer(id_, self._failed(id_, outcome))
        else:
            await self._answer(id_, self._reply(id_, "done", result=outcome))

    async def _resume(self) -> None:
        unanswered = self._ledger.unanswered()
        self._last.update((id_, self._reply(id_, "accepted")) for id_ in unanswered)
        on_their_way = await self._outgoing.restore(frozenset(unanswered))
        for id_ in unanswered:
            if id_ in on_their_way:
                continue
            with suppress(Refused):
                # In safe mode it may be what the agent dies of.
                if action_of(self._ledger.name(id_)).repeatable and not self._box.generations.current.is_held:
                    self._queue(id_)
                    continue
            await self._answer(id_, self._reply(id_, "failed", code="interrupted", detail=_INTERRUPTED))

    def _queue(self, id_: str) -> None:
        queue = self._long if action_of(self._ledger.name(id_)).long else self._short
        queue.put_nowait(id_)

    async def _work(self, queue: asyncio.Queue[str]) -> None:
        while True:
            await self._run_one(await queue.get())

    async def _run_one(self, id_: str) -> None:
        action = action_of(self._ledger.name(id_))
        try:
            outcome = await self._act(id_, action)
        except Refused as refused:
            outcome = self._reply(id_, "refused", code=refused.code, detail=refused.detail)
        except AgentError as error:
            outcome = self._failed(id_, error)
        except Exception as error:  # noqa: BLE001 - a defect in a command must not stop the tills
            _log_defect(self._ledger.name(id_), error)
            outcome = self._reply(id_, "failed", code="defect", detail=f"{type(error).__name__}; see the box's log")
        if outcome is None:
            return
        await self._outgoing.discard(id_)
        await self._answer(id_, outcome)
        if action.afterwards is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(SENT_S):
                    await self._answers.sent(id_)
            await action.afterwards(self._box)

    async def _act(self, id_: str, action: Action) -> Reply | None:
        """Run a command; return its final answer, or None where a file goes up before it."""
        arguments = arguments_of(action, msgspec.json.decode(self._ledger.arguments(id_)))
        asked = Asked(id_, self._box, self._outgoing.room(id_), lambda part, now: self._progress(id_, part, now))
        try:
            async with asyncio.timeout(None if action.long else SHORT_S) as limit:
                result = await action.act(asked, arguments)
        except TimeoutError:
            if not limit.expired():
                raise
            return self._reply(id_, "failed", code="slow", detail=f"it was given up after {SHORT_S:.0f} s")
        if isinstance(result, Upload):
            await self._outgoing.add(id_, result)
            return None
        reply = self._reply(id_, "done", result=result)
        if len(msgspec.json.encode(reply)) > REPLY_BYTES:
            return self._reply(id_, "failed", code="too_large", detail=f"the result has more than {REPLY_BYTES} bytes")
        return reply

    async def _answer(self, id_: str, reply: Reply) -> None:
        await self._ledger.answer(id_, reply)
        log.info(
            "command",
            id=id_, name=reply.name, key_id=self._ledger.key_id(id_), outcome=reply.status, code=reply.code,
        )  # fmt: skip
        self._last.pop(id_, None)
        self._answers.answered(id_)

    def _progress(self, id_: str, part: float, now: str) -> None:
        self._say(self._reply(id_, "progress", progress=round(min(max(part, 0.0), 1.0), 3), detail=now))

    def _say(self, reply: Reply) -> None:
        self._last[reply.id] = reply
        self._answers.say(reply)

    def _failed(self, id_: str, error: AgentError) -> Reply:
        return self._reply(id_, "failed", code=_code(error), detail=str(error))

    def _reply(self, id_: str, status: str, **fields: object) -> Reply:
        return self._answers.reply(id_, status, name=self._ledger.name(id_), **fields)


_INTERRUPTED = "the agent ended while it ran, and it is not known how far it came; ask again with a new id"


def _log_defect(name: str, error: Exception) -> None:
    log.error("command_crashed", name=name, error=type(error).__name__, traceback=places(error))


def _code(error: AgentError) -> str:
    match error:
        case StorageError():
            return "storage_failed"
        case ConfigError():
            return "invalid_config"
        case _:
            return str(getattr(error, "reason", "")) or "failed"
