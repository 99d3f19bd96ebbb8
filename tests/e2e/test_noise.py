"""What is no receipt: it is said, nothing is invented, and the receipts around it arrive."""

import asyncio
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import zstandard

from edge_agent.contract.frames import FrameError, unpack
from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support.shop import ShopUnderTest, difference, until
from tests.support.till import Terminal, Till

INIT, CHINESE, CUT = b"\x1b@", b"\x1c&", b"\x1dV\x42\x00"


@pytest.fixture
def terminal(shop: ShopUnderTest) -> Iterator[Terminal]:
    terminal = Terminal(shop.store.port)
    terminal.plug()
    yield terminal
    terminal.close()


async def test_noise_at_full_speed_and_then_receipts(
    shop: ShopUnderTest, terminal: Terminal, rng: random.Random
) -> None:
    till = Till(shop.printed, rng)
    await shop.central()
    await shop.agent()
    await shop.until_up()
    for _ in range(40):
        await terminal.write(rng.randbytes(16 * 1024))
    await shop.until_status(lambda status: status["devices"][0]["state"] == "degraded")
    await asyncio.sleep(2.5)  # the silence that ends it
    for _ in range(20):
        await terminal.write(till.ring())
        await asyncio.sleep(0.01)
    await until(
        lambda: shop.printed.items() <= shop.held_loosely().items(),
        lambda: difference(shop.printed, shop.held_loosely()),
    )
    await shop.until_status(lambda status: status["devices"][0]["state"] == "up")
    for order in shop.events("o2o.order.completed.v1"):
        assert order["order_no"] in shop.printed, order


async def test_noise_before_a_receipt(shop: ShopUnderTest, terminal: Terminal, rng: random.Random) -> None:
    """One in a hundred such bursts ends in a command that claims what follows it; silence takes that back."""
    till = Till(shop.printed, rng)
    shop.store.configure(store=STORE_TOML + 'idle_end = "100ms"\n')
    await shop.central()
    await shop.agent()
    await shop.until_up()
    for _ in range(20):
        await terminal.write(rng.randbytes(rng.randrange(1, 3000)))
        await asyncio.sleep(0.4)  # what silence is, is a matter of time
        await terminal.write(till.ring())
        await asyncio.sleep(0.05)
    await until(
        lambda: shop.printed.items() <= shop.held_loosely().items(),
        lambda: difference(shop.printed, shop.held_loosely()),
    )
    assert shop.held_loosely().keys() - {None} == shop.printed.keys()


async def test_pictures_stars_and_very_long_receipts(
    shop: ShopUnderTest, terminal: Terminal, rng: random.Random
) -> None:
    till = Till(shop.printed, rng)
    await shop.central()
    await shop.agent()
    await shop.until_up()
    raster = b"\x1dv0\x00" + (72).to_bytes(2, "little") + (400).to_bytes(2, "little") + rng.randbytes(72 * 400)
    await terminal.write(INIT + raster + CUT)
    await terminal.write(till.ring())
    star = b"\x1b@\x1b\x1dt\x01\x1b\x1da\x01SHOP\n\x1biHello\x1bi\x01\x01 TOTAL 12.00\n\x1bd\x02"
    await terminal.write(star)
    await until(lambda: len(shop.events("o2o.order.")) == 3, shop.held_loosely)
    await terminal.write(till.ring())
    lines = "".join(f"商品{n:04}\n            1    1.00    1.00\n" for n in range(2000))
    totals = "合计:  2000.00\n应收: 2000.00\n现金: 2000.00\n"
    await terminal.write(
        INIT + CHINESE + f"单号:20261122900001\n时间:2026-11-22 10:00:00\n{lines}{totals}".encode("gb18030") + CUT
    )
    await terminal.write(till.ring())
    await until(lambda: len(shop.events("o2o.order.")) == 6, shop.held_loosely)
    assert shop.printed.items() <= shop.held_loosely().items()
    assert [event["reason"] for event in shop.events("o2o.order.unparsed.v1")] == ["image_only", "star"]
    (long,) = [event for event in shop.events("o2o.order.completed.v1") if event["order_no"] == "20261122900001"]
    assert (len(long["lines"]), long["totals"]["payable"]) == (2000, 200_000)
    await shop.until_status(lambda status: status["sync"]["waiting"] == 0)


SECRETS = (b"13812345678", b"6222021234567890123", b"134567890123456789", b"283456789012345678")


async def test_secrets_are_nowhere_once_it_is_recorded(shop: ShopUnderTest, terminal: Terminal, tmp_path: Path) -> None:
    text = (
        "销售小票\n单号:20261122000001\n时间:2026-11-22 10:31:05\n收银员:王芳\n会员手机:13812345678\n"
        "农夫山泉550ml\n            2    2.00    4.00\n合计:    4.00\n应收:   4.00\n微信支付:    4.00\n"
        "付款码:134567890123456789\n支付宝付款码 283456789012345678\n卡号:6222021234567890123\n谢谢\n\n"
    )
    await shop.central()
    agent, _ = await shop.agent()
    await shop.until_up()
    await terminal.write(INIT + CHINESE + text.encode("gb18030") + CUT)
    unknown = text.replace("合计", "什么").replace("应收", "怎么")
    await terminal.write(INIT + CHINESE + unknown.encode("gb18030") + CUT)
    await until(lambda: len(shop.events("o2o.order.")) == 2)
    assert await agent.stop() == 0
    texts = [repr(shop.log).encode(), *readable(tmp_path)]
    assert any(b"20261122000001" in content for content in texts), "this is where it would be found"
    for secret in SECRETS:
        assert not any(secret in content for content in texts), secret


def readable(folder: Path) -> Iterator[bytes]:
    """Yield every file, and what is compressed in captures and in the agent's database."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes()
    captures = list((folder / "state" / "captures").iterdir())
    assert len(captures) == 2
    for path in captures:
        yield zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()
    with closing(sqlite3.connect(folder / "state" / "edge.db")) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in database.execute(f"SELECT * FROM {table}"):
                for value in row:
                    if isinstance(value, bytes):
                        with suppress(FrameError):
                            yield bytes(unpack(value, "zstd"))
