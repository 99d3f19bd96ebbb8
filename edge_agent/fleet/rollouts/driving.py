"""Drive a rollout: watch its stores, and do what comes next, until it is done, stopped or aborted.

Everything is written into the book before it is done, so that a process that dies anywhere is gone on from: a push
that may or may not have reached the broker is published again, byte for byte, which an agent that has it ignores.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from edge_agent.clock import Clock
from edge_agent.contract.topics import Topics
from edge_agent.fleet import progress, pushes
from edge_agent.fleet.agents import Agent
from edge_agent.fleet.broker import Broker
from edge_agent.fleet.keys import Signer
from edge_agent.fleet.live import Live, live
from edge_agent.fleet.pushing import TICK_S, Terms, prepared
from edge_agent.fleet.rollouts.book import Book, Member, Rollout, State
from edge_agent.fleet.rollouts.judging import Decision, Done, Enter, Push, Stop, Wait, decide

# How long an online agent is given to say a word of its push. After that it is published again (a broker that was
# killed may have lost it), and where the rollout has stopped it is taken back.
WORD_MS = 10_000

# Told after each look: the rollout, its members, and what comes next (None: it is closing).
Tell = Callable[[Rollout, Sequence[Member], Decision | None], None]


@dataclass(frozen=True, slots=True)
class Tools:
    """What a rollout is driven with."""

    broker: Broker
    signer: Signer
    book: Book
    clock: Clock


def drive(tools: Tools, rollout_id: str, agents: Sequence[Agent], tell: Tell) -> Rollout:
    """Drive a rollout to its end and return how it ended. ``agents``: as they are now, all of its members.

    Raises FleetError where the broker is gone for longer than a connection takes to come back.
    """
    rollout = tools.book.rollout(rollout_id)
    with live(tools.broker, agents) as watched:
        return _Drive(tools, watched, rollout, tell).run()


class _Drive:
    def __init__(self, tools: Tools, watched: Live, rollout: Rollout, tell: Tell) -> None:
        self._tools = tools
        self._live = watched
        self._rollout = rollout
        self._tell = tell
        self._members = {member.topics: member for member in tools.book.members(rollout)}
        rules = rollout.rules
        self._terms = Terms(rules.trial_s, timedelta(seconds=rules.expires_s), rules.patience_s)
        self._pause_s = TICK_S
        self._again_ms: int | None = None  # None: not yet by this process

    def run(self) -> Rollout:
        while True:
            self._look()
            self._rollout = self._tools.book.rollout(self._rollout.id)
            match self._rollout.state:
                case "running" | "paused":
                    self._step()
                case "stopping":
                    self._close("stopped")
                case "aborting":
                    self._close("aborted")
                case _:
                    return self._rollout
            self._live.wait(self._pause_s)

    @property
    def _ordered(self) -> Sequence[Member]:
        return tuple(self._members.values())

    @property
    def _now_ms(self) -> int:
        return self._tools.clock.now().wall_ms

    def _step(self) -> None:
        book, rollout = self._tools.book, self._rollout
        is_paused = rollout.state == "paused"
        if not is_paused:
            self._publish_again()
        decision = decide(self._ordered, rollout.ring, rollout.rules, self._now_ms)
        if isinstance(decision, Stop):
            book.turn(rollout.id, "stopping", decision.why, of=("running", "paused"))
        elif is_paused:
            decision = Wait("paused")
        elif isinstance(decision, Push):
            self._push(decision.members)
        elif isinstance(decision, Enter):
            book.enter(rollout.id, decision.ring)
        elif isinstance(decision, Done):
            book.turn(rollout.id, "done", of=("running",))
        self._pause_s = TICK_S if isinstance(decision, Wait) else 0.0
        self._tell(rollout, self._ordered, decision)

    def _look(self) -> None:
        """See how everybody stands, and write down who stands otherwise than before."""
        self._keep(
            replace(member, progress=now)
            for member in self._ordered
            if member.progress and not member.is_withdrawn and (now := self._observed(member)) != member.progress
        )

    def _observed(self, member: Member) -> progress.Progress:
        assert member.progress is not None
        agent = self._live.agents[member.topics]
        rules = self._rollout.rules
        return progress.observed(member.progress, agent, self._now_ms, rules.trial_s, rules.patience_s)

    def _push(self, members: Sequence[Member]) -> None:
        pushed: list[Member] = []
        for member in members:
            agent = self._live.agents[member.topics]
            config = self._tools.book.config(self._rollout.id, member.topics)
            envelope, push = prepared(config, agent, self._tools.signer, self._terms, self._tools.clock)
            begun = progress.begun(push, agent, self._now_ms)
            pushed.append(replace(member, progress=begun, envelope=envelope, before=agent.pushed))
        self._keep(pushed)
        self._publish((member.topics, member.envelope) for member in pushed)

    def _publish_again(self) -> None:
        """Publish what may not have arrived: all that was written down, and later where boxes say nothing."""
        now_ms, is_first = self._now_ms, self._again_ms is None
        if self._again_ms is not None and now_ms - self._again_ms <= WORD_MS:
            return
        self._again_ms = now_ms
        self._publish(
            (member.topics, member.envelope)
            for member in self._ordered
            if (is_first or self._live.agents[member.topics].is_online)
            if _is_open(member) and not self._is_overtaken(member)
        )

    def _close(self, end: State) -> None:
        """Take back what nobody has taken up, then end. What runs on trial decides for itself."""
        pending = [member for member in self._ordered if _is_open(member)]
        now_ms = self._now_ms
        back: list[Member] = []
        for member in pending:
            assert member.progress is not None
            is_online = self._live.agents[member.topics].is_online
            if not is_online or now_ms - member.progress.since_ms > WORD_MS:
                back.append(member)
        self._publish((member.topics, member.before) for member in back if not self._is_overtaken(member))
        self._keep(replace(member, is_withdrawn=True) for member in back)
        if len(back) == len(pending):
            self._pause_s = 0.0
            self._tools.book.turn(self._rollout.id, end, self._rollout.detail, of=("stopping", "aborting"))
            return
        self._pause_s = TICK_S
        self._tell(self._rollout, self._ordered, None)

    def _is_overtaken(self, member: Member) -> bool:
        """Whether somebody else's newer push lies on the agent's topic: that is left alone."""
        assert member.progress is not None
        lying = self._live.agents[member.topics].pushed
        push = pushes.push_in(lying)
        return lying != member.envelope and push is not None and push.version >= member.progress.push.version

    def _publish(self, messages: Iterable[tuple[Topics, bytes]]) -> None:
        self._tools.broker.publish_all(((topics.config, payload) for topics, payload in messages), retain=True)

    def _keep(self, members: Iterable[Member]) -> None:
        changed = list(members)
        self._tools.book.keep(self._rollout.id, changed)
        self._members.update({member.topics: member for member in changed})


def _is_open(member: Member) -> bool:
    """Whether a push was written down that nobody has answered."""
    return bool(member.progress and member.progress.status == "pending" and not member.is_withdrawn)
