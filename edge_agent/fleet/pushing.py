"""push-config and diff: show what would change, ask, push, and wait for what becomes of it."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from rich.prompt import Confirm

from edge_agent.clock import Clock
from edge_agent.contract.remote import DAY_SECONDS, TRIAL_SECONDS, ConfigId
from edge_agent.contract.topics import Topics
from edge_agent.errors import AgentError, ConfigError
from edge_agent.fields import Duration
from edge_agent.fleet import agents, keys, progress, pushes, settings, store_file, telling
from edge_agent.fleet.agents import Agent
from edge_agent.fleet.broker import Broker, connected
from edge_agent.fleet.errors import FailedError
from edge_agent.fleet.keys import Signer
from edge_agent.fleet.live import Live, live
from edge_agent.fleet.progress import Progress
from edge_agent.fleet.settings import Options
from edge_agent.fleet.store_file import Table
from edge_agent.fleet.survey import Change, survey
from edge_agent.fleet.terminal import err, note

EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells count
TICK_S = 1.0  # how often it is looked whether somebody's patience is at its end

_duration: TypeAdapter[timedelta] = TypeAdapter(Duration)


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a config is pushed. ``patience_s``: as in ``progress``."""

    trial_seconds: int = TRIAL_SECONDS
    expires: timedelta = timedelta(days=7)
    patience_s: float = progress.PATIENCE_S


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be pushed where: FILE, ``--values`` and ``--stores`` as they were given."""

    file: Path
    values: Path | None
    stores: str


def duration(text: str, option: str) -> timedelta:
    """Return ``30m`` as a duration. Raises ConfigError."""
    try:
        found = _duration.validate_python(text)
    except (ValidationError, OverflowError):
        raise ConfigError(f'{option} {text}: a whole number and a unit: "30s", "5m", "4h", "7d"') from None
    return found


def terms(trial: str, expires: str, patience: str) -> Terms:
    """Return the terms as options say them. Raises ConfigError."""
    trial_seconds = int(duration(trial, "--trial").total_seconds())
    if not 1 <= trial_seconds <= DAY_SECONDS:
        raise ConfigError(f"--trial {trial}: 1s to 1d")
    until = duration(expires, "--expires")
    if not timedelta(minutes=1) <= until <= timedelta(days=366):
        raise ConfigError(f"--expires {expires}: 1m to 366d")
    return Terms(trial_seconds, until, duration(patience, "--patience").total_seconds())


def changes(broker: Broker, signer: Signer | None, source: Source, clock: Clock) -> list[Change]:
    """Return what FILE would change at each agent that is meant, all of them valid.

    Raises ConfigError with everything that is wrong with FILE for any of them, FleetError.
    """
    wanted = agents.patterns(source.stores)
    document = store_file.load(source.file, source.values)
    found = agents.chosen(agents.gather(broker, wanted, pushed=True), wanted)
    if not found:
        raise ConfigError("nobody has heard of any store (edge-fleet status shows which stores there are)")
    tables = store_file.filled(document, (agent.topics for agent in found))
    return survey(broker, signer, tables, found, clock)


def prepared(config: Table, agent: Agent, signer: Signer, terms: Terms, clock: Clock) -> tuple[bytes, ConfigId]:
    """Return the envelope to publish, and what the push will be known as. ``agent``: as it is known now.

    Raises ConfigError where it is too large, FailedError where there is no version left.
    """
    expires = datetime.fromtimestamp(clock.now().wall_ms // 1000, UTC) + terms.expires
    try:
        version = pushes.next_version(agent.reported, agent.pushed)
    except AgentError as error:
        raise FailedError(f"{agent.name}: {error}") from None
    payload, push = pushes.encode(agent.topics, version, expires, terms.trial_seconds, config)
    return signer.seal(payload), push


def push_config(
    options: Options, source: Source, terms: Terms, *, dry_run: bool, yes: bool, wait: bool, as_json: bool
) -> None:
    """``push-config``. Raises ConfigError, FleetError; FailedError where an agent did not keep it."""
    found = settings.load(options)
    signer = keys.signer_of(found) if not dry_run or found.key_file else None
    clock = Clock()
    with connected(found) as broker:
        planned = changes(broker, signer, source, clock)
        if dry_run or not as_json:
            telling.plan(planned, as_json=as_json)
        wanted = [change for change in planned if not change.is_none]
        if dry_run or signer is None:
            return
        confirm(wanted, yes=yes)
        progresses = _pushed(broker, signer, wanted, terms, clock, wait=wait)
    telling.result(planned, progresses, as_json=as_json)
    if failed := [agent for agent, one in progresses.items() if one.failed]:
        raise FailedError(f"{len(failed)} of {len(progresses)} did not keep it")


def diff(options: Options, source: Source, *, as_json: bool) -> bool:
    """``diff``: tell whether FILE differs from what runs. Raises ConfigError, FleetError."""
    found = settings.load(options)
    with connected(found) as broker:
        planned = changes(broker, keys.signer_of(found) if found.key_file else None, source, Clock())
    if unknown := [change.agent.name for change in planned if change.running is None]:
        why = "it is offline, or your key may not ask it (role command)"
        raise ConfigError(f"{', '.join(unknown)}: nobody can tell what runs there: {why}")
    telling.plan(planned, as_json=as_json)
    return any(not change.is_none for change in planned)


def confirm(wanted: Sequence[Change], *, yes: bool, question: str = "Push to {count} agents?") -> None:
    """Ask before more than one agent is changed. Raises ConfigError where nobody says yes."""
    if yes or len(wanted) <= 1:
        return
    if not sys.stdin.isatty():
        raise ConfigError(f"this changes {len(wanted)} agents and nobody is there to ask: say --yes")
    if not Confirm.ask(question.format(count=len(wanted)), console=err, default=False):
        raise ConfigError("nothing was pushed")


def _pushed(
    broker: Broker, signer: Signer, wanted: Sequence[Change], terms: Terms, clock: Clock, *, wait: bool
) -> dict[Topics, Progress]:
    now_ms = clock.now().wall_ms
    progresses: dict[Topics, Progress] = {}
    messages: list[tuple[str, bytes]] = []
    # All are signed before the first is sent: one that is too large stops them all.
    for change in wanted:
        envelope, push = prepared(change.config, change.agent, signer, terms, clock)
        messages.append((change.agent.topics.config, envelope))
        progresses[change.agent.topics] = progress.begun(push, change.agent, now_ms)
    with ExitStack() as stack:
        watched = stack.enter_context(live(broker, [change.agent for change in wanted])) if wait and wanted else None
        broker.publish_all(messages, retain=True)
        if watched:
            try:
                with telling.following(len(progresses)) as tell:
                    _follow(watched, progresses, terms, clock, tell)
            except KeyboardInterrupt:
                note("what was pushed stays pushed; edge-fleet status shows what becomes of it")
                raise SystemExit(EXIT_INTERRUPTED) from None
    return progresses


def _follow(watched: Live, progresses: dict[Topics, Progress], terms: Terms, clock: Clock, tell: telling.Tell) -> None:
    """Wait until something has become of every push, or nothing will before its agent comes back."""
    while True:
        watched.wait(TICK_S)
        now_ms = clock.now().wall_ms
        _observe(watched.agents, progresses, terms, now_ms)
        tell(progresses)
        if all(one.settled or one.online_ms is None for one in progresses.values()):
            return


def _observe(known: Mapping[Topics, Agent], progresses: dict[Topics, Progress], terms: Terms, now_ms: int) -> None:
    for topics, was in progresses.items():
        progresses[topics] = progress.observed(was, known[topics], now_ms, terms.trial_seconds, terms.patience_s)
