"""What the page is made from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from edge_agent.clock import Clock
from edge_agent.config import Config
from edge_agent.contract.remote import Reported
from edge_agent.generation import Generation, Generations
from edge_agent.health import Health
from edge_agent.storage import Storage
from edge_agent.sync import Sync
from edge_agent.uplink import Uplink


@dataclass(frozen=True, slots=True)
class Sources:
    """The parts the page reads from; only what a manager does (``page.actions``) changes any of them.

    ``reported``: what runs, and what has become of the last config that head office pushed.
    """

    clock: Clock
    health: Health
    storage: Storage
    sync: Sync
    generations: Generations
    uplink: Uplink
    reported: Callable[[], Reported]

    @property
    def config(self) -> Config:
        """What the shop runs by now."""
        return self.generations.config

    @property
    def generation(self) -> Generation:
        """The devices and rules that run now."""
        return self.generations.current


class Reader(NamedTuple):
    """Who looks: in which language (``zh`` ``en``), and whether with the code: else no amounts and names are shown."""

    language: str
    is_manager: bool = False
