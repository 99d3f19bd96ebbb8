"""Hardware that neither works nor fails: calls into it hang, and nobody else may wait for them."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support.disk import injected
from tests.support.matrix import Fault
from tests.support.shop import ShopUnderTest
from tests.support.till import Terminal, Till

HELD_UP_S = 40  # longer than the test
PATIENCE_S = 20.0
SECOND_TILL = """
[[touchpoint]]
id = "till-2"

[[device]]
id = "till-2-printer"
kind = "serial"
touchpoint = "till-2"
port = "{port}"
decoder = "escpos"
encoding = "gb18030"
"""


@pytest.fixture
def terminals(shop: ShopUnderTest) -> Iterator[list[Terminal]]:
    """Two tills, both plugged in."""
    second = shop.store.folder / "till-2"
    shop.store.configure(store=STORE_TOML + SECOND_TILL.format(port=second))
    both = [Terminal(shop.store.port), Terminal(second)]
    for terminal in both:
        terminal.plug()
    yield both
    for terminal in both:
        terminal.close()


def codes(status: dict[str, Any]) -> set[str]:
    return {str(condition["code"]) for condition in status["conditions"]}


@pytest.mark.fault("devices", "the driver of one till's port hangs (its close held up)")
async def test_a_driver_hangs(shop: ShopUnderTest, terminals: list[Terminal], fault: Fault, rng: random.Random) -> None:
    """The other till is read meanwhile. A hanging open, and a stop: tests/integration/test_devices_stuck.py."""
    till, port = Till(shop.printed, rng), (shop.store.folder / "till-2").resolve()
    await shop.central()
    agent, _ = await shop.agent()
    await shop.until_up()
    for terminal in terminals:
        await terminal.write(till.ring())
    await shop.until_recorded()
    async with injected(agent.process.pid, "close", f"delay_enter={HELD_UP_S}s", port):
        terminals[1].unplug()
        terminals[1].plug()
        await shop.until_status(lambda status: "device_hung" in codes(status), PATIENCE_S)
        await terminals[0].write(till.ring())
        await shop.until_recorded()
    fault.mended()
    for terminal in terminals:
        await terminal.write(till.ring())
    await fault.settled(shop)
