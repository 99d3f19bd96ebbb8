"""A box whose clock is wrong: nothing is lost, and every order gets the right day."""

from pathlib import Path

from edge_agent.clock import Clock
from tests.support import faketime
from tests.support.shop import ShopUnderTest, until


def environment(stamp: Path) -> dict[str, str]:
    """Let libfaketime cache its file: where it reads it at each call, one thread sees what another has half read."""
    return faketime.environment(stamp) | {"FAKETIME_NO_CACHE": "0", "FAKETIME_CACHE_DURATION": "1"}


async def test_a_boot_in_1970_and_a_step_to_now(shop: ShopUnderTest, tmp_path: Path) -> None:
    stamp = tmp_path / "faketime"
    stamp.write_text(f"-{Clock().now().wall_ms // 1000 - 3600}\n")
    await shop.central()
    agent, _ = await shop.agent(env=environment(stamp))
    await shop.sell(5)
    await shop.until_equal()
    for order in shop.events("o2o.order.completed.v1"):
        assert order["completed_at"][:16] == order["printed_at"][:16], order
    await agent.kill()
    agent, _ = await shop.agent(env=environment(stamp))
    register = await shop.register("--interval=0.02", "--style=mixed")
    for step in ("+0", "-86400", "+3600", "-30", "+0"):
        count = len(shop.events("o2o.agent.clock_changed.v1"))
        (tmp_path / "new").write_text(f"{step}\n")
        (tmp_path / "new").replace(stamp)
        await until(lambda: len(shop.events("o2o.agent.clock_changed.v1")) > count)  # noqa: B023 - awaited at once
    await register.stop()
    await shop.until_equal()
    await shop.until_status(lambda status: status["sync"]["waiting"] == 0)
    assert [line for line in shop.log if line.get("level") == "error"] == []
