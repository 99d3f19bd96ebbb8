"""What a config would change, store by store, before anything is pushed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.clock import Clock
from edge_agent.contract.topics import Topics
from edge_agent.fleet.agents import Agent
from edge_agent.fleet.asking import Asking, Question
from edge_agent.fleet.broker import Broker
from edge_agent.fleet.differences import Difference, differences
from edge_agent.fleet.keys import Signer
from edge_agent.fleet.pushes import running_config
from edge_agent.fleet.store_file import Table

ANSWER_S = 10.0  # an agent answers ``report`` at once; the rest is a slow line


@dataclass(frozen=True, slots=True)
class Change:
    """What one agent is to get. ``running``: what it runs now; None: nobody could tell."""

    agent: Agent
    config: Table
    running: Table | None

    @property
    def differences(self) -> tuple[Difference, ...] | None:
        """What would change; empty: nothing; None: that cannot be told."""
        return None if self.running is None else differences(self.running, self.config)

    @property
    def is_none(self) -> bool:
        """Whether it runs that already."""
        return self.differences == ()


def survey(
    broker: Broker, signer: Signer | None, tables: Mapping[Topics, Table], agents: Iterable[Agent], clock: Clock
) -> list[Change]:
    """Return what each agent's config would change.

    What runs is what lies on ``down/config`` where that was committed; else the agent is asked, if it is online and
    there is a key to sign with (role ``command``). Raises FleetError.
    """
    agents = list(agents)
    running = {agent.topics: running_config(agent.reported, agent.pushed) for agent in agents}
    unknown = [agent for agent in agents if running[agent.topics] is None and agent.is_online]
    if signer and unknown:
        running |= _asked(broker, signer, unknown, clock)
    return [Change(agent, tables[agent.topics], running[agent.topics]) for agent in agents]


def _asked(broker: Broker, signer: Signer, agents: list[Agent], clock: Clock) -> dict[Topics, Table]:
    asking = Asking(Question("report", answer_s=ANSWER_S, patience_s=ANSWER_S), agents, Path())
    asking.run(broker, signer, clock)
    configs: dict[Topics, Any] = {topics: (one.result or {}).get("config") for topics, one in asking.answers.items()}
    return {topics: config for topics, config in configs.items() if isinstance(config, dict)}
