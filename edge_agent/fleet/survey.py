"""What a config would change, store by store, before anything is pushed."""

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from edge_agent.clock import Clock
from edge_agent.contract.messages import UNREADABLE
from edge_agent.contract.remote import FINAL, Command, Reply, Target
from edge_agent.contract.topics import Topics, parse_root
from edge_agent.fleet.agents import Agent
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
    command_id = f"report-{secrets.token_hex(8)}"
    expires = datetime.fromtimestamp(clock.now().wall_ms / 1000, UTC) + timedelta(minutes=5)
    filters = (
        [agent.topics.reply(command_id) for agent in agents]
        if len(agents) == 1
        else [f"o2o/1/{broker.tenant}/+/+/reply/{command_id}"]
    )
    found: dict[Topics, Table] = {}
    left = {agent.topics for agent in agents}
    with broker.listen(filters) as listening:
        broker.publish_all((agent.topics.command, signer.seal(_report(agent, command_id, expires))) for agent in agents)
        deadline = time.monotonic() + ANSWER_S
        while left and (message := listening.get(max(0.0, deadline - time.monotonic()))):
            answered = parse_root(message.topic)
            reply = _reply(message.payload)
            if answered and reply and reply.status in FINAL:
                left.discard(answered[0])
                config: Any = (reply.result or {}).get("config")
                if isinstance(config, dict):
                    found[answered[0]] = config
    return found


def _report(agent: Agent, command_id: str, expires: datetime) -> bytes:
    topics = agent.topics
    return msgspec.json.encode(
        Command(
            type="command",
            target=Target(topics.tenant, topics.store, topics.agent),
            id=command_id,
            name="report",
            expires=expires,
            boot_id=agent.boot_id,  # an agent whose clock is unsynced takes no other
        )
    )


def _reply(payload: bytes) -> Reply | None:
    try:
        return msgspec.json.decode(payload, type=Reply)
    except UNREADABLE:
        return None
