"""Readers and radios from one generation to the next: closed, opened again, and nothing of them left over."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_agent.clock import Clock
from edge_agent.contract.events import Stream
from edge_agent.simulator import beacons
from edge_agent.simulator.virtual_store import (
    BADGE_KEY,
    BADGE_SERVICE,
    BADGE_STEP_S,
    BADGE_TOKEN_BYTES,
    PEOPLE_TOML,
    SDM_KEYS,
    STORE_TOML,
    TOKENS_TOML,
)
from tests.support.bluez import SimulatedBluez, bluez
from tests.support.broker import until
from tests.support.generation import configure, running
from tests.support.pn532 import reader
from tests.support.turns import events, open_files, types, up

NFC, BLE = "till-1-nfc", "door-ble"
# A visit begins after a second or two, and the badge may be out of hearing for as long as a busy machine takes.
PEOPLE = STORE_TOML + PEOPLE_TOML.replace('"3s"', '"1s"').replace('"5s"', '"60s"')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sdm-keys.toml").write_text("".join(f'{name} = "{key}"\n' for name, key in SDM_KEYS.items()))
    (tmp_path / "tokens.toml").write_text(TOKENS_TOML)
    return tmp_path


@pytest.fixture
async def blue(tmp_path: Path) -> AsyncIterator[SimulatedBluez]:
    async with bluez(tmp_path) as simulated:
        yield simulated


def named(number: int) -> str:
    return PEOPLE.replace("大门蓝牙", f"Door {number}").replace("1号读卡器", f"Reader {number}")


async def sessions(blue: SimulatedBluez) -> int:
    """Return how many clients BlueZ scans for."""
    count: int = (await blue.do(do="state"))["adapters"]["hci0"]["sessions"]
    return count


async def test_readers_are_opened_again_and_leave_nothing(folder: Path, blue: SimulatedBluez) -> None:
    async with reader(folder) as simulated:
        tasks, own = len(asyncio.all_tasks()), open_files(simulated.path)
        async with running(configure(folder, store=PEOPLE)) as shop:
            await up(shop, NFC, BLE)
            for change in range(2):
                await shop.generations.change(configure(folder, store=named(change)))
                async with asyncio.timeout(20):
                    await shop.generation.devices[NFC].told.wait()
                    await shop.generation.devices[BLE].told.wait()
                await up(shop, NFC, BLE)
                assert open_files(simulated.path) == own + 1
                assert await sessions(blue) == 1
            await simulated.put("ntag213", uid="04112233445566", uri="https://x.example/a")
            await until(lambda: shop.generation.devices[NFC].heard["TagRead"] == 1)
            told = [msgspec.json.decode(event.data)["device"] for event in await events(shop.storage, Stream.OPS)]
            assert sorted(told) == [BLE, NFC, "till-1-printer"], "two came up, the till is not plugged in: that is all"
        assert open_files(simulated.path) == own
        assert await sessions(blue) == 0
        assert len(asyncio.all_tasks()) == tasks


async def test_a_visit_goes_on_through_changes(folder: Path, blue: SimulatedBluez) -> None:
    async def badge() -> None:
        token = beacons.rotating_token(
            bytes.fromhex(BADGE_KEY), Clock().now().wall_ms / 1000, BADGE_STEP_S, BADGE_TOKEN_BYTES
        )
        near: dict[str, Any] = {"address": "C0:00:00:00:00:01", "rssi": -55, "services": {BADGE_SERVICE: token.hex()}}
        await blue.do(do="advertise", **near)

    async with running(configure(folder, store=PEOPLE)) as shop:
        for change in range(4):
            await up(shop, BLE)
            async with asyncio.timeout(20):
                while await sessions(blue) == 0:
                    await asyncio.sleep(0.01)
                await badge()
                while shop.generation.shop.people.present == 0:
                    await badge()
                    await asyncio.sleep(0.05)
            await shop.generations.change(configure(folder, store=named(change)))
            assert shop.generation.shop.people.present == 1
        assert [kind for kind in await types(shop.storage, Stream.PRESENCE) if "counted" not in kind] == [
            "o2o.presence.entered.v1"
        ]
