"""What becomes of a shop whose database is damaged, replaced or held: its books, and what is told of the rest."""

import asyncio
import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from _pytest.mark import ParameterSet

import edge_agent
from edge_agent.contract.events import Stream
from edge_agent.storage import rows
from edge_agent.storage.connection import schema_version
from tests.support import command
from tests.support.matrix import Fault
from tests.support.pages import PAGE, leaf_with, pages_of
from tests.support.restarting import restarted
from tests.support.shop import ShopUnderTest, until

ORDERS = 60
STARTS = 10 if os.environ.get("EDGE_AGENT_SEEDS") else 1
PACKAGE = Path(edge_agent.__file__).parent

Harm = Callable[[Path, random.Random], None]


def a_case(name: str, *values: object, only_long: bool = False) -> ParameterSet:
    """Return one fault of a test that does several."""
    marks = [pytest.mark.fault("database", name), *([pytest.mark.long] if only_long else [])]
    return pytest.param(*values, marks=marks, id=name.replace(" ", "_"))


def written(path: Path, offset: int, content: bytes) -> None:
    with path.open("rb+") as file:
        file.seek(offset)
        file.write(content)


def flipped(path: Path, offset: int) -> None:
    byte = path.read_bytes()[offset]
    written(path, offset, bytes([byte ^ 0x10]))


def torn_leaf(state: Path, rng: random.Random) -> None:
    """A page of which the disk has written the first sectors only."""
    offset = rng.choice(pages_of(state / "edge.db", 13)[2:])
    written(state / "edge.db", offset + 1024, rng.randbytes(PAGE - 1024))


def flipped_header(state: Path, rng: random.Random) -> None:
    flipped(state / "edge.db", rng.choice([3, 16, 30, 44, 56]))


def flipped_freelist(state: Path, _: random.Random) -> None:
    flipped(state / "edge.db", 33)
    flipped(state / "edge.db", 39)


def flipped_interior(state: Path, rng: random.Random) -> None:
    flipped(state / "edge.db", rng.choice(pages_of(state / "edge.db", 5)) + rng.choice([0, 3, 9]))


def flipped_rows(state: Path, rng: random.Random) -> None:
    """Bits within the bodies of events: SQLite's own check finds nothing."""
    for offset in rng.sample(pages_of(state / "edge.db", 13)[2:], 3):
        flipped(state / "edge.db", offset + PAGE - 700)


def flipped_log(state: Path, rng: random.Random) -> None:
    log = state / "edge.db-wal"
    flipped(log, 32 + (24 + PAGE) * rng.randrange(max(1, log.stat().st_size // (24 + PAGE) - 2)) + 1000)


def stray_index(state: Path, rng: random.Random) -> None:
    """A -shm, as another program leaves it, full of rubbish."""
    (state / "edge.db-shm").write_bytes(rng.randbytes(32 * 1024))


def truncated(state: Path, _: random.Random) -> None:
    """From the newest orders on: half of the file may hold no order at all, what is made first lies at the front."""
    select = "SELECT max(id) FROM frame WHERE id BETWEEN ? AND ?"
    with closing(sqlite3.connect(state / "edge.db")) as connection:
        (newest,) = connection.execute(select, (rows.key(Stream.ORDERS, 0), rows.end(Stream.ORDERS) - 1)).fetchone()
    os.truncate(state / "edge.db", leaf_with(state / "edge.db", newest) + 1000)


def emptied(state: Path, _: random.Random) -> None:
    os.truncate(state / "edge.db", 0)


def another_file(state: Path, rng: random.Random) -> None:
    (state / "edge.db").write_bytes(rng.randbytes(100_000))


# Of a log, what is behind the first damage cannot be reached; it may be at its beginning.
TAKES_ALL = (flipped_log, emptied, another_file)


@pytest.mark.parametrize(
    ("harm", "is_killed"),
    [
        a_case("a torn page", torn_leaf, False),
        a_case("a flipped bit in the header", flipped_header, False, only_long=True),
        a_case("flipped bits in the freelist's head", flipped_freelist, False, only_long=True),
        a_case("a flipped bit in an interior page", flipped_interior, False, only_long=True),
        a_case("flipped bits in the rows' bodies", flipped_rows, False, only_long=True),
        a_case("a flipped bit in the log of a killed process", flipped_log, True, only_long=True),
        a_case("a stray log index (-shm)", stray_index, True, only_long=True),
        a_case("truncated in the middle of a page", truncated, False, only_long=True),
        a_case("emptied: zero bytes", emptied, False, only_long=True),
        a_case("not a database", another_file, False, only_long=True),
    ],
)
async def test_damaged(shop: ShopUnderTest, fault: Fault, rng: random.Random, harm: Harm, is_killed: bool) -> None:
    """Nothing was sent yet; what the damage took is what `recovered` and the gap events tell, no order more."""
    agent, _ = await shop.agent()
    await shop.sell(ORDERS, f"--seed={rng.randrange(10**6)}")
    await shop.until_recorded()
    await (agent.kill() if is_killed else agent.stop())
    state = shop.store.folder / "state"
    recorded = sequences(state)
    harm(state, rng)
    await shop.central()
    async with restarted(shop):
        fault.mended()
        await shop.sell(5)
        await until(lambda: len(shop.events("o2o.agent.started.v1")) > 0)
        destroyed = told_destroyed(shop, recorded)
        await fault.settled(shop, destroyed=destroyed)
    assert destroyed < recorded or harm in TAKES_ALL, "what is not damaged is sent"


def sequences(state: Path) -> int:
    """Return how many sequences a database that nobody has open has given out."""
    with TemporaryDirectory() as folder:
        for file in state.glob("edge.db*"):
            shutil.copy(file, folder)
        with closing(sqlite3.connect(Path(folder) / "edge.db")) as connection:
            newest = connection.execute("SELECT max(last) FROM frame GROUP BY id >> 48").fetchall()
    return sum(int(last) for (last,) in newest)


def told_destroyed(shop: ShopUnderTest, recorded: int) -> int:
    """Return what the agent has told to be destroyed, of so many sequences of which none was sent."""
    destroyed: int = sum(
        gap["last"] - gap["first"] + 1 for gap in shop.events("o2o.agent.gap.v1") if gap["reason"] == "damaged"
    )
    for told in shop.events("o2o.agent.recovered.v1"):
        assert told["reason"] == "damaged"
        if told["lost"] is not None:
            assert told["lost"] == recorded - told["salvaged"], "what is told is what it was"
        destroyed += recorded - told["salvaged"]
    return destroyed


@pytest.mark.long
@pytest.mark.fault("database", "cloned to another machine")
@pytest.mark.skipif(os.geteuid() != 0, reason="another machine-id needs a mount namespace, which needs root")
async def test_a_cloned_disk(shop: ShopUnderTest, fault: Fault) -> None:
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
    fault.mended()
    await shop.until_equal()
    await until(lambda: len(shop.events("o2o.agent.recovered.v1")) == 1)
    (recovered,) = shop.events("o2o.agent.recovered.v1")
    assert (recovered["reason"], recovered["lost"]) == ("cloned", 0)
    await fault.settled(shop)


@pytest.mark.long
@pytest.mark.fault("database", "replaced by an older copy: rolled back")
async def test_rolled_back(shop: ShopUnderTest, fault: Fault) -> None:
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
    fault.mended()
    await until(lambda: len(shop.events("o2o.agent.recovered.v1")) == 1)
    await fault.settled(shop)
    (recovered,) = shop.events("o2o.agent.recovered.v1")
    assert recovered["reason"] == "rolled_back"


@pytest.mark.long
@pytest.mark.fault("database", "the log of a killed process deleted, head office knows of more")
async def test_log_deleted(shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    agent, _ = await shop.agent()
    await shop.sell(20)
    await shop.until_equal()
    await agent.kill()
    (shop.store.folder / "state" / "edge.db-wal").unlink()
    await shop.agent()
    fault.mended()
    await shop.sell(5)
    await fault.settled(shop)


@pytest.mark.fault("database", "written by a newer version: the agent does not touch it, and says what to do")
async def test_newer_schema(shop: ShopUnderTest, fault: Fault) -> None:
    agent, _ = await shop.agent()
    await shop.sell(10)
    await shop.until_recorded()
    await agent.stop()
    database = shop.store.folder / "state" / "edge.db"
    with closing(sqlite3.connect(database)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version={version + 1}")
    before = database.read_bytes()
    refused = await asyncio.to_thread(command.edge_agent, "run", "--config", shop.store.config)
    assert refused.code == 3
    assert "install that version again" in refused.err
    assert database.read_bytes() == before
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"PRAGMA user_version={version}")
    await shop.agent()
    await shop.central()
    fault.mended()
    await shop.sell(5)
    await fault.settled(shop)


@pytest.fixture
def newer(tmp_path: Path) -> tuple[str, ...]:
    """What starts the next version instead of this one: the same, with another step of the schema."""
    package = tmp_path / "newer" / "edge_agent"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    step = package / "storage" / "schema" / f"{schema_version() + 1:03}.sql"
    step.write_text("ALTER TABLE frame ADD COLUMN newer TEXT;\nCREATE INDEX newer ON frame (recorded_ms);\n", "utf-8")
    return ("env", "-C", str(package.parent))  # where ``python -m`` looks first


@pytest.mark.fault("database", "of an older version; the newer one is killed while it starts")
async def test_older_schema(shop: ShopUnderTest, fault: Fault, rng: random.Random, newer: tuple[str, ...]) -> None:
    agent, _ = await shop.agent()
    await shop.sell(10)
    await shop.until_recorded()
    await agent.kill()
    for _ in range(STARTS):
        agent = await shop.agent_unready(wrapper=newer)
        await asyncio.sleep(rng.uniform(0.2, 0.8))
        await agent.kill()
    agent, _ = await shop.agent(wrapper=newer)
    await shop.central()
    fault.mended()
    await shop.sell(5)
    await fault.settled(shop)
    await agent.stop()
    with closing(sqlite3.connect(shop.store.folder / "state" / "edge.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (schema_version() + 1,)


@pytest.mark.long
@pytest.mark.fault("database", "held by another program for a while, before the start")
async def test_locked(shop: ShopUnderTest, fault: Fault) -> None:
    await shop.central()
    agent, _ = await shop.agent()
    await shop.sell(10)
    await agent.stop()
    register = await shop.register("--count=10", "--interval=0.01", "--style=mixed")
    with closing(sqlite3.connect(shop.store.folder / "state" / "edge.db", isolation_level=None)) as backup:
        backup.execute("BEGIN EXCLUSIVE")
        refused = await asyncio.to_thread(command.edge_agent, "run", "--config", shop.store.config)
        assert refused.code == 3
        assert "only the agent may open edge.db" in refused.err
    await shop.agent()
    fault.mended()
    await until(lambda: len(shop.printed) == 20)
    await register.stop()
    await fault.settled(shop)


def garbage(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(300))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    (path / "within").mkdir(parents=True)


@pytest.mark.parametrize(
    "harm",
    [
        a_case("the small files of the state directory are garbage", garbage, only_long=True),
        a_case("the small files of the state directory are empty", empty, only_long=True),
        a_case("directories in the places of the small files", folder, only_long=True),
    ],
)
async def test_small_files(shop: ShopUnderTest, fault: Fault, harm: Callable[[Path], None]) -> None:
    state = shop.store.folder / "state"
    agent, _ = await shop.agent()
    await shop.sell(10)
    await agent.stop()
    (state / "config").mkdir(exist_ok=True)
    captures = list((state / "captures").glob("*"))
    small = ("config/line.json", "config/line.bak", "manager.json", "reserve", "starts.json")
    for path in (*(state / name for name in small), *captures):
        harm(path)
    (state / "outgoing").mkdir(exist_ok=True)
    harm(state / "outgoing" / "half.tar.gz")
    await shop.central()
    await shop.agent()
    fault.mended()
    await shop.sell(5)
    await fault.settled(shop)
    assert [line for line in shop.log if line.get("level") in {"warning", "error"}], "it says so"
