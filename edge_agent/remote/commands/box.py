"""What commands act on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from edge_agent.clock import Clock
from edge_agent.contract.remote import Reported
from edge_agent.generation import Generations
from edge_agent.health import Health
from edge_agent.storage import Storage
from edge_agent.sync import Sync


@dataclass(frozen=True, slots=True)
class Box:
    """The parts of this box. ``document``: its status, as ``health`` publishes it. ``restart``: end this process."""

    generations: Generations
    storage: Storage
    sync: Sync
    health: Health
    clock: Clock
    document: Callable[[], Awaitable[dict[str, object]]]
    reported: Callable[[], Reported]
    restart: Callable[[], None]
