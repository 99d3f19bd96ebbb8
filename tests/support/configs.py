"""The line of config versions on a real storage, real generations and a real shelf; only the broker is not there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from edge_agent.clock import Clock
from edge_agent.config import Config
from edge_agent.config.pushed import in_force, shelf_of
from edge_agent.config.shelf import Line
from edge_agent.contract.envelope import seal
from edge_agent.contract.remote import Reported
from edge_agent.remote.configs.configs import Configs
from edge_agent.uplink import Link, Uplink
from edge_agent.uplink.settings import settings_of
from tests.support import generation
from tests.support.generation import Running
from tests.support.pushing import COMMANDER, OPERATOR, TOPICS, Signer, config_payload
from tests.support.storage import until


@dataclass
class Topic:
    """The reported topic, for one connection: what a broker would have handed out of it."""

    reports: list[Reported] = field(default_factory=list)

    async def publish(self, topic: str, payload: bytes, *, retain: bool) -> int:
        assert (topic, retain) == (TOPICS.reported, True)
        await asyncio.sleep(0)
        self.reports.append(msgspec.json.decode(payload, type=Reported))
        return 0


@dataclass
class Desk:
    """A running agent's line of config versions, pushed to by hand."""

    files: Config
    running: Running
    configs: Configs
    uplink: Uplink
    topic: Topic

    @property
    def line(self) -> Line:
        """What is on the shelf."""
        return shelf_of(self.files).line()

    def push(self, config: dict[str, Any], version: int, *, signer: Signer = OPERATOR, **fields: Any) -> bytes:
        """Have a push arrive; returns its envelope. ``fields``: see ``config_payload``."""
        envelope = seal(config_payload(config, version, **fields), signer.private, signer.id)
        self.configs.arrived(envelope)
        return envelope

    def said(self, version: int | None) -> list[tuple[str | None, str | None]]:
        """Return phases and codes reported of a version, in order."""
        return [(one.phase, one.code) for one in self.topic.reports if one.phase and one.desired.version == version]

    async def until(self, version: int | None, phase: str, code: str | None = None) -> Reported:
        """Wait until this has been reported; returns it."""

        def found() -> list[Reported]:
            wanted = version, phase, code
            return [one for one in self.topic.reports if (one.desired.version, one.phase, one.code) == wanted]

        try:
            await until(lambda: bool(found()))
        except TimeoutError:
            raise AssertionError(f"not reported: {self.topic.reports[-6:]}") from None
        return found()[-1]

    def conditions(self) -> list[str]:
        return [one.condition.code for one in self.running.health.conditions() if one.part == "config"]


@asynccontextmanager
async def desk(files: Config, clock: Clock | None = None) -> AsyncIterator[Desk]:
    """Run the config in force, as one process of the agent would; when the context ends, it is killed.

    ``clock``: by which pushes expire.
    """
    config = in_force(files)
    async with generation.running(config) as running:
        uplink = Uplink(settings_of(config.agent), TOPICS, running.health, running.clock, lambda: "epoch")
        uplink.connected = True
        configs = Configs(
            config, shelf_of(files), [OPERATOR.key, COMMANDER.key], TOPICS, running.generations, running.storage,
            uplink, running.health, clock or running.clock,
        )  # fmt: skip
        topic = Topic()
        async with asyncio.TaskGroup() as tasks:
            parts = [tasks.create_task(configs.run()), tasks.create_task(configs.publish(cast("Link", topic)))]
            yield Desk(files, running, configs, uplink, topic)
            for part in parts:
                part.cancel()
