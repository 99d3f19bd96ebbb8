"""The agent as its service manager runs it: started again whenever it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edge_agent.simulator.virtual_store import Part
from tests.support.shop import PATIENCE_S, ShopUnderTest

RESTART_S = 0.3  # 2 s in the unit: tests wait less


class Restarted:
    """``ends``: the exit status of each run that has ended; ``part``: the run that is."""

    def __init__(self) -> None:
        self.ends: list[int] = []
        self.part: Part | None = None
        self._up = asyncio.Event()

    async def run(self, shop: ShopUnderTest) -> None:
        """Keep the agent running, for ever."""
        while True:
            seen = len(shop.log)
            self.part = await shop.agent_unready()
            async with asyncio.TaskGroup() as group:
                looking = group.create_task(self._look(shop, seen))
                status = await self.part.process.wait()
                looking.cancel()
            self._up.clear()
            self.ends.append(status)
            await asyncio.sleep(RESTART_S)

    async def _look(self, shop: ShopUnderTest, seen: int) -> None:
        while True:
            for line in shop.log[seen:]:
                if line.get("event") == "page_listening":
                    shop.url = str(line["url"])
                    self._up.set()
                    return
            await asyncio.sleep(0.02)

    async def up(self) -> int:
        """Wait until it serves its page; return its process id."""
        async with asyncio.timeout(PATIENCE_S):
            await self._up.wait()
        assert self.part is not None
        return self.part.process.pid

    async def ended(self, times: int) -> None:
        """Wait until so many runs have ended."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.ends) < times:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def restarted(shop: ShopUnderTest) -> AsyncIterator[Restarted]:
    """Keep the agent running until the context ends."""
    agent = Restarted()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(agent.run(shop))
        try:
            await agent.up()
            yield agent
        finally:
            running.cancel()
            if agent.part is not None:
                await agent.part.stop()
