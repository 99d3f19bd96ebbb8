"""The page over real parts, as a browser, Prometheus and the command line reach it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from edge_agent.config import Config
from edge_agent.contract.remote import ConfigId, Reported
from edge_agent.contract.topics import Topics
from edge_agent.observations import Receipt
from edge_agent.page.control import control_socket
from edge_agent.page.server import serving
from edge_agent.page.sources import Sources
from edge_agent.sync import Sync
from edge_agent.uplink import Uplink
from edge_agent.uplink.settings import settings_of
from tests.support.generation import Running, running


@dataclass
class Page:
    """A page and the parts behind it. ``log``: what is logged, while it is served."""

    shop: Running
    sync: Sync
    sources: Sources
    url: str
    log: list[Any]

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(self.url + path, headers=headers) as response:
            return response.status, await response.text()

    async def status(self, **headers: str) -> dict[str, Any]:
        code, text = await self.get("api/status", **headers)
        assert code == 200
        document: dict[str, Any] = json.loads(text)
        return document

    async def metrics(self) -> dict[tuple[str, ...], float]:
        """Return each sample by its name and the values of its labels."""
        code, text = await self.get("metrics")
        assert code == 200
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def record(self, slip: Receipt, device: str = "till-1-printer") -> None:
        """Have a device say something, as if it had been read from its line."""
        await self.shop.storage.commit(self.shop.generation.shop.observe(device, slip, self.shop.clock.now()))


@asynccontextmanager
async def served(config: Config, *, devices: bool = False) -> AsyncIterator[Page]:
    """Serve the page of ``config``, its store running if ``devices``; no broker is connected."""
    async with running(config, devices=devices) as shop:
        agent = config.agent.agent
        topics = Topics(agent.tenant, agent.store, agent.id)
        sync = Sync(shop.storage, topics, shop.health, shop.clock)
        uplink = Uplink(settings_of(config.agent), topics, shop.health, shop.clock, lambda: shop.storage.epoch)
        own = ConfigId(0, config.store_sha256)
        reported = Reported(running=own, last_known_good=own)
        sources = Sources(shop.clock, shop.health, shop.storage, sync, shop.generations, uplink, lambda: reported)
        with capture_logs() as log:
            async with serving(config.agent.page, sources, control_socket(agent.state_dir)):
                urls = [entry["url"] for entry in log if entry["event"] == "page_listening"]
                yield Page(shop, sync, sources, urls[0] if urls else "", log)
