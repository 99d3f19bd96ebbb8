"""What disks do to a shop: afterwards head office's books equal the register's."""

import asyncio
import os
import random
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from _pytest.mark import ParameterSet

from edge_agent.simulator.virtual_store import AGENT_TOML
from tests.support.disk import Ext4, ext4_disk, injected, injection, small_disk, take_all, take_inodes
from tests.support.matrix import Fault
from tests.support.restarting import restarted
from tests.support.shop import ShopUnderTest, until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a file system of its own needs mount, which needs root")

LONG = int(os.environ.get("EDGE_AGENT_SEEDS", "0")) > 0
HANGS_S = 40.0  # longer than a disk takes that only wakes up


def a_case(name: str, *values: object, only_long: bool = False) -> ParameterSet:
    """Return one fault of a test that does several."""
    marks = [pytest.mark.fault("disk", name), *([pytest.mark.long] if only_long else [])]
    return pytest.param(*values, marks=marks, id=name.replace(" ", "_"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A state directory of its own; to be asked for before ``shop``, so that it is there for longer."""
    with small_disk(tmp_path / "state") as folder:
        yield folder


@pytest.fixture
def inodes(tmp_path: Path) -> Iterator[Path]:
    """A state directory with room for few files."""
    with small_disk(tmp_path / "state", "size=16m,nr_inodes=64") as folder:
        yield folder


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime directory of its own, with the lines' journals in it: in memory, as systemd makes it, but small."""
    with small_disk(tmp_path / "small", "size=64k") as folder:
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def _runtime_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the unit has it: what was read from a line does not lie on the disk that fails."""
    (tmp_path / "run").mkdir(mode=0o700, exist_ok=True)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))


@pytest.fixture
def ext4(tmp_path: Path) -> Iterator[Ext4]:
    with ext4_disk(tmp_path / "disk.img", tmp_path / "state") as found:
        yield found


@asynccontextmanager
async def selling(shop: ShopUnderTest, interval: float = 0.03) -> AsyncIterator[None]:
    """Have the till print until the context ends."""
    register = await shop.register(f"--interval={interval}", "--style=mixed")
    yield
    await register.stop()


async def sold(shop: ShopUnderTest, more: int = 5) -> None:
    wanted = len(shop.printed) + more
    await until(lambda: len(shop.printed) >= wanted, lambda: f"{len(shop.printed)} of {wanted}; {shop.log[-3:]}")


def files(state: Path) -> tuple[Path, ...]:
    """Return the database's files."""
    return state / "edge.db", state / "edge.db-wal"


def codes(status: dict[str, Any]) -> set[str]:
    return {condition["code"] for condition in status["conditions"]}


@pytest.mark.fault("disk", "full, later free: orders go on in the reserve")
async def test_full_then_free(disk: Path, shop: ShopUnderTest, fault: Fault) -> None:
    await shop.agent()
    await shop.sell(50)
    take_all(disk)
    await shop.sell(230)
    await shop.until_recorded()
    status = await shop.status()
    assert codes(status) & {"disk_low", "disk_full"}, status
    (disk / "filler").unlink()
    fault.mended()
    await shop.until_status(lambda status: not codes(status) & {"disk_low", "disk_full"})
    await shop.central()
    await shop.sell(20)
    await fault.settled(shop)
    low = shop.events("o2o.agent.storage_low.v1")
    assert [event["level"] for event in low] in (["low", "ok"], ["ok"]), low


@pytest.mark.long
@pytest.mark.fault("disk", "full, and somebody takes what the reserve gives back")
async def test_full_without_a_reserve(disk: Path, shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    await shop.agent()
    await shop.sell(20)
    take_all(disk)
    register = await shop.register("--interval=0.005", "--style=mixed")
    while "disk_full" not in codes(await shop.status()):
        await asyncio.sleep(0.1)  # the page refuses who asks without a pause
        take_all(disk)
    (disk / "filler").unlink()
    fault.mended()
    await shop.until_status(lambda status: "disk_full" not in codes(status))
    await register.stop()
    await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("disk", "full, and the agent is stopped")
async def test_stopped_while_full(disk: Path, shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    agent, _ = await shop.agent()
    register = await shop.register("--interval=0.005", "--style=mixed")
    while "disk_full" not in codes(await shop.status()):
        await asyncio.sleep(0.1)  # the page refuses who asks without a pause
        take_all(disk)
    began = asyncio.get_running_loop().time()
    assert await agent.stop() == 0
    assert asyncio.get_running_loop().time() - began < 10, "contract section 1"
    (disk / "filler").unlink()
    await shop.agent()
    fault.mended()
    await register.stop()
    await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("disk", "full, and the agent is killed five times")
async def test_killed_while_full(disk: Path, shop: ShopUnderTest, fault: Fault, rng: random.Random) -> None:
    agent, _ = await shop.agent()
    register = await shop.register("--interval=0.03", "--style=mixed")
    await sold(shop, 20)
    take_all(disk)
    for _ in range(5):
        await asyncio.sleep(rng.uniform(0.1, 0.6))
        await agent.kill()
        agent, _ = await shop.agent()
    await register.stop()
    (disk / "filler").unlink()
    fault.mended()
    await shop.central()
    await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("disk", "full when the agent starts")
async def test_full_at_start(disk: Path, shop: ShopUnderTest, fault: Fault) -> None:
    agent, _ = await shop.agent()
    await shop.sell(20)
    await agent.kill()
    take_all(disk)
    agent, _ = await shop.agent()
    await shop.sell(20)
    await agent.kill()
    agent, _ = await shop.agent()
    await shop.sell(20)
    assert await agent.stop() == 0
    (disk / "filler").unlink()
    await shop.agent()
    fault.mended()
    await shop.central()
    await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("disk", "no inode left, under the agent and when it starts")
async def test_no_inodes(inodes: Path, shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    async with restarted(shop) as agent:
        async with selling(shop):
            await sold(shop)
            taken = take_inodes(inodes)
            await sold(shop, 20)
            assert agent.part is not None
            await agent.part.stop()  # its log goes with it: the next run needs another file
            taken += take_inodes(inodes)
            await sold(shop, 20)
            for path in taken:
                path.unlink()
            fault.mended()
            await sold(shop)
        await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("disk", "read-only after an error of its ext4, until the next boot")
async def test_read_only(ext4: Ext4, shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    async with restarted(shop) as agent:
        await shop.sell(10)
        await shop.until_equal()
        ext4.fail()
        register = await shop.register("--interval=0.05", "--style=mixed")
        await agent.ended(2)
        assert set(agent.ends) == {3}
    ext4.mend()
    async with restarted(shop) as agent:
        fault.mended()
        await sold(shop)
        await register.stop()
        await fault.settled(shop)
        assert agent.ends == []


@pytest.mark.parametrize(
    ("call", "what"),
    [
        a_case("EIO once when flushing", "fdatasync", "error=EIO:when=4"),
        a_case("EIO whenever flushing", "fdatasync", "error=EIO", only_long=True),
        a_case("EIO once when writing", "pwrite64", "error=EIO:when=7", only_long=True),
        a_case("EIO whenever writing", "pwrite64", "error=EIO", only_long=True),
        a_case("quota exceeded (EDQUOT)", "pwrite64", "error=EDQUOT", only_long=True),
    ],
)
async def test_calls_that_fail(shop: ShopUnderTest, fault: Fault, call: str, what: str) -> None:
    await shop.central()
    async with restarted(shop) as agent:
        async with selling(shop):
            await sold(shop, 3)
            async with injected(await agent.up(), call, what, *files(shop.store.folder / "state")):
                await agent.ended(1)
                await sold(shop, 10)
            fault.mended()
            await sold(shop)
        await fault.settled(shop)
        assert agent.ends == [3]


@pytest.mark.parametrize(
    ("call", "file"),
    [
        a_case("EIO when reading at the start", "pread64", "edge.db", only_long=True),
        a_case("EIO when flushing what a crash has left", "fdatasync", "edge.db-wal"),
    ],
)
async def test_a_start_that_fails(shop: ShopUnderTest, fault: Fault, call: str, file: str) -> None:
    """A file that cannot be read now is not damaged: it is left alone, and the next start finds it well."""
    agent, _ = await shop.agent()
    await shop.sell(10)
    await shop.until_recorded()
    await agent.kill()
    state = shop.store.folder / "state"
    log = (state / "edge.db-wal").read_bytes()
    failing = await shop.agent_unready(wrapper=injection(call, "error=EIO", state / file))
    assert await failing.process.wait() == 3
    assert (state / "edge.db-wal").read_bytes() == log, "nothing is added to what is not known to be on the disk"
    assert not (state / "quarantine").exists()
    await shop.agent()
    fault.mended()
    await shop.central()
    await shop.sell(5)
    await fault.settled(shop)
    assert shop.events("o2o.agent.recovered.v1") == []


@pytest.mark.long
@pytest.mark.fault("disk", "slow: 0.2 s for every flush")
async def test_slow(shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    agent, _ = await shop.agent()
    async with selling(shop, 0.01):
        async with injected(agent.process.pid, "fdatasync", "delay_enter=200ms", *files(shop.store.folder / "state")):
            await sold(shop, 100)
        fault.mended()
    await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("disk", "hangs for a while (40 s in the long series), then goes on")
async def test_hangs(shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    agent, url = await shop.agent()
    hang_s = HANGS_S if LONG else 2.0
    async with selling(shop):
        await sold(shop)
        state = shop.store.folder / "state"
        async with injected(agent.process.pid, "fdatasync", f"delay_enter={hang_s}s:when=1", *files(state)):
            await sold(shop, 20)
            async with aiohttp.ClientSession() as session:  # what the watchdog sees: it has more patience than that
                assert (await session.get(f"{url}healthz")).status == 200
            during = len(shop.printed)  # the till goes on: something is always waiting
            await until(lambda: len(shop.held()) >= during, lambda: f"{len(shop.held())} of {during}; {shop.log[-3:]}")
        fault.mended()
    await fault.settled(shop)
    assert agent.process.returncode is None


def deleted(state: Path) -> None:
    while state.exists():  # the agent goes on making files in it
        shutil.rmtree(state, ignore_errors=True)


def moved(state: Path) -> None:
    state.rename(state.with_name("elsewhere"))


def without_log(state: Path) -> None:
    (state / "edge.db-wal").unlink()


@pytest.mark.parametrize(
    "harm",
    [
        a_case("state directory deleted under the agent, head office away", deleted),
        a_case("state directory moved away under the agent, head office away", moved, only_long=True),
        a_case("the database's log deleted under the agent, head office away", without_log, only_long=True),
    ],
)
async def test_gone_under_the_agent(shop: ShopUnderTest, fault: Fault, harm: Callable[[Path], None]) -> None:
    """What it has open is all there is of the orders: it is written to the disk again before the agent ends."""
    async with restarted(shop) as agent:
        async with selling(shop):
            await sold(shop, 20)
            harm(shop.store.folder / "state")
            fault.mended()
            await agent.ended(1)
            await agent.up()
            await sold(shop)
        await shop.central()
        await fault.settled(shop)
        assert agent.ends == [3]
    assert shop.events("o2o.agent.recovered.v1") == [], "nothing is lost, so the epoch goes on"


@pytest.mark.long
@pytest.mark.fault("disk", "the runtime directory, with the lines' journals, is full")
async def test_no_room_for_journals(runtime: Path, shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    take_all(runtime)
    agent, _ = await shop.agent()
    async with selling(shop):
        await sold(shop, 30)
        (runtime / "filler").unlink()
        fault.mended()
        await sold(shop)
    await fault.settled(shop)
    assert agent.process.returncode is None


@pytest.mark.long
@pytest.mark.fault("disk", "nowhere to write the log (ENOSPC on stderr)")
async def test_log_full(shop: ShopUnderTest, fault: Fault) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    listening = AGENT_TOML.replace("127.0.0.1:0", f"127.0.0.1:{port}")
    shop.store.config.write_text(listening.format(port=shop.store.broker.port), "utf-8")
    shop.url = f"http://127.0.0.1:{port}/"
    await shop.central()
    agent = await shop.agent_unready(wrapper=("sh", "-c", 'exec "$@" 2>/dev/full', "sh"))
    await shop.sell(10)
    shop.store.broker.kill()
    shop.store.broker.restart(keep_memory=False)
    fault.mended()
    await shop.sell(10)
    await fault.settled(shop)
    assert agent.process.returncode is None
    assert await agent.stop() == 0
