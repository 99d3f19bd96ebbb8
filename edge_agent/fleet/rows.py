"""One line for each agent: what an operator looks for first, worst first."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edge_agent.fleet.agents import Agent

_BAD = ("lost", "action", "unreadable", "attention", "stopping", "unknown")  # worst first; then those that are well


@dataclass(frozen=True, slots=True)
class Row:
    """An agent at a glance; None, empty: not known. ``level``: of its last health document, however old.

    ``config``: version, phase and code of its store config. ``unreadable``: its topics whose message makes no sense.
    """

    store: str
    agent: str
    name: str
    state: str
    since: str | None
    level: str
    headline: str
    version: str | None
    config: Mapping[str, int | str | None]
    waiting: int | None
    oldest_waiting_seconds: int | None
    devices: int
    devices_down: tuple[str, ...]
    day_proof: str | None
    unreadable: tuple[str, ...]

    @property
    def trouble(self) -> str:
        """What counts most: ``lost`` ``action`` ``unreadable`` ``attention`` ``stopping`` ``unknown`` or ``ok``."""
        marks = {self.state, self.level, "unreadable" if self.unreadable else "ok"}
        return next((mark for mark in _BAD if mark in marks), "ok")

    @property
    def is_problem(self) -> bool:
        """Whether somebody has to do something."""
        return self.trouble in {"lost", "action", "unreadable"}

    def document(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return asdict(self)


def rows(agents: Iterable[Agent], language: str) -> list[Row]:
    """Return a row for each agent, worst first, then by name."""
    return sorted(
        (row(agent, language) for agent in agents), key=lambda one: (_rank(one.trouble), one.store, one.agent)
    )


def row(agent: Agent, language: str) -> Row:
    """Return the row of an agent; ``language``: of its headline."""
    health, reported = agent.health, agent.reported
    proof = health.today.day_proof if health else None
    return Row(
        store=agent.topics.store,
        agent=agent.topics.agent,
        name=health.store.name if health else "",
        state=agent.standing,
        since=agent.state.since if agent.state else None,
        level=health.level if health else "unknown",
        headline=health.said(language).headline if health else "",
        version=agent.version,
        config={
            "version": reported.running.version if reported else None,
            "phase": reported.phase if reported else None,
            "code": reported.code if reported else None,
        },
        waiting=health.sync.waiting if health else None,
        oldest_waiting_seconds=health.sync.oldest_waiting_seconds if health else None,
        devices=len(health.devices) if health else 0,
        devices_down=tuple(device.id for device in health.devices_down) if health else (),
        day_proof=proof.state if proof else None,
        unreadable=agent.unreadable,
    )


@dataclass(frozen=True, slots=True)
class Only:
    """Which rows are wanted; empty: all."""

    levels: frozenset[str] = frozenset()
    versions: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()

    def takes(self, one: Row) -> bool:
        """Tell whether a row is wanted."""
        return (
            (not self.levels or one.level in self.levels)
            and (not self.versions or one.version in self.versions)
            and (not self.states or one.state in self.states)
        )


def summary(all_rows: Iterable[Row]) -> str:
    """Return how many there are of each, in a line."""
    found = list(all_rows)
    states, levels = Counter(one.state for one in found), Counter(one.level for one in found)
    stores = len({one.store for one in found})
    parts = [f"{stores} {'store' if stores == 1 else 'stores'}", f"{states['online']} online", f"{states['lost']} lost"]
    parts += [f"{count} {state}" for state, count in sorted(states.items()) if state not in {"online", "lost"}]
    parts += [f"{levels[level]} {level}" for level in ("action", "attention") if levels[level]]
    garbage = sum(bool(one.unreadable) for one in found)
    return ", ".join([*parts, *([f"{garbage} unreadable"] if garbage else [])])


def _rank(trouble: str) -> int:
    return _BAD.index(trouble) if trouble in _BAD else len(_BAD)
