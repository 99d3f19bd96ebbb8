"""What networks do to a shop: afterwards head office's books equal the register's."""

import pytest

from edge_agent.simulator.virtual_store import AGENT_TOML
from tests.support.matrix import Fault
from tests.support.proxy import Mode, proxied
from tests.support.shop import ShopUnderTest

BEFORE, DURING, AFTER = 5, 20, 5  # receipts


@pytest.mark.fault("network", "connection refused")
async def test_refused(shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    async with proxied(shop.store.broker.port) as network:
        shop.store.config.write_text(AGENT_TOML.format(port=network.port), "utf-8")
        await shop.agent()
        await shop.sell(BEFORE)
        await shop.until_equal()
        network.mode = Mode.REFUSE
        network.cut()
        await shop.sell(DURING)
        await shop.until_status(lambda status: not status["sync"]["connected"])
        network.mode = Mode.FORWARD
        fault.mended()
        await shop.sell(AFTER)
        await fault.settled(shop)
