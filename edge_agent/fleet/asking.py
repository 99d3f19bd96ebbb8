"""A command to some stores at once: signed, sent, and waited for."""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.clock import Clock
from edge_agent.contract.ids import uuid7
from edge_agent.contract.messages import UNREADABLE
from edge_agent.contract.remote import FINAL, UNVERIFIED, Command, Reply, Target
from edge_agent.contract.topics import Topics, parse_root
from edge_agent.errors import AgentError, ConfigError
from edge_agent.fleet.agents import Agent, roots
from edge_agent.fleet.broker import Broker
from edge_agent.fleet.incoming import Incoming
from edge_agent.fleet.keys import Signer
from edge_agent.fleet.listening import Message

EXPIRES = timedelta(minutes=5)
ANSWER_S = 30.0  # an agent that is there answers in a second; the rest is a slow line
PATIENCE_S = 600.0  # of silence in the middle of a long command: its pieces wait behind a whole backlog of orders


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. ``expires``: from now.

    ``answer_s``: how long a first word is waited for; ``patience_s``: how much silence is waited through after it.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    expires: timedelta = EXPIRES
    answer_s: float = ANSWER_S
    patience_s: float = PATIENCE_S


@dataclass(slots=True)
class Answer:
    """What has become of it at one agent so far.

    ``status``: that of ``Reply``; before it ``sent``, instead of it ``offline`` (never asked) or ``silent``. ``file``:
    what came up in pieces.
    """

    agent: Agent
    status: str = "sent"
    code: str | None = None
    detail: str | None = None
    progress: float = 0.0
    result: dict[str, Any] | None = None
    file: Path | None = None
    incoming: Incoming = field(default_factory=Incoming)
    heard_s: float = 0.0

    @property
    def is_over(self) -> bool:
        """Whether nothing more is waited for."""
        return self.status in FINAL | {"offline", "silent"}

    @property
    def why(self) -> str:
        """Why it was not done, on one line."""
        return ": ".join(filter(None, (self.code, self.detail)))

    def document(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return {
            "store": self.agent.topics.store,
            "agent": self.agent.topics.agent,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "result": self.result,
            "file": str(self.file) if self.file else None,
        }


class Asking:
    """One question on its way. ``answers``: by agent; ``folder``: where files go."""

    def __init__(self, question: Question, agents: Iterable[Agent], folder: Path) -> None:
        """Agents that are not online are not asked: a command that nobody receives is gone."""
        self.answers = {agent.topics: _first(agent) for agent in agents}
        self._question = question
        self._folder = folder
        self._sent: dict[Topics, str] = {}

    def run(self, broker: Broker, signer: Signer, clock: Clock, tell: Callable[[], None] = lambda: None) -> None:
        """Ask, and wait for every answer; ``tell`` is called when one has changed. Raises FleetError, ConfigError."""
        asked = [answer.agent for answer in self.answers.values() if not answer.is_over]
        if not asked:
            return
        now_ms = clock.now().wall_ms
        id_ = uuid7(now_ms)
        expires = datetime.fromtimestamp(now_ms / 1000, UTC) + self._question.expires
        envelopes = {agent.topics: signer.seal(_payload(agent, id_, self._question, expires)) for agent in asked}
        self._sent = {topics: hashlib.sha256(envelope).hexdigest() for topics, envelope in envelopes.items()}
        with broker.listen(_filters(broker.tenant, asked, id_)) as listening:
            broker.publish_all((topics.command, envelope) for topics, envelope in envelopes.items())
            self._heard(asked)
            while any(not answer.is_over for answer in self.answers.values()):
                message = listening.get(0.2)
                if message is not None:
                    self._take(message)
                self._give_up()
                tell()

    def _heard(self, agents: Sequence[Agent]) -> None:
        for agent in agents:
            self.answers[agent.topics].heard_s = time.monotonic()

    def _give_up(self) -> None:
        now = time.monotonic()
        for answer in self.answers.values():
            limit = self._question.answer_s if answer.status == "sent" else self._question.patience_s
            if not answer.is_over and now - answer.heard_s > limit:
                answer.status, answer.detail = "silent", f"no answer for {limit:.0f} s"

    def _take(self, message: Message) -> None:
        found = parse_root(message.topic)
        answer = self.answers.get(found[0]) if found else None
        if found is None or answer is None or answer.is_over:
            return
        try:
            reply = msgspec.json.decode(message.payload, type=Reply)
        except UNREADABLE:
            return
        if reply.id == UNVERIFIED and (reply.result or {}).get("sha256") != self._sent.get(found[0]):
            return  # somebody else's
        answer.heard_s = time.monotonic()
        if reply.chunk is not None:
            self._piece(answer, reply)
            return
        answer.status, answer.code, answer.detail = reply.status, reply.code, reply.detail
        answer.progress, answer.result = reply.progress or answer.progress, reply.result
        if reply.status == "done":
            self._done(answer)

    def _piece(self, answer: Answer, reply: Reply) -> None:
        assert reply.chunk is not None
        answer.status = "progress"
        try:
            answer.incoming.take(reply.chunk)
        except AgentError as error:
            answer.status, answer.code, answer.detail = "failed", "damaged", str(error)
        answer.progress, answer.detail = answer.incoming.share, answer.detail or reply.chunk.name

    def _done(self, answer: Answer) -> None:
        answer.progress = 1.0
        if not answer.incoming.has_begun:
            return
        topics = answer.agent.topics
        try:
            answer.file = answer.incoming.save(self._folder, f"{topics.store}-{topics.agent}")
        except ConfigError:
            raise
        except AgentError as error:
            answer.status, answer.code, answer.detail = "failed", "damaged", str(error)


def arguments_of(pairs: Sequence[str]) -> dict[str, Any]:
    """Return ``key=value …`` as a command takes it: JSON where a value is, else text. Raises ConfigError."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise ConfigError(f"{pair!r}: write key=value; a value is JSON, or else text")
        if key in found:
            raise ConfigError(f"{key} is given twice")
        try:
            found[key] = msgspec.json.decode(value)
        except UNREADABLE:
            found[key] = value
    return found


def _first(agent: Agent) -> Answer:
    if agent.is_online:
        return Answer(agent)
    return Answer(agent, "offline", detail=f"is {agent.standing}: nothing was asked, commands do not wait for a store")


def _payload(agent: Agent, id_: str, question: Question, expires: datetime) -> bytes:
    topics = agent.topics
    command = Command(
        type="command",
        target=Target(topics.tenant, topics.store, topics.agent),
        id=id_,
        name=question.name,
        arguments=dict(question.arguments),
        expires=expires,
        boot_id=agent.boot_id,  # an agent whose clock is unsynced takes no other
    )
    return msgspec.json.encode(command)


def _filters(tenant: str, agents: Sequence[Agent], id_: str) -> list[str]:
    return [f"{root}/reply/{name}" for root in roots(tenant, agents) for name in (id_, UNVERIFIED)]
