"""What the page says of the day and of the devices, before and after the agent ends, in order or not."""

import asyncio
from pathlib import Path
from typing import Any

from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support.events import streaming
from tests.support.shop import PATIENCE_S, ShopUnderTest, shop_under_test, until

TILL, ABSENT = "till-1-printer", "till-2-printer"
STORE = STORE_TOML + STORE_TOML[STORE_TOML.index("[[device]]") :].replace("1号", "2号").replace(
    TILL, ABSENT
).replace('port = "till-1"', 'port = "till-2"')  # fmt: skip


async def told(shop: ShopUnderTest) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the day by hour, and of each device since when it is as it is, when it was seen, how much it said."""
    async with streaming(shop.url, **{"Accept-Language": "en"}) as stream:
        await stream.until(lambda: {"today", "devices"} <= stream.sections.keys())
        today, devices = stream.sections["today"], stream.sections["devices"]
    bars = {
        series["key"]: {hour: value for hour, value in zip(today["hours"], series["values"], strict=True) if value}
        for series in today["series"]
    }
    said = {device["id"]: sum(device["activity"]) for device in devices}
    status = {device["id"]: device for device in (await shop.status())["devices"]}
    kept = {
        name: (device["state"], device["since"], device["last_seen"], said[name]) for name, device in status.items()
    }
    return {"figures": today["figures"], "bars": bars}, kept


async def test_the_same_figures_after_a_kill_and_after_a_stop(tmp_path: Path) -> None:
    async with shop_under_test(tmp_path, store_toml=STORE) as shop:
        await shop.central()
        agent, _ = await shop.agent()
        await shop.sell(12)  # whose cable is pulled in the end
        # What is known of the devices is recorded with their failures; the rest after minutes, or when it stops.
        await until(lambda: {(TILL, "unplugged"), (ABSENT, "missing")} <= failures(shop), lambda: failures(shop))
        before = await told(shop)
        assert before[0]["bars"]["orders"]
        assert {state for state, *_ in before[1].values()} == {"down"}
        assert before[1][TILL][3] >= 12
        await agent.kill()
        agent, _ = await shop.agent()
        assert await told(shop) == before
        await agent.stop()
        await shop.agent()
        assert await told(shop) == before
        await shop.until_status(lambda status: all(device["detail"] for device in status["devices"]))
        assert await told(shop) == before, "they fail again, and have since then"


async def test_a_stop_keeps_what_a_working_device_said(tmp_path: Path) -> None:
    async with shop_under_test(tmp_path) as shop:
        agent, _ = await shop.agent()
        await shop.register("--count=12", "--interval=0.01")
        await until(lambda: len(shop.printed) == 12)
        await shop.until_recorded()
        async with asyncio.timeout(PATIENCE_S):
            while (found := await told(shop))[1][TILL][3] < 12:  # counted once on disk, a moment after the orders are
                pass
        day, devices = found
        assert (devices[TILL][0], devices[TILL][3]) == ("up", 12)
        await agent.stop()
        await shop.agent()
        again, now = await told(shop)
        assert (again, now[TILL][2:]) == (day, devices[TILL][2:])


def failures(shop: ShopUnderTest) -> set[tuple[str, str]]:
    """Return which devices head office knows to have failed, and why."""
    return {(event["device"], event["reason"]) for event in shop.events("o2o.device.down.v1")}
