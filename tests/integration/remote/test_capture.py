"""A line is recorded for support: on a real pty, and nothing of a shopper's in it."""

import asyncio
import base64
import gzip
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_agent.contract.envelope import Refused
from edge_agent.contract.events import Stream
from edge_agent.contract.remote import ConfigId, Reported
from edge_agent.errors import StorageError
from edge_agent.remote.commands.acting import Asked, Upload
from edge_agent.remote.commands.box import Box
from edge_agent.remote.commands.capture import CAPTURE, Capture
from edge_agent.simulator.virtual_store import STORE_TOML
from edge_agent.sync import Sync
from tests.support.agent import TOPICS
from tests.support.disk import small_disk, take_all
from tests.support.generation import Running, configure, running
from tests.support.pty import Cable
from tests.support.secrets import HIDDEN, printed, revealed, unwrapped
from tests.support.slips import sale
from tests.support.storage import until

TILL = "till-1-printer"
NFC_TOML = """
[[device]]
id = "till-1-nfc"
kind = "nfc"
touchpoint = "till-1"
path = "nfc-counter:pn532"
"""


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    cable = Cable(tmp_path / "till-1")
    cable.plug()
    yield cable
    cable.close()


@dataclass
class Asking:
    """A box that is asked for recordings of its till."""

    shop: Running
    folder: Path
    told: list[tuple[float, str]] = field(default_factory=list)

    async def capture(self, seconds: int = 1, device: str = TILL) -> Upload:
        nothing = ConfigId(0, "")
        shop = self.shop
        sync = Sync(shop.storage, TOPICS, shop.health, shop.clock)
        box = Box(
            shop.generations,
            shop.storage,
            sync,
            shop.health,
            shop.clock,
            document=_document,
            reported=lambda: Reported(running=nothing, last_known_good=nothing),
            restart=lambda: None,
        )
        asked = Asked("c-1", box, self.folder, lambda share, what: self.told.append((share, what)))
        done = await CAPTURE.act(asked, Capture(device, seconds))
        assert isinstance(done, Upload)
        return done

    async def until_listening(self) -> None:
        await until(lambda: bool(self.shop.generation.devices[TILL].listeners))


async def _document() -> dict[str, object]:
    return {}


def rows(upload: Upload) -> list[dict[str, Any]]:
    with gzip.open(upload.path) as file:
        return [msgspec.json.decode(line) for line in file]


def said(upload: Upload) -> list[dict[str, Any]]:
    """What the line said, without what is told of the device."""
    return [row for row in rows(upload) if "observation" in row]


def everything(upload: Upload) -> str:
    """All that leaves the box of it: the file's text, and what is wrapped in it."""
    text = gzip.decompress(upload.path.read_bytes()).decode() + msgspec.json.encode(upload.result).decode()
    return "\n".join((text, *(row["raw"] for row in unwrapped(rows(upload)))))


async def test_a_slip_is_recorded_with_what_became_of_it(tmp_path: Path, cable: Cable) -> None:
    async with running(configure(tmp_path)) as shop, asyncio.TaskGroup() as group:
        box = Asking(shop, tmp_path / "state/outgoing/c-1")
        task = group.create_task(box.capture(2))
        await box.until_listening()
        await cable.write(printed(sale()) + printed("一张奇怪的小票\n什么都没有"))
        upload = await task
        assert not shop.generation.devices[TILL].listeners
    order, odd = said(upload)
    assert order["device"] == TILL
    assert order["at"].endswith("+08:00")
    assert "单号: 20261122000137   收银机: 03" in order["lines"]
    assert order["events"][0]["type"] == "o2o.order.completed.v1"
    assert b"20261122000137" in base64.b64decode(order["raw"])
    assert odd["events"] == [{"type": "o2o.order.unparsed.v1", "reason": "no_template"}]
    assert upload.result["rows"] == {"receipt": 2}
    assert (upload.result["device"], upload.result["ended"], upload.result["state"]) == (TILL, "time", "up")
    assert upload.name.startswith("till-1-printer-20")
    assert upload.name.endswith(".ndjson.gz")


async def test_a_secret_is_nowhere_in_what_goes_up(tmp_path: Path, cable: Cable) -> None:
    async with running(configure(tmp_path)) as shop, asyncio.TaskGroup() as group:
        box = Asking(shop, tmp_path / "state/outgoing/c-1")
        task = group.create_task(box.capture(2))
        await box.until_listening()
        for body in HIDDEN.values():
            await cable.write(body)
        upload = await task
    assert len(said(upload)) >= len(HIDDEN)
    revealed(everything(upload))


async def test_a_cable_pulled_meanwhile_is_told_and_the_rest_recorded(tmp_path: Path, cable: Cable) -> None:
    async with running(configure(tmp_path)) as shop, asyncio.TaskGroup() as group:
        box = Asking(shop, tmp_path / "state/outgoing/c-1")
        await until(lambda: shop.generation.devices[TILL].state == "up")
        task = group.create_task(box.capture(5))
        await box.until_listening()
        await asyncio.sleep(1.2)
        cable.unplug()
        await until(lambda: shop.generation.devices[TILL].state == "down")
        await asyncio.sleep(1.2)
        cable.plug()
        await cable.write(printed(sale()))
        upload = await task
    assert [row["state"] for row in rows(upload) if "state" in row] == ["up", "down", "up"]
    assert upload.result["rows"] == {"receipt": 1}


async def test_another_config_ends_it_with_what_there_is(tmp_path: Path, cable: Cable) -> None:
    config = configure(tmp_path)
    async with running(config) as shop, asyncio.TaskGroup() as group:
        box = Asking(shop, tmp_path / "state/outgoing/c-1")
        task = group.create_task(box.capture(600))
        await box.until_listening()
        await cable.write(printed(sale()))
        await until(lambda: shop.storage.last(Stream.ORDERS) == 1)
        await shop.generations.change(config)
        upload = await task
    assert upload.result["ended"] == "config_changed"
    assert upload.result["seconds"] < 60
    assert upload.result["rows"] == {"receipt": 1}


async def test_what_cannot_be_recorded_is_refused(tmp_path: Path, cable: Cable) -> None:
    del cable
    async with (
        running(configure(tmp_path, store=STORE_TOML + NFC_TOML), devices=False) as shop,
        asyncio.TaskGroup() as group,
    ):
        box = Asking(shop, tmp_path / "state/outgoing/c-1")
        for device, code in {"till-9": "unknown_device", "till-1-nfc": "not_a_line"}.items():
            with pytest.raises(Refused) as refused:
                await box.capture(device=device)
            assert refused.value.code == code
        task = group.create_task(box.capture())
        await box.until_listening()
        with pytest.raises(Refused) as refused:
            await box.capture()
        assert refused.value.code == "busy"
        assert (await task).result["rows"] == {}


async def test_it_ends_when_it_has_become_too_large(
    tmp_path: Path, cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.remote.commands.capture.FILE_BYTES", 2_000)
    rng = random.Random(6)
    async with running(configure(tmp_path)) as shop, asyncio.TaskGroup() as group:
        box = Asking(shop, tmp_path / "state/outgoing/c-1")
        task = group.create_task(box.capture(600))
        await box.until_listening()
        for _ in range(200):
            await cable.write(printed("\n".join(rng.randbytes(20).hex() for _ in range(20))))
        upload = await task
    assert upload.result["ended"] == "full"
    assert upload.path.stat().st_size > 2_000
    assert said(upload)


async def test_on_a_full_disk_it_fails_and_the_till_is_read_on(tmp_path: Path, cable: Cable) -> None:
    config = configure(tmp_path)
    with small_disk(tmp_path / "small") as small:
        async with running(config) as shop:
            (small / "outgoing").mkdir()
            box = Asking(shop, small / "outgoing/c-1")
            async with asyncio.TaskGroup() as group:
                task = group.create_task(_failed(box))
                await box.until_listening()
                await until((small / "outgoing/c-1/capture").exists)
                take_all(small)
                await cable.write(printed(sale()))
                await until(lambda: shop.storage.last(Stream.ORDERS) == 1)
                assert "make room" in await task
            assert not shop.generation.devices[TILL].listeners
            assert shop.generation.devices[TILL].state == "up"
            shutil.rmtree(small / "outgoing/c-1")


async def _failed(box: Asking) -> str:
    with pytest.raises(StorageError) as failed:
        await box.capture(2)
    return str(failed.value)


async def test_progress_is_told_now_and_then(tmp_path: Path, cable: Cable, monkeypatch: pytest.MonkeyPatch) -> None:
    del cable
    monkeypatch.setattr("edge_agent.remote.commands.capture.PROGRESS_S", 0.5)
    async with running(configure(tmp_path)) as shop:
        box = Asking(shop, tmp_path / "state/outgoing/c-1")
        await box.capture(2)
    assert box.told[0] == (0.0, "listening")
    assert [what for _, what in box.told[1:]] == ["0 heard"] * (len(box.told) - 1)
    assert 2 <= len(box.told) <= 5
    shares = [share for share, _ in box.told]
    assert shares == sorted(shares)
    assert shares[-1] <= 1
