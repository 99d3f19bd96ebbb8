"""What a running generation keeps of its devices: on a real pty and a real database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.contract.events import Stream
from edge_agent.generation import generation as module
from edge_agent.generation.activity import PART
from edge_agent.observations import Undecoded
from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support.generation import Running, configure, running
from tests.support.pty import Cable
from tests.support.recaptures import printed
from tests.support.slips import sale
from tests.support.storage import until

TILL = "till-1-printer"
TWO = STORE_TOML + STORE_TOML[STORE_TOML.index("[[device]]") :].replace('"till-1-', '"till-2-').replace(
    'port = "till-1', 'port = "till-2'
)


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    cable = Cable(tmp_path / "till-1")
    cable.plug()
    yield cable
    cable.close()


def said(shop: Running, device: str = TILL) -> int:
    return sum(shop.generation.devices[device].seen(shop.clock.now()).counts)


def last_seen_ms(shop: Running, device: str = TILL) -> int | None:
    return shop.generation.devices[device].seen(shop.clock.now()).last_seen_ms


async def works(shop: Running) -> None:
    await until(lambda: shop.generation.devices[TILL].state == "up")


async def test_an_ended_generation_leaves_what_its_devices_said(tmp_path: Path, cable: Cable) -> None:
    config = configure(tmp_path)
    async with running(config) as shop:
        await works(shop)
        assert (said(shop), last_seen_ms(shop)) == (0, None)
        for number in range(3):
            await cable.write(printed(sale(f"2026112200000{number}")))
        await until(lambda: shop.storage.last(Stream.ORDERS) == 3)
        await until(lambda: said(shop) == 3)
        seen_ms = last_seen_ms(shop)
    async with running(config, devices=False) as shop:
        assert (said(shop), last_seen_ms(shop)) == (3, seen_ms)


async def test_rows_are_written_now_and_then(tmp_path: Path, cable: Cable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ACTIVITY_EVERY_S", 0.05)
    async with running(configure(tmp_path)) as shop:
        await works(shop)
        assert shop.storage.state(PART) == {}
        await cable.write(printed(sale()))
        await until(lambda: TILL in shop.storage.state(PART))


async def test_bytes_that_mean_nothing_are_seen_alone(tmp_path: Path) -> None:
    async with running(configure(tmp_path), devices=False) as shop:
        noise = Undecoded(b"\x00\xff", "noise")
        at = shop.clock.now()
        await shop.generation._record(shop.generation.devices[TILL], [noise, noise], at)
        assert (said(shop), last_seen_ms(shop)) == (0, at.wall_ms)


async def test_bytes_under_way_are_seen(tmp_path: Path, cable: Cable) -> None:
    async with running(configure(tmp_path)) as shop:
        await works(shop)
        await cable.write("合计".encode("gb18030"))
        await until(lambda: last_seen_ms(shop) is not None)
        assert said(shop) == 0


@pytest.mark.usefixtures("cable")
async def test_down_since_goes_with_the_event_that_tells_it(tmp_path: Path) -> None:
    config = configure(tmp_path, store=TWO)
    async with running(config) as shop:
        await works(shop)
        await until(lambda: shop.generation.devices["till-2-printer"].reason == "missing")
        await until(lambda: shop.storage.last(Stream.OPS) == 2)
        rows = shop.storage.state(PART)
        since_ms = shop.generation.devices["till-2-printer"].since_ms(shop.clock.now())
        assert set(rows) == {"till-2-printer"}, "nothing is known of the other: it works and has said nothing"
    async with running(config, devices=False) as shop:
        assert shop.generation.devices["till-2-printer"].since_ms(shop.clock.now()) == since_ms
        assert shop.generation.devices[TILL].since_ms(shop.clock.now()) > since_ms


@pytest.mark.usefixtures("cable")
async def test_a_removed_device_loses_its_row(tmp_path: Path) -> None:
    async with running(configure(tmp_path, store=TWO)) as shop:
        await until(lambda: "till-2-printer" in shop.storage.state(PART))
    async with running(configure(tmp_path)) as shop:
        await works(shop)
    async with running(configure(tmp_path), devices=False) as shop:
        assert "till-2-printer" not in shop.storage.state(PART)
