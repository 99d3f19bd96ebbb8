"""The room of commands on real parts: storage, config, and a broker where a port is given."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge_agent.contract.envelope import Key
from edge_agent.contract.remote import ConfigId, Reply, Reported
from edge_agent.remote.commands import ledger
from edge_agent.remote.commands.box import Box
from edge_agent.remote.commands.commands import Commands
from edge_agent.storage import Storage
from edge_agent.sync import Sync
from edge_agent.uplink import Link, Uplink, UplinkSettings
from tests.support.broker import until
from tests.support.generation import configure, running
from tests.support.pushing import COMMANDER, OPERATOR, TOPICS


@dataclass
class Commanded:
    """A box that takes commands. ``restarts``: how often it was told to end."""

    commands: Commands
    storage: Storage
    uplink: Uplink
    restarts: list[None]

    def entries(self) -> dict[str, ledger.Entry]:
        """Return what is durable, by id."""
        rows = self.storage.state(ledger.PART)
        return {id_: msgspec.msgpack.decode(row, type=ledger.Entry) for id_, row in rows.items()}

    def answer(self, id_: str) -> Reply | None:
        """Return the durable final answer."""
        return ledger.Ledger(self.storage).reply(id_) if id_ in self.entries() else None

    async def answered(self, id_: str) -> Reply:
        """Wait for the durable final answer."""
        await until(lambda: self.answer(id_))
        answer = self.answer(id_)
        assert answer is not None
        return answer


@asynccontextmanager
async def commanded(
    folder: Path, port: int | None = None, keys: Sequence[Key] = (COMMANDER.key, OPERATOR.key)
) -> AsyncIterator[Commanded]:
    """Run commands on ``folder``; its clock is set. Without ``port`` there is no link."""
    config = configure(folder)
    async with running(config, devices=False) as parts:
        sync = Sync(parts.storage, TOPICS, parts.health, parts.clock)
        restarts: list[None] = []
        own = ConfigId(0, config.store_sha256)

        async def document() -> dict[str, object]:
            return {"level": str(parts.health.level)}

        box = Box(
            parts.generations, parts.storage, sync, parts.health, parts.clock, document,
            lambda: Reported(running=own, last_known_good=own), lambda: restarts.append(None),
        )  # fmt: skip
        commands = Commands(box, keys, TOPICS, folder / "outgoing")

        async def session(link: Link) -> None:
            await link.subscribe(TOPICS.command, lambda message: commands.arrived(message.payload))
            async with asyncio.TaskGroup() as both:
                both.create_task(sync.run(link))
                both.create_task(commands.publish(link))

        settings = UplinkSettings("127.0.0.1", port or 1, TOPICS.client_id)
        uplink = Uplink(settings, TOPICS, parts.health, parts.clock, lambda: parts.storage.epoch, jitter=lambda: 0.05)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(commands.run())]
            if port is not None:
                tasks.append(group.create_task(uplink.run(session)))
            yield Commanded(commands, parts.storage, uplink, restarts)
            for task in tasks:
                task.cancel()
