"""A long night without a line, then everything at once: nothing is missing, memory stays flat."""

from pathlib import Path

from tests.support.shop import ShopUnderTest

ORDERS = 1500


def resident_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has ended")


async def test_a_backlog_and_a_live_order(shop: ShopUnderTest) -> None:
    await shop.central()
    agent, _ = await shop.agent()
    await shop.sell(10)
    await shop.until_equal()
    shop.store.broker.kill()
    before = resident_kb(agent.process.pid)
    await shop.sell(ORDERS, "--interval=0")
    await shop.until_recorded()
    shop.store.broker.restart(keep_memory=True)
    await shop.until_status(lambda status: status["sync"]["connected"])
    await shop.sell(1)
    await shop.until_equal()
    assert resident_kb(agent.process.pid) < before + 20_000
