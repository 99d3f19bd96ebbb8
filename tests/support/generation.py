"""A generation on a real storage and a real configuration, its one till at the end of a cable the test holds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from edge_agent.clock import Clock
from edge_agent.config import Config, load
from edge_agent.generation import Generation, Generations
from edge_agent.health import Health
from edge_agent.simulator.virtual_store import AGENT_TOML, STORE_TOML
from edge_agent.storage import Storage
from tests.support import storage as storages


@dataclass
class Running:
    """The parts of a running generation."""

    config: Config
    storage: Storage
    health: Health
    clock: Clock
    generations: Generations

    @property
    def generation(self) -> Generation:
        """The one that runs."""
        return self.generations.current


def configure(folder: Path, agent: str = AGENT_TOML, store: str = STORE_TOML) -> Config:
    """Write both files and load them; the till's port is ``till-1`` in the folder."""
    (folder / "agent.toml").write_text(agent.format(port=1883), "utf-8")
    (folder / "store.toml").write_text(store, "utf-8")
    return load(folder / "agent.toml")


@asynccontextmanager
async def running(config: Config, *, devices: bool = True, is_held: bool = False) -> AsyncIterator[Running]:
    """Run a generation of ``config`` until the context ends; ``devices`` False: it is only built."""
    clock = Clock(quality=lambda: True)
    health = Health(clock)
    state_dir = config.agent.agent.state_dir
    async with storages.running(state_dir, clock=clock, health=health) as storage:
        (state_dir / "hash.key").write_bytes(b"key")
        generations = Generations(config, storage, health, clock, is_held=is_held)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(generations.run()) if devices else None
            yield Running(config, storage, health, clock, generations)
            if task is not None:
                task.cancel()
