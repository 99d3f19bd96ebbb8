"""rollout, rollouts, pause, resume, abort."""

import hashlib
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from edge_agent.clock import Clock
from edge_agent.contract.topics import Topics
from edge_agent.errors import ConfigError
from edge_agent.fleet import keys, settings
from edge_agent.fleet.agents import Agent, gather
from edge_agent.fleet.broker import Broker, connected
from edge_agent.fleet.errors import FailedError, FleetError
from edge_agent.fleet.live import online
from edge_agent.fleet.pushing import EXIT_INTERRUPTED, Source, Terms, changes, confirm, prepared
from edge_agent.fleet.rollouts import book, rings, telling
from edge_agent.fleet.rollouts.book import OPEN, Book, Member, Rollout, Rules
from edge_agent.fleet.rollouts.driving import Tools, drive
from edge_agent.fleet.settings import Options
from edge_agent.fleet.survey import Change
from edge_agent.fleet.telling import plan
from edge_agent.fleet.terminal import note

_ABORT_S = 60.0  # for the process that drives it: it looks once a second


def begin(
    options: Options, file: Path, source: Source, terms: Terms, rules: Rules, *, yes: bool, as_json: bool
) -> None:
    """``rollout``. Raises ConfigError, FleetError; FailedError where it stopped or was aborted."""
    found = settings.load(options)
    signer = keys.signer_of(found)
    clock = Clock()
    with book.opened(file) as kept, connected(found) as broker:
        planned = changes(broker, signer, source, clock)
        _refuse_overlap(kept, planned)
        for change in planned:  # one that is too large is told now, not in the last ring
            prepared(change.config, change.agent, signer, terms, clock)
        if not as_json:
            plan(planned, as_json=False)
        wanted = [change for change in planned if not change.is_none]
        if not wanted:
            note("nothing to change anywhere")
            return
        confirm(wanted, yes=yes, question="Roll out to {count} agents, ring by ring?")
        rollout = _written(kept, planned, source, rules, clock, broker.tenant)
        note(f"rollout {rollout.id}: if this terminal dies, go on with: edge-fleet resume {rollout.id}")
        with kept.driving(rollout.id):
            agents = [change.agent for change in planned]
            _run(Tools(broker, signer, kept, clock), rollout, agents, as_json=as_json)


def resume(options: Options, file: Path, rollout_id: str | None, *, as_json: bool) -> None:
    """``resume``: let a paused rollout go on, and drive it where no other process does. As ``begin``."""
    with book.opened(file) as kept:
        rollout = kept.rollout(rollout_id) if rollout_id else _only(kept)
        if rollout.state not in OPEN:
            raise ConfigError(f"rollout {rollout.id} is {rollout.state}; begin another: what is well is left alone")
        with kept.driving(rollout.id) as is_ours:
            if kept.turn(rollout.id, "running", of=("paused",)) and not is_ours:
                note(f"rollout {rollout.id} goes on, in the terminal that drives it")
                return
            if not is_ours:
                raise ConfigError(f"rollout {rollout.id} is driven by another process already")
            _take_over(options, kept, rollout, as_json=as_json)


def pause(file: Path, rollout_id: str) -> None:
    """``pause``: push nothing more for now. What is on trial goes on. Raises ConfigError."""
    with book.opened(file) as kept:
        rollout = kept.rollout(rollout_id)
        if not kept.turn(rollout_id, "paused", of=("running",)):
            raise ConfigError(f"rollout {rollout_id} is {rollout.state}, not running")
    note(f"rollout {rollout_id} is paused; go on with: edge-fleet resume {rollout_id}")


def abort(options: Options, file: Path, rollout_id: str) -> None:
    """``abort``: push nothing more, and take back what nobody has taken up. Raises ConfigError, FleetError."""
    with book.opened(file) as kept:
        rollout = kept.rollout(rollout_id)
        if not kept.turn(rollout_id, "aborting", "by an operator", of=("running", "paused", "aborting")):
            raise ConfigError(f"rollout {rollout_id} is {rollout.state} already")
        deadline = time.monotonic() + _ABORT_S
        while kept.rollout(rollout_id).state == "aborting":
            with kept.driving(rollout_id) as is_ours:
                if is_ours:
                    found = settings.load(options)
                    with connected(found) as broker:
                        tools = Tools(broker, keys.signer_of(found), kept, Clock())
                        drive(tools, rollout_id, _agents(broker, kept, rollout), lambda *_: None)
            if time.monotonic() > deadline:
                raise FailedError(
                    f"the process that drives rollout {rollout_id} does not answer; end it, and abort again"
                )
            time.sleep(0.2)
        after = kept.rollout(rollout_id)
        telling.ended(after, kept.members(after), as_json=False)


def show(file: Path, *, as_json: bool) -> None:
    """``rollouts``. Raises ConfigError."""
    with book.opened(file) as kept:
        rows = []
        for rollout in kept.rollouts():
            with kept.driving(rollout.id) as is_free:
                rows.append((rollout, kept.members(rollout), not is_free))
        telling.listed(rows, as_json=as_json)


def _take_over(options: Options, kept: Book, rollout: Rollout, *, as_json: bool) -> None:
    found = settings.load(options)
    if found.tenant != rollout.tenant:
        raise ConfigError(f"rollout {rollout.id} is of tenant {rollout.tenant}, not {found.tenant}")
    signer = keys.signer_of(found)
    with connected(found) as broker:
        tools = Tools(broker, signer, kept, Clock())
        _run(tools, rollout, _agents(broker, kept, rollout), as_json=as_json)


def _run(tools: Tools, rollout: Rollout, agents: Sequence[Agent], *, as_json: bool) -> None:
    try:
        with telling.following(rollout, len(agents), as_json=as_json) as tell:
            after = drive(tools, rollout.id, agents, tell)
    except KeyboardInterrupt:
        note(f"rollout {rollout.id} rests; what is on trial goes on. Go on with: edge-fleet resume {rollout.id}")
        raise SystemExit(EXIT_INTERRUPTED) from None
    except FleetError:
        note(f"rollout {rollout.id} rests. Once the broker is back, go on with: edge-fleet resume {rollout.id}")
        raise
    telling.ended(after, tools.book.members(after), as_json=as_json)
    if after.state != "done":
        raise FailedError(f"rollout {after.id} {after.state}")


def _agents(broker: Broker, kept: Book, rollout: Rollout) -> list[Agent]:
    """Return the members as they are now; of one that has left nothing at the broker, no more than its name."""
    topics = [member.topics for member in kept.members(rollout)]
    found = gather(broker, [one.store for one in topics], pushed=True)
    known = {agent.topics: agent for agent in found}
    return [known.get(one) or Agent(one) for one in topics]


def _written(kept: Book, planned: Sequence[Change], source: Source, rules: Rules, clock: Clock, tenant: str) -> Rollout:
    now = datetime.fromtimestamp(clock.now().wall_ms // 1000, UTC)
    rollout = Rollout(
        id=f"{now:%Y%m%d}-{secrets.token_hex(2)}",
        tenant=tenant,
        file=str(source.file.absolute()),
        file_sha256=hashlib.sha256(source.file.read_bytes()).hexdigest(),
        rules=rules,
        state="running",
        ring=0,
        detail="",
        created_at=now.isoformat(),
    )
    by_topics = {change.agent.topics: change for change in planned}
    # Rings are shares of those that change; the others are there already.
    new = [topics for topics, change in by_topics.items() if not change.is_none]
    placed = rings.assign(new, rings.parse(rules.rings), rollout.id, online(change.agent for change in planned))
    same = {topics: 0 for topics, change in by_topics.items() if change.is_none}
    members = [Member(topics, ring, is_unchanged=topics in same) for topics, ring in {**placed, **same}.items()]
    kept.begin(rollout, members, {topics: change.config for topics, change in by_topics.items()})
    return rollout


def _refuse_overlap(kept: Book, planned: Sequence[Change]) -> None:
    """Two rollouts at once would each undo the other's stores."""
    wanted: set[Topics] = {change.agent.topics for change in planned}
    for rollout in kept.rollouts():
        if rollout.state in OPEN and wanted & {member.topics for member in kept.members(rollout)}:
            raise ConfigError(
                f"rollout {rollout.id} is {rollout.state} at some of these stores: resume or abort it first"
            )


def _only(kept: Book) -> Rollout:
    found = [rollout for rollout in kept.rollouts() if rollout.state in OPEN]
    if len(found) != 1:
        what = ", ".join(rollout.id for rollout in found) or "none is open"
        raise ConfigError(f"which rollout? ({what})")
    return found[0]
