"""What happens to head office's service: afterwards its books equal the register's."""

import asyncio
import json
import os
import random
import shutil
import sqlite3
from contextlib import closing

import pytest
from paho.mqtt import publish

from edge_agent.contract.topics import Topics
from edge_agent.simulator import central_reading
from tests.support.matrix import Fault
from tests.support.shop import ShopUnderTest

LONG = int(os.environ.get("EDGE_AGENT_SEEDS", "0"))
AGENT = Topics("demo", "sh-0001", "pc-1")
WEEKEND = 60 * 120 if LONG else 300  # orders: 60 hours of 120 an hour
WORDS = 60
RANGES = 40


def acknowledge(shop: ShopUnderTest, word: dict[str, object]) -> None:
    """Say something in head office's name."""
    publish.single(AGENT.ack, json.dumps(word), qos=1, port=shop.store.broker.port)


@pytest.mark.fault("central", "down for 60 h of trade")
async def test_down_for_a_weekend(shop: ShopUnderTest, fault: Fault) -> None:
    central = await shop.central()
    await shop.agent()
    await shop.sell(3)
    await shop.until_equal()
    await central.stop()
    shop.store.broker.restart(keep_memory=False)  # nobody keeps for head office what the agent has sent meanwhile
    await shop.sell(WEEKEND, "--interval=0")
    await shop.until_recorded()
    await shop.central()
    fault.mended()
    await shop.sell(5)
    await fault.settled(shop, patience=300)


@pytest.mark.long
@pytest.mark.fault("central", "slow")
async def test_slow(shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central("--delay=300")
    await shop.agent()
    await shop.sell(30)
    fault.mended()
    await fault.settled(shop)


@pytest.mark.fault("central", "acknowledges twice, out of order, too much, in another epoch")
async def test_wild_words(shop: ShopUnderTest, fault: Fault, rng: random.Random) -> None:
    central = await shop.central()
    await shop.agent()
    await shop.sell(10)
    await shop.until_equal()
    epoch = (await shop.status())["epoch"]
    await central.stop()
    for _ in range(WORDS):
        of = rng.choice((epoch, epoch, "00000000-0000-4000-8000-000000000000"))
        upto = rng.randrange(11) if of == epoch else rng.randrange(10**9)
        acknowledge(shop, {"epoch": of, "upto": {"orders": upto}, "need": {}})
    await shop.sell(10)
    # Beyond all that was ever sent: the disk must be an old one, and a new epoch begins.
    acknowledge(shop, {"epoch": epoch, "upto": {"orders": 10**6}, "need": {}})
    await shop.central()
    fault.mended()
    await shop.sell(5)
    await fault.settled(shop)


@pytest.mark.fault("central", "restored from an old backup")
async def test_restored_from_a_backup(shop: ShopUnderTest, fault: Fault) -> None:
    central = await shop.central()
    await shop.agent()
    await shop.sell(15)
    await shop.until_equal()
    backup = shop.store.folder / "backup.db"
    central_reading.backup(shop.store.database, backup)
    await shop.sell(15)
    await shop.until_equal()
    await central.stop()
    for leftover in shop.store.folder.glob("central.db*"):
        leftover.unlink()
    shutil.copy(backup, shop.store.database)
    assert len(shop.held()) == 15
    await shop.central()
    fault.mended()
    await fault.settled(shop)
    assert central_reading.alarms(shop.store.database) == []


@pytest.mark.fault("central", "killed between storing and acknowledging")
async def test_killed_in_between(shop: ShopUnderTest, fault: Fault, rng: random.Random) -> None:
    await shop.agent()
    register = await shop.register("--interval=0.02", "--style=mixed", f"--seed={rng.randrange(10**6)}")
    for _ in range(LONG or 4):
        central = await shop.central()
        await asyncio.sleep(rng.uniform(0, 0.3))
        await central.kill()
    await shop.central()
    fault.mended()
    await register.stop()
    await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("central", "its database locked by somebody else")
async def test_locked(shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    await shop.agent()
    await shop.sell(5)
    await shop.until_equal()
    with closing(sqlite3.connect(shop.store.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await shop.sell(20)
        await shop.until_recorded()
        other.execute("ROLLBACK")
    fault.mended()
    await shop.sell(5)
    await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("central", "never answers, then does")
async def test_never_answers(shop: ShopUnderTest, fault: Fault) -> None:
    await shop.agent()  # the broker takes everything; nobody behind it
    await shop.sell(30)
    await shop.until_recorded()
    await shop.until_status(lambda status: status["sync"]["connected"])
    await shop.central()
    fault.mended()
    await shop.sell(5)
    await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("central", "asks for the same ranges again and again")
async def test_asks_again_and_again(shop: ShopUnderTest, fault: Fault, rng: random.Random) -> None:
    await shop.central()
    await shop.agent()
    await shop.sell(20)
    await shop.until_equal()
    epoch = (await shop.status())["epoch"]
    for _ in range(RANGES):
        first = rng.randrange(1, 20)
        need = {"orders": [[first, rng.randrange(first, 25)], [1, 20]]}
        acknowledge(shop, {"epoch": epoch, "upto": {"orders": 20}, "need": need})
    await shop.sell(10)
    fault.mended()
    await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("central", "two services on one broker")
async def test_two_services(shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    own = shop.store.database
    shop.store.database = own.with_name("other.db")
    other = await shop.central("--client-id=other")
    shop.store.database = own
    await shop.agent()
    await shop.sell(30)
    await other.stop()
    fault.mended()
    await shop.sell(5)
    await fault.settled(shop)
