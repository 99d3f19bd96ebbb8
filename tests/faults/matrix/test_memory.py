"""Days of a busy shop in minutes (three in the long form): what the process holds does not grow with them.

The shop: three tills with 120 orders an hour between them, 14 hours a day; strangers' telephones and a badge on the
air; somebody looks at the page all day and the customers' screens listen; the link fails every few hours, and head
office pushes a config every six. No NFC reader: its driver's answers do not arrive in order under libfaketime.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import aiohttp
import pytest

from edge_agent.clock import Clock
from edge_agent.simulator.virtual_store import PEOPLE_TOML, STORE_TOML
from tests.e2e.test_people import BADGE
from tests.faults.matrix.test_devices import MORE_TILLS, plugged
from tests.support import faketime
from tests.support.bluez import needs_dbus
from tests.support.matrix import PATIENCE_S, Fault
from tests.support.process import Usage, slope
from tests.support.pushing import TRUSTING_TOML, HeadOffice, store_config, with_device
from tests.support.shop import ShopUnderTest, shop_under_test
from tests.support.till import Terminal, Till

_READER = PEOPLE_TOML.index('[[device]]\nid = "till-1-nfc"')
WITHOUT_READER = PEOPLE_TOML[:_READER] + PEOPLE_TOML[PEOPLE_TOML.index('[[device]]\nid = "door-ble"') :]
LONG = bool(os.environ.get("EDGE_AGENT_SEEDS"))
HOURS = 72 if LONG else 5
ORDERS = 120 if LONG else 30  # an hour
# Caches fill, every page has been asked for once, and malloc's arenas have found their size.
WARM_UP_HOURS = 12 if LONG else 1
GROWS_MB_AN_HOUR = 1.0
# The short form sees the warm-up alone, in which the agent goes from 78 to 92 MB. What is left finds who keeps 65 KB an
# order, or 10 MB for a config or a flap; a smaller leak is for the long form.
WARMS_UP_MB = 24
# A look at the page and a flap may be under way as the sample is taken; there are ten flaps and ten configs after the
# warm-up, so that one left behind by each is too many.
DESCRIPTORS, THREADS = 4, 2
STATE_MB_A_DAY = 12  # 1680 orders of some 3 KB each, twice: the frame and the capture; and indices
OPENS, CLOSES = 8, 22
SHANGHAI = timezone(timedelta(hours=8))


class Day:
    """The shop on a clock that goes an hour forward as soon as the hour's work is done."""

    def __init__(self, shop: ShopUnderTest, stamp: Path) -> None:
        self.shop = shop
        self._stamp = stamp
        self.hours = 0
        today = datetime.fromtimestamp(Clock().now().wall_ms / 1000, UTC).astimezone(SHANGHAI)
        self._now = today

    @property
    def now(self) -> datetime:
        return self._now + timedelta(hours=self.hours)

    def an_hour_passes(self) -> None:
        self.hours += 1
        other = self._stamp.with_suffix(".new")
        other.write_text(f"+{self.hours * 3600}\n", "ascii")
        other.replace(self._stamp)

    async def trade(self, terminals: list[Terminal], rng: random.Random, orders: int) -> None:
        till = Till(self.shop.printed, rng, self.now)
        for number in range(orders):
            await terminals[number % len(terminals)].write(till.ring())
        for terminal in terminals:
            await terminal.drained()


@asynccontextmanager
async def watched(url: str) -> AsyncIterator[None]:
    """Have the page polled and its events listened to."""

    async def poll(session: aiohttp.ClientSession) -> None:
        while True:
            for path in ("", "api/status", "metrics"):
                async with session.get(url + path) as response:
                    await response.read()
            await asyncio.sleep(0.5)

    async def listen(session: aiohttp.ClientSession) -> None:
        async with session.get(f"{url}api/events", timeout=aiohttp.ClientTimeout(total=None)) as response:
            while await response.content.readany():
                pass

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        looking = [tasks.create_task(poll(session)), tasks.create_task(listen(session))]
        yield
        for task in looking:
            task.cancel()


@pytest.mark.long
@pytest.mark.timeout(1500 if LONG else 120)  # 165 s on two idle cores
@pytest.mark.fault("memory", f"{HOURS} h of trade, with people, page, flapping link and pushed configs")
async def test_days_of_trade(tmp_path: Path, fault: Fault, rng: random.Random) -> None:
    needs_dbus()
    store_toml = STORE_TOML + MORE_TILLS.format(n=2) + MORE_TILLS.format(n=3) + WITHOUT_READER
    stamp = tmp_path / "faketime"
    stamp.write_text("+0\n", "ascii")
    # libfaketime may cache its file: where it reads it at each call, one thread sees what another has half read.
    env = faketime.environment(stamp) | {"FAKETIME_NO_CACHE": "0", "FAKETIME_CACHE_DURATION": "1"}
    async with shop_under_test(tmp_path, agent=TRUSTING_TOML, store_toml=store_toml) as shop:
        await shop.central()
        bluez = await shop.bluez()
        with (
            plugged(*(tmp_path / f"till-{n}" for n in (1, 2, 3))) as terminals,
            HeadOffice(shop.store.broker.port) as office,
        ):
            agent, url = await shop.agent(env=env)
            await shop.until_up()
            bluez.tell("beacon", name="badge", interval=0.5, **BADGE)
            bluez.tell("flood", rate=50, devices=200, seconds=3600, random_addresses=True)
            usage, day = Usage(agent.process.pid), Day(shop, stamp)
            async with watched(url):
                for hour in range(HOURS):
                    is_open = OPENS <= (OPENS + hour) % 24 < CLOSES
                    await day.trade(terminals, rng, ORDERS if is_open else 0)
                    if hour % 6 == 3:
                        config = with_device(store_config(store_toml), name=f"收银 {hour}")
                        office.push(config, hour, trial_seconds=1)
                    if hour % 6 == 1:
                        await flap(shop)
                    if hour % 6 == 5:
                        await until_few_wait(shop)
                    day.an_hour_passes()
                    await asyncio.sleep(1.1 if LONG else 0.3)  # the clock is looked at once a second
                    usage.sample(day.hours)
            fault.mended()
            await fault.settled(shop)
        grown = slope(steady := usage.samples[WARM_UP_HOURS:])
        first, last = steady[0], steady[-1]
        size_mb = sum(file.stat().st_size for file in (tmp_path / "state").rglob("*") if file.is_file()) / 2**20
        print(f"{grown:+.3f} MB/h, {first} to {last}, state {size_mb:.1f} MB, CPU {usage.cpu_share():.2f}")  # noqa: T201
        print([round(sample.rss_mb, 1) for sample in usage.samples[:: max(1, HOURS // 24)]])  # noqa: T201
    if LONG:
        assert grown <= GROWS_MB_AN_HOUR
    else:
        assert usage.grown_mb < WARMS_UP_MB
    assert max(sample.descriptors for sample in steady) <= first.descriptors + DESCRIPTORS
    assert max(sample.threads for sample in steady) <= first.threads + THREADS
    assert size_mb < 8 + STATE_MB_A_DAY * max(1, HOURS / 24)


async def flap(shop: ShopUnderTest) -> None:
    shop.store.broker.kill()
    await shop.until_status(lambda status: not status["sync"]["connected"])
    shop.store.broker.restart(keep_memory=True)


async def until_few_wait(shop: ShopUnderTest) -> None:
    """Wait until no more is on its way to head office than a busy minute leaves there."""
    await shop.until_status(lambda status: status["sync"]["waiting"] < ORDERS, PATIENCE_S)
