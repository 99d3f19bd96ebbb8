"""The way of a push: received, verified, staged, trial, committed; or rejected, or rolled back."""

import asyncio
from collections.abc import Sequence

from edge_agent.clock import Clock
from edge_agent.config import Config
from edge_agent.config.shelf import Shelf
from edge_agent.contract.envelope import Key
from edge_agent.contract.remote import ConfigId, Reported
from edge_agent.contract.topics import Topics
from edge_agent.generation import Generations
from edge_agent.health import Health
from edge_agent.storage import Storage
from edge_agent.uplink import Link, Uplink


class Configs:
    """The one line of config versions of this agent."""

    def __init__(
        self,
        config: Config,
        shelf: Shelf,
        keys: Sequence[Key],
        topics: Topics,
        generations: Generations,
        storage: Storage,
        uplink: Uplink,
        health: Health,
        clock: Clock,
    ) -> None:
        """``config``: what the first generation runs by. The state directory is locked: nobody else writes there.

        A trial that a kill, a crash or a hang has ended is over: rolled back, before anything else happens.
        """
        self._generations = generations

    @property
    def reported(self) -> Reported:
        """What runs, and what has become of the last push."""
        running = ConfigId(self._generations.config.version, self._generations.config.store_sha256)
        return Reported(running=running, last_known_good=running)

    def arrived(self, payload: bytes) -> None:
        """Take a message of ``down/config``; it is worked on by ``run``. An empty one is a topic that was cleared."""

    async def run(self) -> None:
        """Work on pushes, one after another, and on what was staged when the process ended. Raises StorageError."""
        await asyncio.Event().wait()

    def postpone(self) -> None:
        """Have the next process begin a trial anew that is under way: this one was told to stop, it has not failed."""

    async def publish(self, link: Link) -> None:
        """Report on this connection, retained: at once, and whenever it changes."""
        await asyncio.Event().wait()
