"""What happens to the agent's process: afterwards head office's books equal the register's."""

import asyncio
import os
import random
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from edge_agent.simulator.virtual_store import AGENT_TOML, STORE_TOML, Part
from tests.support.command import edge_agent
from tests.support.matrix import Fault
from tests.support.memory import memory_group
from tests.support.shop import ShopUnderTest, shop_under_test, until

# `make faults` sets it to 200: 200 shops of 10 kills each; `make test` takes a few.
LONG = int(os.environ.get("EDGE_AGENT_SEEDS", "0"))
SHOPS = LONG or 1
KILLS = 10  # in each shop
STOPS = 20 if LONG else 4
STOPS_WITHIN_S = 10.0  # contract section 1
KEEPALIVE_S = 2
SUSPENDED_S = 60.0 if LONG else 1.5 * KEEPALIVE_S + 1.5  # the broker gives up after one and a half keepalives

SECOND_TILL = """
[[touchpoint]]
id = "till-2"
name = "2号收银台"

[[device]]
id = "till-2-printer"
name = "2号收银小票"
kind = "serial"
touchpoint = "till-2"
port = "till-2"
baudrate = 115200
decoder = "escpos"
encoding = "gb18030"
"""


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    """Two tills: what is half read of one must not be taken for the other's."""
    async with shop_under_test(tmp_path, store_toml=STORE_TOML + SECOND_TILL) as running:
        yield running


@asynccontextmanager
async def selling(shop: ShopUnderTest, interval: float = 0.03, seed: int = 1) -> AsyncIterator[None]:
    """Have both tills print until the context ends."""
    options = ("--style=mixed", f"--interval={interval}")
    first = await shop.register(*options, f"--seed={seed}")
    other = ("--first=500001", f"--link={shop.store.folder / 'till-2'}", f"--seed={seed + 1}")
    second = await shop.register(*options, *other)
    yield
    await first.stop()
    await second.stop()


async def sold(shop: ShopUnderTest, more: int = 5) -> None:
    wanted = len(shop.printed) + more
    await until(lambda: len(shop.printed) >= wanted)


@pytest.mark.fault("process", "kill -9 at random moments")
@pytest.mark.parametrize("number", range(SHOPS))
async def test_kill_9_at_random_moments(shop: ShopUnderTest, fault: Fault, rng: random.Random, number: int) -> None:
    await shop.central()
    async with selling(shop, seed=rng.randrange(10**6)):
        for _ in range(KILLS):
            agent = await shop.agent_unready()
            # Reading begins about 0.6 s after the start: some die before, some in the thick of a backlog, some at rest.
            await asyncio.sleep(rng.uniform(0.1, 1.4))
            await agent.kill()
        await shop.agent()
        fault.mended()
        await sold(shop)
    await fault.settled(shop)
    assert len(shop.printed) > KILLS


@pytest.mark.fault("process", "SIGTERM and SIGINT in traffic")
async def test_stopped_in_traffic(shop: ShopUnderTest, fault: Fault, rng: random.Random) -> None:
    await shop.central()
    async with selling(shop, seed=rng.randrange(10**6)):
        for number in range(STOPS):
            agent, _ = await shop.agent()
            await sold(shop, rng.randrange(4))  # none: perhaps before reading begins
            began = time.monotonic()
            agent.process.send_signal((signal.SIGTERM, signal.SIGINT)[number % 2])
            async with asyncio.timeout(STOPS_WITHIN_S):
                assert await agent.process.wait() == 0
            assert time.monotonic() - began < STOPS_WITHIN_S
            await asyncio.sleep(0.2)  # both print on, until nobody takes it
        await shop.agent()
        fault.mended()
    await fault.settled(shop)


@pytest.mark.fault("process", "suspended for longer than the keepalive (SIGSTOP)")
async def test_suspended(shop: ShopUnderTest, fault: Fault) -> None:
    quick = AGENT_TOML.replace("keepalive = 10", f"keepalive = {KEEPALIVE_S}")
    shop.store.config.write_text(quick.format(port=shop.store.broker.port), "utf-8")
    await shop.central()
    agent, _ = await shop.agent()
    async with selling(shop, interval=0.1):
        await sold(shop)
        agent.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(SUSPENDED_S)
        agent.process.send_signal(signal.SIGCONT)
        fault.mended()
        await sold(shop)
    await fault.settled(shop)
    assert agent.process.returncode is None, "it must survive the night's sleep of its box"


@pytest.mark.long
@pytest.mark.fault("process", "crashes in native code (SIGSEGV, SIGABRT, SIGBUS)")
async def test_crashes(shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    async with selling(shop):
        for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS):
            agent, _ = await shop.agent()
            await sold(shop, 3)
            agent.process.send_signal(number)
            assert await agent.process.wait() == -number
        await shop.agent()
        fault.mended()
    await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("process", "killed by the kernel, out of memory")
async def test_out_of_memory(shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    with memory_group(300 * 1024 * 1024) as group:
        agent, _ = await shop.agent(wrapper=group.wrapper)
        async with selling(shop):
            await sold(shop)
            await asyncio.to_thread(group.exhaust)
            assert await agent.process.wait() == -signal.SIGKILL
            await sold(shop)
            await shop.agent()
            fault.mended()
            await sold(shop)
        await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("process", "agent and head office's service killed together")
async def test_both_killed(shop: ShopUnderTest, fault: Fault) -> None:
    central = await shop.central()
    agent, _ = await shop.agent()
    async with selling(shop):
        for _ in range(KILLS if LONG else 2):
            await sold(shop)
            await agent.kill()
            await central.kill()
            await sold(shop)
            central = await shop.central()
            agent, _ = await shop.agent()
            await shop.until_up()  # or the tills may never be read, and wait for that
        fault.mended()
    await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("process", "started twice on one state directory")
async def test_started_twice(shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    first, _ = await shop.agent()
    async with selling(shop):
        await sold(shop)
        for _ in range(2):
            second = await asyncio.to_thread(edge_agent, "run", "--config", shop.store.config)
            assert second.code == 3
            assert f"another edge-agent (process {first.process.pid}) is using" in second.err
        fault.mended()
        await sold(shop)
    await fault.settled(shop)


# Executes what follows it with a stderr of its kind: none at all, or a pipe that is full and that nobody reads.
CLOSED = ("sh", "-c", 'exec "$@" 2>&-', "sh")
FULL = (sys.executable, "-c", """\
import os, sys
reading, writing = os.pipe()
os.set_blocking(writing, False)
try:
    while True: os.write(writing, b"x")
except BlockingIOError: pass
os.set_blocking(writing, True)
os.set_inheritable(reading, True)
os.dup2(writing, 2)
os.execvp(sys.argv[1], sys.argv[1:])
""")  # fmt: skip


@pytest.mark.long
@pytest.mark.fault("process", "nobody reads its log (stderr closed, a full pipe)")
@pytest.mark.parametrize("wrapper", [CLOSED, FULL], ids=["closed", "full"])
async def test_nobody_reads_the_log(shop: ShopUnderTest, fault: Fault, wrapper: tuple[str, ...]) -> None:
    await shop.central()
    agent = await started_silently(shop, wrapper)
    async with selling(shop):
        await sold(shop, 10)
        await agent.kill()
        await sold(shop)
        agent = await started_silently(shop, wrapper)
        fault.mended()
    await fault.settled(shop)
    assert await agent.stop() == 0


async def started_silently(shop: ShopUnderTest, wrapper: tuple[str, ...]) -> Part:
    """Start an agent whose log cannot say where its page is, and wait until it serves it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = shop.store.config.read_text("utf-8")
    before, _, _ = text.partition("listen = ")
    shop.store.config.write_text(f'{before}listen = "127.0.0.1:{port}"\n', "utf-8")
    agent = await shop.agent_unready(wrapper=wrapper)
    shop.url = f"http://127.0.0.1:{port}/"
    async with asyncio.timeout(60):
        while True:
            assert agent.process.returncode is None, f"it ended with {agent.process.returncode}"
            try:
                await shop.status()
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)
            else:
                return agent
