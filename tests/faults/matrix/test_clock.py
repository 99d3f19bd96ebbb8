"""A box whose clock is wrong: nothing is lost, and every order gets the right day."""

import os
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge_agent.clock import Clock
from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support import faketime
from tests.support.matrix import Fault
from tests.support.shop import ShopUnderTest, until

LONG = int(os.environ.get("EDGE_AGENT_SEEDS", "0"))
STEPS = LONG or 4
OPENS = timedelta(hours=4)  # the business day, in STORE_TOML
YEAR_S, HOUR_S = 365 * 86_400, 3_600


class WrongClock:
    """How far the agent's wall clock is off. ``environment`` is what the agent is started with."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self._stamp = folder / "faketime"
        self.step_to(seconds)
        self.environment: Mapping[str, str] = faketime.environment_of_threads(self._stamp)

    def step_to(self, seconds: float) -> None:
        fresh = self._stamp.with_name("faketime.new")
        fresh.write_text(f"{seconds:+.0f}\n", "ascii")
        fresh.replace(self._stamp)


async def stepped(shop: ShopUnderTest, clock: WrongClock, seconds: float) -> None:
    """Step, and wait until the agent has said so."""
    before = len(shop.events("o2o.agent.clock_changed.v1"))
    clock.step_to(seconds)
    await until(lambda: len(shop.events("o2o.agent.clock_changed.v1")) > before)


def now_in(zone: ZoneInfo) -> datetime:
    """Return the true time."""
    return datetime.fromtimestamp(Clock().now().wall_ms / 1000, zone)


def since_1970() -> float:
    """Return the step of a box that boots without its battery: 1970, an hour on."""
    return HOUR_S - Clock().now().wall_ms / 1000


def right_days(shop: ShopUnderTest) -> None:
    """The slip says when it was printed, whatever the box believes: that decides the day."""
    for order in shop.events("o2o.order.completed.v1"):
        assert order["completed_at"][:16] == order["printed_at"][:16], order
        printed = datetime.fromisoformat(order["printed_at"])
        assert order["business_day"] == (printed - OPENS).date().isoformat(), order


@pytest.mark.fault("clock", "1970 at boot, then stepped right in traffic")
async def test_1970_then_now(shop: ShopUnderTest, fault: Fault, tmp_path: Path) -> None:
    clock = WrongClock(tmp_path, since_1970())
    await shop.central()
    await shop.agent(env=clock.environment)
    await shop.sell(5)
    register = await shop.register("--interval=0.02", "--style=mixed")
    await stepped(shop, clock, 0)
    fault.mended()
    await register.stop()
    await fault.settled(shop)
    right_days(shop)
    assert [line for line in shop.log if line.get("level") == "error"] == []


@pytest.mark.long
@pytest.mark.fault("clock", "a boot in 1970 after a kill, with a backlog, then stepped right")
async def test_backlog_over_a_boot_in_1970(shop: ShopUnderTest, fault: Fault, tmp_path: Path) -> None:
    clock = WrongClock(tmp_path, 0)
    agent, _ = await shop.agent(env=clock.environment)
    shop.store.broker.kill()
    await shop.sell(10)
    await shop.until_recorded()
    await agent.kill()
    clock.step_to(since_1970())
    await shop.agent(env=clock.environment)
    await shop.sell(10)
    shop.store.broker.restart(keep_memory=True)
    await shop.central()
    await stepped(shop, clock, 0)
    fault.mended()
    await shop.sell(5)
    await fault.settled(shop)
    right_days(shop)


@pytest.mark.long
@pytest.mark.fault("clock", "a year ahead, an hour back, forth and back in traffic")
async def test_back_and_forth(shop: ShopUnderTest, fault: Fault, rng: random.Random, tmp_path: Path) -> None:
    clock = WrongClock(tmp_path, 0)
    await shop.central()
    await shop.agent(env=clock.environment)
    register = await shop.register("--interval=0.05", "--style=mixed", f"--seed={rng.randrange(10**6)}")
    steps = [YEAR_S, -HOUR_S, -30, 86_400, *(rng.randrange(-YEAR_S, YEAR_S) for _ in range(STEPS - 4))]
    for step in steps:
        await stepped(shop, clock, step)
    await stepped(shop, clock, 0)
    fault.mended()
    await register.stop()
    await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("clock", "stepped across the end of the business day, in a zone with summer time")
async def test_across_the_days_end(shop: ShopUnderTest, fault: Fault, tmp_path: Path) -> None:
    store = shop.store.folder / "store.toml"
    store.write_text(STORE_TOML.replace("Asia/Shanghai", "Europe/Berlin"), "utf-8")
    zone = ZoneInfo("Europe/Berlin")
    now = now_in(zone)
    night = datetime(now.year, 3, 31, 1, 59, 58, tzinfo=zone)
    night -= timedelta(days=(night.weekday() + 1) % 7)  # the last Sunday of March: an hour is missing after 02:00
    clock = WrongClock(tmp_path, (night - now).total_seconds())
    await shop.central()
    await shop.agent(env=clock.environment)
    await shop.sell(5)
    for moment in (night.replace(hour=3, minute=59), night.replace(hour=4, minute=1), night + timedelta(days=210)):
        await stepped(shop, clock, (moment - now_in(zone)).total_seconds())
        await shop.sell(5)
    await stepped(shop, clock, 0)
    fault.mended()
    await shop.sell(5)
    await fault.settled(shop)
