"""`command` and `logs`: what an operator asks of stores, and how the answers are shown."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from edge_agent.clock import Clock
from edge_agent.errors import ConfigError
from edge_agent.fleet import agents, keys, settings
from edge_agent.fleet.agents import Agent
from edge_agent.fleet.asking import Answer, Asking, Question
from edge_agent.fleet.broker import Broker, connected
from edge_agent.fleet.keys import Signer
from edge_agent.fleet.settings import Options
from edge_agent.fleet.terminal import err, line, note, plain, print_json

_BARS = 10  # stores that have a bar of their own
FOLLOW_S = 3.0
MOST_AT_ONCE = 200  # lines since the last time
LOG_EXPIRES = timedelta(minutes=1)  # a box remembers a command for so long
LEVELS = ("debug", "info", "warning", "error")


def command(options: Options, stores: str, question: Question, folder: Path, *, as_json: bool) -> bool:
    """Ask some stores and print what they answer; return whether all did it. Raises ConfigError, FleetError."""
    fleet = settings.load(options)
    signer = keys.signer_of(fleet)
    wanted = agents.patterns(stores)
    with connected(fleet) as broker:
        found = agents.chosen(agents.gather(broker, wanted), wanted)
        answers = _ask(broker, signer, found, question, folder)
    for answer in answers:
        if as_json:
            print_json(answer.document())
        else:
            _show(answer, several=len(answers) > 1)
    return all(answer.status == "done" for answer in answers)


@dataclass(frozen=True, slots=True)
class LogsWanted:
    """Which lines. ``since``: how far back; None: the newest ones, however old."""

    since: timedelta | None
    level: str
    limit: int

    @property
    def arguments(self) -> dict[str, Any]:
        """What the command ``log`` takes."""
        since = {} if self.since is None else {"since": round(self.since.total_seconds())}
        return {**since, "level": self.level, "limit": self.limit}


def logs(options: Options, store: str, wanted: LogsWanted, *, follow: bool, as_json: bool) -> bool:
    """Print what a store's agent has logged; ``follow``: and what it goes on to log. Returns whether it answered."""
    if wanted.level not in LEVELS:
        raise ConfigError(f"--level {wanted.level} (allowed: {', '.join(LEVELS)})")
    fleet = settings.load(options)
    signer = keys.signer_of(fleet)
    with connected(fleet) as broker:
        tail = _Tail(broker, signer, store, wanted)
        if not follow:
            return tail.show(as_json=as_json)
        while True:
            tail.show(as_json=as_json)
            sys.stdout.flush()
            time.sleep(FOLLOW_S)


class _Tail:
    """The end of a store's log, a piece at a time."""

    def __init__(self, broker: Broker, signer: Signer, store: str, wanted: LogsWanted) -> None:
        self._broker = broker
        self._signer = signer
        self._store = store
        self._arguments = wanted.arguments
        self._seen: set[bytes] = set()
        self._trouble = ""

    def show(self, *, as_json: bool) -> bool:
        """Print the lines that are new; return whether the store has answered. Raises ConfigError, FleetError."""
        # Looked up each time: it may have gone, or run in another boot.
        agent = _one(agents.chosen(agents.gather(self._broker, [self._store]), [self._store]), self._store)
        question = Question("log", self._arguments, expires=LOG_EXPIRES)
        (answer,) = _ask(self._broker, self._signer, [agent], question, Path())
        trouble = "" if answer.status == "done" else f"{answer.agent.name}: {answer.status}: {plain(answer.why)}"
        if trouble and trouble != self._trouble:
            note(trouble)
        self._trouble = trouble
        is_first = not self._seen
        newest = [one for one in _lines(answer.result or {}) if _identity(one) not in self._seen]
        for one in newest:
            # That it was asked for its log would be all that a quiet store has to say.
            if is_first or one.get("name") != "log":
                print_json(one) if as_json else line(readable(one))
        if newest:
            # What was logged in the same instant as the last line comes again, and is known by then.
            self._seen = {_identity(one) for one in newest}
            limit = max(self._arguments["limit"], MOST_AT_ONCE)
            self._arguments = {**self._arguments, "since": newest[-1].get("timestamp"), "limit": limit}
        if is_first and (answer.result or {}).get("truncated"):
            note("there is more: give --limit or --since")
        return not trouble


def readable(one: Mapping[str, Any]) -> str:
    """Return a line of a log for a person: time, level, event and the rest as ``key=value``."""
    head = [str(one.get("timestamp", ""))[:23], f"{one.get('level', ''):7}", str(one.get("event", ""))]
    rest = [f"{key}={_value(value)}" for key, value in one.items() if key not in {"timestamp", "level", "event"}]
    return plain("  ".join([*head[:2], " ".join([head[2], *rest])]))


def _ask(broker: Broker, signer: Signer, found: Sequence[Agent], question: Question, folder: Path) -> list[Answer]:
    asking = Asking(question, found, folder)
    with _bars(asking, question.name) as tell:
        asking.run(broker, signer, Clock(), tell)
    return list(asking.answers.values())


@contextmanager
def _bars(asking: Asking, name: str) -> Iterator[Any]:
    """Give what redraws the bars: one for each store while they are few, else one for all."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        few = list(asking.answers.values()) if len(asking.answers) <= _BARS else []
        bars = [(answer, progress.add_task(answer.agent.name, total=1.0)) for answer in few]
        every = progress.add_task(name, total=len(asking.answers)) if not few else None

        def tell() -> None:
            for answer, bar in bars:
                said = plain(" ".join(filter(None, (answer.agent.name, answer.status, answer.detail))))[:60]
                progress.update(bar, completed=answer.progress, description=said)
            if every is not None:
                progress.update(every, completed=sum(answer.is_over for answer in asking.answers.values()))

        yield tell


def _show(answer: Answer, *, several: bool) -> None:
    prefix = f"{answer.agent.name}: " if several else ""
    if answer.status != "done":
        line(plain(f"{answer.agent.name}: {answer.status}: {answer.why}"))
        return
    if answer.file:
        line(f"{prefix}{answer.file}")
    if answer.result:
        text = msgspec.json.format(msgspec.json.encode(answer.result), indent=0 if several else 2).decode()
        line(prefix + "\n".join(plain(part) for part in text.split("\n")))
    elif not answer.file:
        line(f"{prefix}done")


def _one(found: Sequence[Agent], store: str) -> Agent:
    if len(found) != 1:
        names = ", ".join(agent.name for agent in found[:10])
        raise ConfigError(f"{store} means several agents: name one of {names}")
    return found[0]


def _lines(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    found = result.get("lines")
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            yield one


def _identity(one: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(one)


def _value(value: Any) -> str:
    return value if isinstance(value, str) and " " not in value else msgspec.json.encode(value).decode()
