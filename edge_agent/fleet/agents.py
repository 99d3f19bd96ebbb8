"""What is known of each agent: what it, and head office, have left at the broker."""

import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from edge_agent.config.document import reason
from edge_agent.contract.messages import UNREADABLE, State
from edge_agent.contract.remote import Reported
from edge_agent.contract.topics import Topics, parse_root
from edge_agent.errors import ConfigError
from edge_agent.fleet.broker import Broker
from edge_agent.fleet.health import Health

EVERY = "all"
_ENDS = ("state", "health", "config/reported")
_PUSHED = "down/config"
FEW = 500  # retained messages that a broker has ready at once: half of what Mosquitto queues by default

_BY_NAME = 50  # agents or stores that are subscribed to by name; more are cheaper as one filter

Known = TypeVar("Known", State, Reported, Health)


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent, by its retained messages; None: there is none, or it is in ``unreadable``.

    ``document``: the health document as it is. ``pushed``: the envelope on ``down/config``, empty where none lies there
    or it was not asked for. ``unreadable``: the topics, behind the root, whose message makes no sense.
    """

    topics: Topics
    state: State | None = None
    health: Health | None = None
    document: dict[str, Any] | None = None
    reported: Reported | None = None
    pushed: bytes = b""
    unreadable: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What an operator calls it: ``sh-0001/pc-1``."""
        return f"{self.topics.store}/{self.topics.agent}"

    @property
    def standing(self) -> str:
        """``online`` ``stopping`` ``lost``, or ``unknown``: it never said so, or nobody can read it."""
        return self.state.state if self.state else "unknown"

    @property
    def is_online(self) -> bool:
        """Whether a command would reach it."""
        return self.standing == "online"

    @property
    def boot_id(self) -> str | None:
        """The boot it runs in, as far as is known."""
        return self.state.boot_id if self.state else None

    @property
    def version(self) -> str | None:
        """The version of its software."""
        return self.state.version if self.state else None


def gather(broker: Broker, stores: Sequence[str] = (EVERY,), *, pushed: bool = False) -> list[Agent]:
    """Return the agents of those stores, by name; none where nobody has heard of one.

    ``stores``: as in ``chosen``; with names alone, nothing else is asked of the broker. ``pushed``: fetch the config
    that lies on ``down/config``, too (up to a megabyte each).
    """
    ends = (*_ENDS, _PUSHED) if pushed else _ENDS
    filters = [f"o2o/1/{broker.tenant}/{store}/+/{end}" for store in _levels(stores) for end in ends]
    found = broker.collect(filters)
    return known({**found, **_held_back(broker, found, ends)}.items())


def _held_back(broker: Broker, found: Mapping[str, bytes], ends: Sequence[str]) -> dict[str, bytes]:
    """Return what the broker dropped of so many messages, asked for by name and few at a time."""
    if len(found) < FEW:
        return {}
    agents = {parsed[0] for topic in found if (parsed := parse_root(topic))}
    missing = [topic for agent in agents for end in ends if (topic := f"{agent.root}/{end}") not in found]
    more: dict[str, bytes] = {}
    for start in range(0, len(missing), FEW):
        more |= broker.collect(missing[start : start + FEW])
    return more


def known(messages: Iterable[tuple[str, bytes]]) -> list[Agent]:
    """Return the agents that retained messages tell of, by name."""
    agents: dict[Topics, Agent] = {}
    for topic, payload in messages:
        if found := parse_root(topic):
            topics, end = found
            agents[topics] = heard(agents.get(topics, Agent(topics)), end, payload)
    return sorted(agents.values(), key=lambda agent: agent.name)


def heard(agent: Agent, end: str, payload: bytes) -> Agent:
    """Return an agent with what one more of its retained messages says; ``end``: its topic behind the root."""
    unreadable = tuple(other for other in agent.unreadable if other != end)
    try:
        match end:
            case "state":
                return replace(agent, state=msgspec.json.decode(payload, type=State), unreadable=unreadable)
            case "config/reported":
                return replace(agent, reported=msgspec.json.decode(payload, type=Reported), unreadable=unreadable)
            case "health":
                document = msgspec.json.decode(payload, type=dict[str, Any])
                health = msgspec.convert(document, Health)
                return replace(agent, health=health, document=document, unreadable=unreadable)
            case "down/config":
                return replace(agent, pushed=payload)
            case _:
                return agent
    except UNREADABLE:
        return replace(agent, unreadable=(*unreadable, end))


def roots(tenant: str, agents: Sequence[Agent]) -> list[str]:
    """Return with what topic filters on these agents begin: their roots, or one that all agents of the tenant match."""
    return [f"o2o/1/{tenant}/+/+"] if len(agents) > _BY_NAME else sorted({agent.topics.root for agent in agents})


def patterns(text: str) -> list[str]:
    """Return the patterns of ``--stores``, as in ``chosen``; ``@file`` stands for those in a file, one a line.

    Raises ConfigError.
    """
    found: list[str] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        found += _in_file(Path(part[1:])) if part.startswith("@") else [part]
    if not found:
        raise ConfigError("--stores names no store (allowed: sh-0001, sh-01*, @file.txt, all; joined by commas)")
    return list(dict.fromkeys(found))


def chosen(agents: Iterable[Agent], stores: Sequence[str]) -> list[Agent]:
    """Return the agents of the stores that are meant. Raises ConfigError with every name nobody has heard of.

    ``stores``: ``sh-0001`` (all its agents), ``sh-0001/pc-1``, with ``*`` and ``?``, or ``all``.
    """
    agents = list(agents)
    meant: dict[Topics, Agent] = {}
    unknown: list[str] = []
    for pattern in stores:
        found = [agent for agent in agents if _is_meant(agent, pattern)]
        unknown += [] if found or pattern == EVERY else [pattern]
        meant |= {agent.topics: agent for agent in found}
    if unknown:
        some = ", ".join(unknown[:10]) + (f" and {len(unknown) - 10} more" if len(unknown) > 10 else "")
        raise ConfigError(f"nobody has heard of {some} (edge-fleet status shows which stores there are)")
    return [agent for agent in agents if agent.topics in meant]


def is_any_meant(agent: Agent, stores: Sequence[str]) -> bool:
    """Tell whether an agent is among those that are meant; ``stores``: as in ``chosen``."""
    return any(_is_meant(agent, pattern) for pattern in stores)


def _is_meant(agent: Agent, pattern: str) -> bool:
    if pattern == EVERY:
        return True
    return fnmatch.fnmatchcase(agent.name if "/" in pattern else agent.topics.store, pattern)


def _levels(stores: Sequence[str]) -> Iterator[str]:
    """Yield the stores' level of the topic filters: each by name while they are few and no pattern is among them."""
    names = list(dict.fromkeys(store.partition("/")[0] for store in stores))
    if len(names) > _BY_NAME or EVERY in names or any(set("*?[+#") & set(name) for name in names):
        yield "+"
    else:
        yield from names


def _in_file(file: Path) -> list[str]:
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {reason(error)}") from None
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]
