"""How a push gets on at one agent: by what it reports, and by whether it stays there and well."""

from dataclasses import dataclass, replace
from typing import Literal

from edge_agent.contract.remote import ConfigId, Reported
from edge_agent.fleet import pushes
from edge_agent.fleet.agents import Agent

Standing = Literal[
    "pending", "running", "committed", "superseded", "rejected", "rolled_back", "worse", "lost", "silent"
]

FAILED: frozenset[Standing] = frozenset({"rejected", "rolled_back", "worse", "lost", "silent"})

# How long a store may be lost, worse or silent before that is a failure: five of the longest pauses an agent makes
# before it connects again (60 s), and the time within which it tells its health anew (5 min).
PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Progress:
    """A push that was published. Times are Unix milliseconds at this terminal.

    ``status``: as an ``Outcome``'s, or ``worse`` (committed, and then needs action, which it did not before),
    ``lost`` (was online with it, and is gone without a word), ``silent`` (online, and does not come to an end).
    ``since_ms``: since when it is so. ``level``: of its health before. ``online_ms``: since when it is online, or was
    last; None: never since the push. ``gone_ms``, ``worse_ms``: since when it is away, or worse; None: it is not.
    ``is_lost``: it is away without having said so. ``reported_at``: of what it reported before.
    """

    push: ConfigId
    status: Standing
    since_ms: int
    level: str | None = None
    phase: str | None = None
    code: str | None = None
    detail: str | None = None
    online_ms: int | None = None
    gone_ms: int | None = None
    worse_ms: int | None = None
    is_lost: bool = False
    reported_at: str | None = None

    @property
    def failed(self) -> bool:
        """Whether it counts against the push; it stays so."""
        return self.status in FAILED

    @property
    def settled(self) -> bool:
        """Whether it was kept, or not, or makes no difference any more."""
        return self.failed or self.status in {"committed", "superseded"}

    @property
    def is_pending_offline(self) -> bool:
        """Whether nothing can be said before the agent comes back."""
        return self.status in {"pending", "running"} and (self.online_ms is None or self.gone_ms is not None)

    @property
    def is_ailing(self) -> bool:
        """Whether it may yet turn out a failure."""
        is_gone = self.gone_ms is not None and self.is_lost
        return not self.failed and self.status != "superseded" and (self.worse_ms is not None or is_gone)


def begun(push: ConfigId, agent: Agent, now_ms: int) -> Progress:
    """Return how things stand when a push is about to be published."""
    level = agent.health.level if agent.health else None
    online_ms = now_ms if agent.is_online else None
    reported_at = agent.reported.at if agent.reported else None
    return Progress(push, "pending", now_ms, level=level, online_ms=online_ms, reported_at=reported_at)


def observed(was: Progress, agent: Agent, now_ms: int, trial_seconds: int, patience_s: float = PATIENCE_S) -> Progress:
    """Return how things stand by what is known of the agent now. A failure, once it is one, stays."""
    if was.failed or was.status == "superseded":
        return was
    now = _presence(_outcome(was, agent, now_ms), agent, now_ms)
    if now.failed or now.status == "superseded":
        return now
    patience_ms = int(patience_s * 1000)
    if now.gone_ms is not None and now.is_lost and now_ms - now.gone_ms > patience_ms:
        return replace(now, status="lost", since_ms=now_ms, code="lost", detail="went away with the new config")
    if now.worse_ms is not None and now_ms - now.worse_ms > patience_ms:
        return replace(now, status="worse", since_ms=now_ms, code="worse", detail=_headline(agent))
    if now.status in {"pending", "running"} and now.online_ms is not None and now.gone_ms is None:
        limit_ms = (trial_seconds * 1000 if now.status == "running" else 0) + patience_ms
        if now_ms - max(now.since_ms, now.online_ms) > limit_ms:
            return replace(now, status="silent", since_ms=now_ms, code="silent", detail="is online and does not answer")
    return now


def _outcome(was: Progress, agent: Agent, now_ms: int) -> Progress:
    said = agent.reported
    outcome = pushes.outcome(was.push, said)
    if said and said.at != was.reported_at and _names_none(said):
        outcome = pushes.Outcome("rejected", said.phase, said.code, said.detail)
    if (outcome.status, outcome.phase) == (was.status, was.phase):
        return was
    return replace(
        was,
        status=outcome.status,
        since_ms=now_ms,
        phase=outcome.phase,
        code=outcome.code,
        detail=outcome.detail,
    )


def _names_none(said: Reported) -> bool:
    """Whether the agent cannot believe what lies on its topic now: who has signed it, that it is the one meant."""
    return said.phase == "rejected" and said.desired.version is None


def _presence(was: Progress, agent: Agent, now_ms: int) -> Progress:
    online_ms, gone_ms, worse_ms = was.online_ms, was.gone_ms, was.worse_ms
    if agent.is_online:
        online_ms = now_ms if online_ms is None or gone_ms is not None else online_ms
        gone_ms = None
    elif online_ms is not None and gone_ms is None:
        gone_ms = now_ms
    # A box that was told to stop (the shop closes) has not failed; and what needed action before is not made worse.
    is_worse = (
        was.status == "committed"
        and was.level in {"ok", "attention"}
        and agent.is_online
        and agent.health is not None
        and agent.health.level == "action"
    )
    worse_ms = (worse_ms if worse_ms is not None else now_ms) if is_worse else None
    now = replace(was, online_ms=online_ms, gone_ms=gone_ms, worse_ms=worse_ms, is_lost=agent.standing == "lost")
    return was if now == was else now


def _headline(agent: Agent) -> str:
    if agent.health is None:
        return "needs action"
    return "; ".join([*agent.health.steps[:1]]) or agent.health.headline or "needs action"
