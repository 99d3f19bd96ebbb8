"""Answers on their way up: in order, the final ones until the broker has them."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable
from datetime import timedelta

import msgspec
import structlog

from edge_agent.contract.envelope import Refused
from edge_agent.contract.remote import UNVERIFIED, Reply
from edge_agent.contract.topics import Topics
from edge_agent.remote.commands.ledger import Ledger
from edge_agent.uplink import Link
from edge_agent.uplink.reasons import REFUSED, code_of

SAID = 64  # replies that wait for a link and are not durable: two for each command that may wait
# Answers to strangers: who tries out an envelope sees what is wrong with it; a flood is not answered with a flood.
STRANGERS = 6
STRANGERS_IN_S = timedelta(minutes=1).total_seconds()
REFUSED_S = 30.0  # the broker takes no more just now (a quota), or will not until somebody corrects its rules
PACKET_TOO_LARGE = 0x95  # MQTT 5, section 3.4.2.1
DETAIL_CHARS = 1_000  # some quote what was asked
TOO_LARGE = "the result is larger than the broker takes"

log = structlog.get_logger()


class Answers:
    """What is said of commands. ``at``: the time, as answers tell it."""

    def __init__(self, ledger: Ledger, topics: Topics, at: Callable[[], str]) -> None:
        self._ledger = ledger
        self._topics = topics
        self._at = at
        self._waiting: deque[Reply | str] = deque(ledger.unsent())  # a final one by its id
        self._news = asyncio.Event()
        self._moved = asyncio.Event()
        self._strangers: deque[float] = deque(maxlen=STRANGERS)

    def reply(self, id_: str, status: str, **fields: object) -> Reply:
        """Return an answer of now. ``fields``: of ``Reply``."""
        reply = msgspec.convert({"id": id_, "status": status, "at": self._at(), **fields}, Reply)
        return msgspec.structs.replace(reply, detail=reply.detail and reply.detail[:DETAIL_CHARS])

    def say(self, reply: Reply) -> None:
        """Send an answer that is not durable; of a command's progress only the newest waits."""
        said = [one for one in self._waiting if isinstance(one, Reply)]
        if reply.status == "progress":
            said = [one for one in said if (one.id, one.status) == (reply.id, reply.status)]
        if said and (reply.status == "progress" or len(said) >= SAID):
            self._waiting.remove(said[0])
        self._waiting.append(reply)
        self._news.set()

    def answered(self, id_: str) -> None:
        """Send a final answer, as the ledger has it, also where it was sent before."""
        if id_ not in self._waiting:
            self._waiting.append(id_)
        self._news.set()

    def stranger(self, refused: Refused, data: bytes) -> None:
        """Answer what nobody known has signed, unless that happens all the time. ``data``: all that arrived."""
        now = asyncio.get_running_loop().time()
        if len(self._strangers) == STRANGERS and now - self._strangers[0] < STRANGERS_IN_S:
            return
        self._strangers.append(now)
        result = {"sha256": hashlib.sha256(data).hexdigest()}
        log.warning("command_unverified", code=refused.code, **result)
        self.say(self.reply(UNVERIFIED, "refused", code=refused.code, detail=refused.detail, result=result))

    async def sent(self, id_: str) -> None:
        """Wait until the broker has a final answer."""
        while not self._ledger.is_sent(id_):
            self._moved.clear()
            await self._moved.wait()

    async def publish(self, link: Link) -> None:
        """Send what waits over ``link``, for ever. Raises LinkError, StorageError."""
        while True:
            while self._waiting:
                one = self._waiting.popleft()
                try:
                    await self._publish_one(link, one)
                except BaseException:
                    self._waiting.appendleft(one)
                    raise
            self._news.clear()
            await self._news.wait()

    async def _publish_one(self, link: Link, one: Reply | str) -> None:
        reply = self._ledger.reply(one) if isinstance(one, str) else one
        if reply is None:
            return
        topic = self._topics.reply(reply.id)
        code = await link.publish(topic, _fitting(reply, link.payload_room(topic, (), None)))
        if code == PACKET_TOO_LARGE:  # larger than what this broker takes of a client, whatever it has said
            code = await link.publish(topic, _bare(reply))
        if code >= REFUSED:
            log.warning("reply_refused", id=reply.id, reason=code_of(code))
            await asyncio.sleep(REFUSED_S)
        if isinstance(one, str):
            if code >= REFUSED:
                self._waiting.append(one)  # behind the others: perhaps it is about this one alone
                return
            await self._ledger.sent(one)
            self._moved.set()


def _fitting(reply: Reply, room: int) -> bytes:
    body = msgspec.json.encode(reply)
    if len(body) <= room:
        return body
    return _bare(reply)


def _bare(reply: Reply) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(reply, result=None, code="packet_too_large", detail=TOO_LARGE))
