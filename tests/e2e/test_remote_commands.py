"""Head office commands a box: the real process, a real broker, signed envelopes."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.commanding import Desk, sealed_command
from tests.support.pty import Cable
from tests.support.pushing import STRANGER, TRUSTING_TOML
from tests.support.shop import ShopUnderTest, shop_under_test


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with shop_under_test(tmp_path, agent=TRUSTING_TOML) as running:
        yield running


@pytest.fixture
async def cable(shop: ShopUnderTest) -> AsyncIterator[Cable]:
    cable = Cable(shop.store.folder / "till-1")
    cable.plug()
    yield cable
    cable.close()


@pytest.fixture
async def desk(shop: ShopUnderTest) -> AsyncIterator[Desk]:
    with Desk(shop.store.broker.port) as desk:
        yield desk


async def test_ping_and_what_is_not_obeyed(shop: ShopUnderTest, desk: Desk) -> None:
    await shop.agent()
    await desk.until_there()
    id_ = desk.ask("ping")
    done = await desk.final(id_)
    assert (done["status"], done["name"]) == ("done", "ping")
    assert [reply["status"] for reply in desk.replies(id_)] == ["accepted", "done"]

    garbage = sealed_command("ping", by=STRANGER)
    desk.send(garbage)
    (away,) = await desk.turned_away()
    assert (away["status"], away["code"]) == ("refused", "unknown_key")
    assert away["result"] == {"sha256": hashlib.sha256(garbage).hexdigest()}
