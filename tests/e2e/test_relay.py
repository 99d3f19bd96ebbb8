"""A till that prints through the box: whatever becomes of the agent, every byte is printed and every order told."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge_agent.devices.relay_start import Relays, socket_of
from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support.pty import Cable
from tests.support.relay import CablePrinter, kill_relays, serving_process
from tests.support.shop import ShopUnderTest, shop_under_test
from tests.support.till import Till

BEHIND = 'passthrough = "printer"\n'


class TillAndPrinter:
    """A till in the test's hands, its printer, and the whole store around the relay between them."""

    def __init__(self, shop: ShopUnderTest, rng: random.Random) -> None:
        self.shop = shop
        self.register = Cable(shop.store.port)
        self.printer = CablePrinter(shop.store.folder / "printer")
        self.relays = Relays.of(shop.store.folder / "state", shop.store.config)
        self.sent = b""
        self._till = Till(shop.printed, rng)

    async def sell(self, count: int) -> None:
        """Print receipts, each torn somewhere, and wait until they are on paper."""
        for _ in range(count):
            receipt = self._till.ring()
            self.sent += receipt
            await self.register.write(receipt[: len(receipt) // 2])
            await asyncio.sleep(0)
            await self.register.write(receipt[len(receipt) // 2 :])
        await self.printer.until(lambda: len(self.printer.printed) >= len(self.sent))
        assert self.printer.printed == self.sent

    def process(self) -> int | None:
        """Return the relay's process."""
        return serving_process(socket_of(self.relays, "till-1-printer"))


@asynccontextmanager
async def store(folder: Path, rng: random.Random) -> AsyncIterator[TillAndPrinter]:
    async with shop_under_test(folder, store_toml=STORE_TOML + BEHIND) as shop:
        till = TillAndPrinter(shop, rng)
        till.register.plug()
        till.printer.plug()
        try:
            yield till
        finally:
            await kill_relays(till.relays.folder)
            till.register.close()
            till.printer.close()


async def test_killed_upgraded_and_configured_anew_the_agent_never_stops_the_till(
    tmp_path: Path, rng: random.Random
) -> None:
    async with store(tmp_path, rng) as till:
        shop = till.shop
        await shop.central()
        agent, _ = await shop.agent()
        await shop.until_up()
        relay = till.process()
        for _ in range(3):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(till.sell(20))
                await asyncio.sleep(rng.uniform(0.0, 0.1))
                await agent.kill()
            await till.sell(5)  # nobody listens
            agent, _ = await shop.agent()
        await agent.stop()
        await till.sell(5)
        config = tmp_path / "store.toml"
        config.write_text(config.read_text("utf-8").replace("1号收银小票", "一号收银小票"), "utf-8")
        await shop.agent()
        await till.sell(5)
        await shop.until_equal()
        assert till.process() == relay
