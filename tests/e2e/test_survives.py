"""What a shop does to its box: after each of these, head office's books equal the register's."""

import shutil
from pathlib import Path

import pytest

from tests.support.shop import ShopUnderTest, until


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
