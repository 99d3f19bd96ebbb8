"""The agents as they change, while somebody looks."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from edge_agent.contract.topics import Topics, parse_root
from edge_agent.fleet.agents import Agent, heard, roots
from edge_agent.fleet.broker import Broker
from edge_agent.fleet.listening import Listening

_ENDS = ("state", "health", "config/reported", "down/config")


class Live:
    """What is known of some agents, kept up to date by ``wait``; use ``live``."""

    def __init__(self, listening: Listening, agents: Iterable[Agent]) -> None:
        self.agents = {agent.topics: agent for agent in agents}
        self._listening = listening

    def wait(self, timeout: float) -> None:
        """Take what has arrived; where nothing has, wait for it so many seconds."""
        message = self._listening.get(timeout)
        while message is not None:
            found = parse_root(message.topic)
            if found and found[0] in self.agents:
                topics, end = found
                self.agents[topics] = heard(self.agents[topics], end, message.payload)
            message = self._listening.get(0) if self._listening.waiting else None


@contextmanager
def live(broker: Broker, agents: Iterable[Agent]) -> Iterator[Live]:
    """Give those agents as they are now and become. Raises FleetError."""
    agents = list(agents)
    with broker.listen([f"{root}/{end}" for root in roots(broker.tenant, agents) for end in _ENDS]) as listening:
        yield Live(listening, agents)


def online(agents: Iterable[Agent]) -> set[Topics]:
    """Return those that a push reaches now."""
    return {agent.topics for agent in agents if agent.is_online}
