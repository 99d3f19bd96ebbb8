"""What a shop does to its box: after each of these, head office's books equal the register's."""

import os
import random
import shutil
from pathlib import Path

import pytest

from tests.support.shop import ShopUnderTest, difference, until

OUTAGES = 10


async def test_broker_outages_with_and_without_its_memory(shop: ShopUnderTest, rng: random.Random) -> None:
    await shop.central()
    await shop.agent()
    register = await shop.register("--interval=0.05", "--style=mixed", f"--seed={rng.randrange(10**6)}")
    for outage in range(OUTAGES):
        await printed(shop, 5)
        shop.store.broker.kill()
        await printed(shop, 5)
        shop.store.broker.restart(keep_memory=outage % 2 == 0)
    await register.stop()
    await shop.until_equal()


async def printed(shop: ShopUnderTest, more: int) -> None:
    wanted = len(shop.printed) + more
    await until(lambda: len(shop.printed) >= wanted)


@pytest.mark.skipif(os.geteuid() != 0, reason="another machine-id needs a mount namespace, which needs root")
async def test_a_cloned_disk(shop: ShopUnderTest) -> None:
    central = await shop.central()
    first, _ = await shop.agent()
    await shop.sell(10)
    await shop.until_equal()
    await central.stop()
    await shop.sell(10)
    await shop.until_recorded()
    await first.stop()

    other = shop.store.folder / "machine-id"
    other.write_text("0123456789abcdef0123456789abcdef\n", "ascii")
    mount = f'mount --bind {other} /etc/machine-id && exec "$@"'
    await shop.agent(wrapper=("unshare", "-m", "sh", "-c", mount, "sh"))
    await shop.central()
    await shop.until_equal()
    await until(lambda: len(shop.events("o2o.agent.recovered.v1")) == 1)
    (recovered,) = shop.events("o2o.agent.recovered.v1")
    assert (recovered["reason"], recovered["lost"]) == ("cloned", 0)


async def test_a_disk_rolled_back_to_an_older_image(shop: ShopUnderTest) -> None:
    await shop.central()
    agent, _ = await shop.agent()
    await shop.sell(10)
    await shop.until_equal()
    await agent.stop()
    image = shop.store.folder / "image"
    shutil.copytree(shop.store.folder / "state", image)
    agent, _ = await shop.agent()
    await shop.sell(10)
    await shop.until_equal()
    await agent.stop()

    shutil.rmtree(shop.store.folder / "state")
    shutil.copytree(image, shop.store.folder / "state")
    shop.store.broker.kill()  # it boots offline and goes on selling: past what head office has seen of the old life
    agent, _ = await shop.agent()
    await shop.sell(30)
    shop.store.broker.restart(keep_memory=True)
    await shop.until_equal()
    await until(lambda: len(shop.events("o2o.agent.recovered.v1")) == 1)
    (recovered,) = shop.events("o2o.agent.recovered.v1")
    assert recovered["reason"] == "rolled_back"


async def test_a_damaged_database_is_salvaged(shop: ShopUnderTest, rng: random.Random) -> None:
    agent, _ = await shop.agent()
    await shop.sell(150, f"--seed={rng.randrange(10**6)}")
    await shop.until_recorded()
    await agent.stop()
    database = shop.store.folder / "state" / "edge.db"
    body = bytearray(database.read_bytes())
    pages = range(4096 * 2, len(body), 4096)
    for start in rng.sample(list(pages), 3):
        body[start : start + 4096] = rng.randbytes(4096)
    database.write_bytes(body)

    await shop.central()
    await shop.agent()
    await until(lambda: len(shop.events("o2o.agent.recovered.v1")) == 1)
    (recovered,) = shop.events("o2o.agent.recovered.v1")
    assert recovered["reason"] == "damaged"
    assert list((shop.store.folder / "state" / "quarantine").iterdir())
    # Three pages of some sixty are gone, each with a few orders on it, or with the way to them.
    await until(lambda: len(shop.held()) >= 0.8 * len(shop.printed), lambda: difference(shop.printed, shop.held()))
    if recovered["lost"] is not None:
        assert len(shop.held()) + recovered["lost"] >= len(shop.printed)
    assert shop.held().items() <= shop.printed.items(), "a salvaged order must be the one that was printed"
    before = set(shop.printed)
    await shop.sell(5)
    await until(lambda: shop.printed.keys() - before <= shop.held().keys())


@pytest.mark.skipif(shutil.which("faketime") is None, reason="needs Debian's faketime")
async def test_a_clock_step_is_told_with_the_boots_events(shop: ShopUnderTest) -> None:
    stamp = shop.store.folder / "faketime"
    stamp.write_text("-2d\n", "ascii")
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    await shop.central()
    await shop.agent(
        env={
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(stamp),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_NO_CACHE": "1",
        }
    )
    await shop.sell(3)
    await shop.until_equal()
    stamp.write_text("+0d\n", "ascii")
    await until(lambda: len(shop.events("o2o.agent.clock_changed.v1")) == 1)
    (changed,) = shop.events("o2o.agent.clock_changed.v1")
    assert abs(changed["step_ms"] - 2 * 86_400_000) < 60_000
    await shop.sell(3)
    await shop.until_equal()
