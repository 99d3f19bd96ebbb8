"""What the page is made from: real parts, without a server and without a broker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edge_agent.config import Config
from edge_agent.contract.remote import ConfigId, Reported
from edge_agent.contract.topics import Topics
from edge_agent.page.sources import Sources
from edge_agent.sync import Sync
from edge_agent.uplink import Uplink
from edge_agent.uplink.settings import settings_of
from tests.support.generation import running


@asynccontextmanager
async def sources(config: Config, *, devices: bool = False) -> AsyncIterator[Sources]:
    """Build the parts of ``config``; its devices run if ``devices``."""
    async with running(config, devices=devices) as shop:
        agent = config.agent.agent
        topics = Topics(agent.tenant, agent.store, agent.id)
        sync = Sync(shop.storage, topics, shop.health, shop.clock)
        uplink = Uplink(settings_of(config.agent), topics, shop.health, shop.clock, lambda: shop.storage.epoch)
        own = ConfigId(0, config.store_sha256)
        reported = Reported(running=own, last_known_good=own)
        yield Sources(shop.clock, shop.health, shop.storage, sync, shop.generations, uplink, lambda: reported)
