"""Both doors on one connection: what arrives goes to its room, what the rooms have to say goes up."""

import asyncio

from edge_agent.config.agent import TrustSettings
from edge_agent.contract.envelope import Key
from edge_agent.contract.topics import Topics
from edge_agent.remote.commands.commands import Commands
from edge_agent.remote.configs.configs import Configs
from edge_agent.uplink import Link


class Remote:
    """Configs and commands. ``run`` beside the generations, ``session`` on each connection."""

    def __init__(self, topics: Topics, configs: Configs, commands: Commands) -> None:
        self.configs = configs
        self.commands = commands
        self._topics = topics

    async def run(self) -> None:
        """Work on what has arrived, connected or not, until cancelled. Raises StorageError."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.configs.run())
            group.create_task(self.commands.run())

    async def session(self, link: Link) -> None:
        """Listen at both doors, and send what there is to tell, while the connection lasts."""
        await link.subscribe(self._topics.config, lambda message: self.configs.arrived(message.payload))
        await link.subscribe(self._topics.command, lambda message: self.commands.arrived(message.payload))
        async with asyncio.TaskGroup() as group:
            group.create_task(self.configs.publish(link))
            group.create_task(self.commands.publish(link))


def trusted(settings: TrustSettings) -> tuple[Key, ...]:
    """Return the keys pinned in agent.toml."""
    return tuple(Key(key.id, key.key, frozenset(key.roles)) for key in settings.keys)
