"""Taps while other devices' commits fail: what is still on its way to the disk stays known."""

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge_agent.contract.events import Stream
from edge_agent.contract.frames import unpack
from edge_agent.devices.status import DeviceState
from edge_agent.observations import Advertisement, Scan, TagGone, TagRead
from edge_agent.simulator import beacons
from edge_agent.simulator.tags import ndef as tags_ndef
from edge_agent.simulator.virtual_store import PEOPLE_TOML, STORE_TOML
from tests.integration.test_generation_people import RADIO, READER, badge, card, folder, say
from tests.support.generation import Running, configure, running
from tests.support.shop import until

__all__ = ["folder"]

TILL = "till-1-printer"


@asynccontextmanager
async def a_slow_disk(shop: Running) -> AsyncIterator[threading.Event]:
    """Hold the database's thread until the event is set: what is committed meanwhile is on its way."""
    going_on = threading.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(shop.storage._thread.run(lambda _: going_on.wait(20)))
        await asyncio.sleep(0)
        try:
            yield going_on
        finally:
            going_on.set()


async def cancelled_while_waiting(shop: Running) -> None:
    """Have a till's commit cancelled, as happens to a connection whose neighbour fails."""
    async with asyncio.TaskGroup() as tasks:
        till = tasks.create_task(say(shop, TILL, Scan("6901234567892")))
        await asyncio.sleep(0.05)
        till.cancel()


async def test_a_cancelled_commit_does_not_make_a_tap_on_its_way_forgotten(folder: Path) -> None:
    async with running(configure(folder, store=STORE_TOML + PEOPLE_TOML), devices=False) as shop:
        async with asyncio.TaskGroup() as tasks, a_slow_disk(shop):
            tasks.create_task(say(shop, READER, card(5)))
            await asyncio.sleep(0.05)
            await cancelled_while_waiting(shop)
        assert shop.storage.last(Stream.CHECKINS) == 1
        await say(shop, READER, card(5))

        assert shop.generation.shop.people.taps["sdm_replayed"] == 1
        assert shop.storage.last(Stream.CHECKINS) == 1


async def test_a_cancelled_commit_does_not_make_a_visitor_on_the_way_enter_twice(folder: Path) -> None:
    async with running(configure(folder, store=STORE_TOML + PEOPLE_TOML), devices=False) as shop:
        shop.generation._report(shop.generation.devices[RADIO], DeviceState("up"))
        async with asyncio.TaskGroup() as tasks, a_slow_disk(shop):
            tasks.create_task(say(shop, RADIO, *[badge(shop.clock.now())] * 3))
            await asyncio.sleep(0.05)
            await cancelled_while_waiting(shop)
        assert shop.storage.last(Stream.PRESENCE) == 1
        for _ in range(5):
            await say(shop, RADIO, badge(shop.clock.now()))

        assert shop.storage.last(Stream.PRESENCE) == 1
        assert shop.storage.last(Stream.CHECKINS) == 1
        assert shop.generation.shop.counts(shop.clock.now()).visitors == 1


async def test_a_tick_that_fails_does_not_make_a_tap_on_its_way_forgotten(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(configure(folder, store=STORE_TOML + PEOPLE_TOML), devices=False) as shop:
        ticked = asyncio.Event()

        def broken(_: object) -> None:
            ticked.set()
            raise ZeroDivisionError

        monkeypatch.setattr(shop.generation.shop, "tick", broken)
        monkeypatch.setattr("edge_agent.generation.generation.TICK_S", 0.01)
        async with asyncio.TaskGroup() as tasks:
            async with a_slow_disk(shop):
                tapping = tasks.create_task(say(shop, READER, card(5)))
                ticking = tasks.create_task(shop.generation._tick())
                await ticked.wait()
            await until(tapping.done)
            ticking.cancel()
        await say(shop, READER, card(5))

        assert shop.storage.last(Stream.CHECKINS) == 1


async def test_the_last_visitor_of_a_silent_shop_may_leave(folder: Path) -> None:
    """Degraded is not dead: after a new scanner and a power cycle its silence counts."""
    async with running(configure(folder, store=STORE_TOML + PEOPLE_TOML), devices=False) as shop:
        radio = shop.generation.devices[RADIO]
        shop.generation._report(radio, DeviceState("down", "silent"))
        assert shop.generation.shop.people.frozen == 1
        shop.generation._report(radio, DeviceState("degraded", "silent"))
        assert shop.generation.shop.people.frozen == 0


@pytest.mark.parametrize("member", ["a\0b", "", "x" * 100_000, 'a"b\n\u202e'])
async def test_whoever_is_to_be_forgotten_the_tills_go_on(folder: Path, member: str) -> None:
    async with running(configure(folder, store=STORE_TOML + PEOPLE_TOML), devices=False) as shop:
        await say(shop, READER, card(1))
        assert await shop.generation.forget_member(member) == 0
        await say(shop, TILL, Scan("6901234567892"))

        assert shop.storage.last(Stream.CHECKINS) == 2


async def test_a_forgotten_member_stays_so_when_a_commit_fails_meanwhile(folder: Path) -> None:
    """The tap, its forgetting and a commit that is cancelled are all on the way to the disk at once."""
    async with running(configure(folder, store=STORE_TOML + PEOPLE_TOML), devices=False) as shop:
        shop.generation._report(shop.generation.devices[RADIO], DeviceState("up"))
        async with asyncio.TaskGroup() as tasks, a_slow_disk(shop):
            tasks.create_task(say(shop, RADIO, *[badge(shop.clock.now())] * 3))
            await asyncio.sleep(0.05)
            tasks.create_task(shop.generation.forget_member("badge-0042"))
            await asyncio.sleep(0.05)
            await cancelled_while_waiting(shop)

        assert shop.generation.shop.people.present == 0
        assert shop.storage.state("presence") == {}
        assert shop.storage.state("checkin") == {}
        files = [file.read_bytes() for file in (folder / "state").rglob("*") if file.is_file()]
        assert not any(b"badge-0042" in content for content in files)


async def test_nobody_leaves_because_the_disk_kept_the_radio_waiting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a scanner heard meanwhile waits behind the commit: its silence says nothing."""
    monkeypatch.setattr("edge_agent.generation.generation.TICK_S", 0.02)
    store = (STORE_TOML + PEOPLE_TOML).replace('leave_after_badge = "5s"', 'leave_after_badge = "1s"')
    async with running(configure(folder, store=store), devices=False) as shop:
        shop.generation._report(shop.generation.devices[RADIO], DeviceState("up"))
        async with asyncio.TaskGroup() as tasks:
            ticking = tasks.create_task(shop.generation._tick())
            async with a_slow_disk(shop):
                radio = tasks.create_task(say(shop, RADIO, *[badge(shop.clock.now())] * 3))
                await asyncio.sleep(2.5)
            await radio
            await say(shop, RADIO, badge(shop.clock.now()))
            await asyncio.sleep(0.1)
            assert shop.storage.last(Stream.PRESENCE) == 1
            assert shop.generation.shop.people.frozen == 0
            await until(lambda: shop.storage.last(Stream.PRESENCE) == 2)
            ticking.cancel()


async def test_nothing_raw_reaches_disk_log_or_status(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor where the rules fail on it with a message that quotes it."""
    store = STORE_TOML + PEOPLE_TOML
    raw = ["04a1b2c3d4e5f6", "0123456789abcdef01", "c0ffee000042", "6222021234567890128", "13800138000"]
    odd = beacons.ibeacon(uuid.UUID("f7826da6-4fa2-4e98-8024-bc5b71e0893e"), 1, 2)

    async def everything(shop: Running) -> None:
        now = shop.clock.now()
        idm, uid = bytes.fromhex("0123456789ABCDEF01")[:8], bytes.fromhex("04A1B2C3D4E5F6")
        for read in (
            card(1),
            TagRead("type3", idm),
            TagRead("type2", uid),
            TagRead("type2", uid, tags_ndef.uri("https://o2o.example/m?uid=04A1B2C3D4E5F6")),
            TagRead("type2", uid, tags_ndef.uri("https://o2o.example/m/6222021234567890128")),
            TagRead("type2", uid, tags_ndef.text("会员卡号 6222021234567890128")),
            TagRead("type4", uid, answers={"F0": b"13800138000"}),
            TagRead("type2", uid, b"\xff" * 300),
            TagRead("classic", uid, torn=True),
        ):
            await say(shop, READER, read, TagGone(read.uid))
        for _ in range(4):
            await say(shop, RADIO, badge(now), Advertisement("C0:FF:EE:00:00:42", -50, now.uptime_ms, {0x4C: odd}))
        await shop.generation._commits.commit(shop.generation.shop.tick(now))

    async with running(configure(folder, store=store), devices=False) as shop:
        shop.generation._report(shop.generation.devices[RADIO], DeviceState("up"))
        await everything(shop)
        for place in ("edge_agent.shop.people.People._check_in", "edge_agent.shop.presence.Presence.sighted"):
            monkeypatch.setattr(place, _quoting)
        await everything(shop)
        said = repr(shop.health.conditions()) + repr([device.detail for device in shop.generation.devices.values()])
        bodies = [
            unpack(frame.body, frame.encoding)
            for stream in Stream
            for frame in await shop.storage.pending(stream, 0, 100, 1 << 20)
        ]
        files = [file.read_bytes() for file in (folder / "state").rglob("*") if file.is_file()]
    log = capsys.readouterr()
    assert "rules_failed" in log.out + log.err
    plain = b"\n".join([*bodies, *files, said.encode(), (log.out + log.err).encode()])
    assert b"o2o.checkin.recorded.v1" in plain
    for secret in raw:
        assert secret.encode() not in plain.lower().replace(b":", b""), secret
        assert secret not in log.out + log.err
    for octets in (bytes.fromhex(raw[0]), bytes.fromhex(raw[1])[:8], bytes.fromhex(raw[2])):
        assert octets not in plain


def _quoting(*quoted: object, **_: object) -> None:
    raise ValueError(repr(quoted))
