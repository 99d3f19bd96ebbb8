"""The devices on the page: named, ordered, with what they said in the last day and what is wrong."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from edge_agent import decoders
from edge_agent.clock import Moment
from edge_agent.devices.status import DeviceState
from edge_agent.health import Condition, Level
from edge_agent.page.sections.devices import Device, devices
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.words import LANGUAGES, words
from edge_agent.shop.outcome import Outcome
from edge_agent.simulator.virtual_store import STORE_TOML
from tests.support.generation import configure
from tests.support.slips import receipt, sale
from tests.support.sources import sources

TILL, DISPLAY, NFC, BLE = "till-1-printer", "till-1-display", "till-1-nfc", "door-ble"
STORE = (
    STORE_TOML
    + """
[[device]]
id = "till-1-display"
name = "1号客显"
kind = "tcp-listen"
touchpoint = "till-1"
listen = "127.0.0.1:0"
decoder = "linedisplay"
dialect = "cd5220"

[[device]]
id = "till-1-nfc"
name = "1号读卡器"
kind = "nfc"
touchpoint = "till-1"
path = "usb"

[[device]]
id = "door-ble"
name = "大门蓝牙"
kind = "ble"
touchpoint = "till-1"
"""
)
HALF_HOUR, DAY = 30 * 60_000, 86_400_000
UP = DeviceState("up")


def later(now: Moment, ms: int) -> Moment:
    return replace(now, wall_ms=now.wall_ms + ms, uptime_ms=now.uptime_ms + ms)


def report(page: Sources, device: str, state: DeviceState) -> None:
    page.generation._report(page.generation.devices[device], state)


def section(page: Sources, language: str = "en", now: Moment | None = None) -> dict[str, Device]:
    return {device.id: device for device in devices(page, Reader(language), now or page.clock.now())}


async def test_the_worst_come_first_then_as_configured(tmp_path: Path) -> None:
    async with sources(configure(tmp_path, store=STORE)) as page:
        assert list(section(page)) == [TILL, DISPLAY, NFC, BLE]
        for device in (TILL, DISPLAY, NFC):
            report(page, device, UP)
        report(page, BLE, DeviceState("down", "adapter_missing", "hci0: there is no such adapter"))
        report(page, DISPLAY, DeviceState("degraded", "implausible"))
        assert list(section(page)) == [BLE, DISPLAY, TILL, NFC]
        assert [device.state for device in section(page).values()] == ["down", "degraded", "up", "up"]


@pytest.mark.parametrize(
    ("language", "kinds"),
    [("zh", ["收银机", "客显", "读卡器", "蓝牙"]), ("en", ["Till", "Customer display", "Card reader", "Bluetooth"])],
)
async def test_names_kinds_and_what_can_be_tested(tmp_path: Path, language: str, kinds: list[str]) -> None:
    async with sources(configure(tmp_path, store=STORE)) as page:
        found = section(page, language)
        assert [device.name for device in found.values()] == ["1号收银小票", "1号客显", "1号读卡器", "大门蓝牙"]
        assert [device.kind for device in found.values()] == kinds
        assert [device.test for device in found.values()] == ["line", "line", "reader", None]
        assert {device.state_word for device in found.values()} == {words(language).say("devices.state.starting")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_decoder_and_every_kind_has_a_word(language: str) -> None:
    kinds = words(language).table("devices.kind")
    assert {*decoders.names(), "nfc", "pcsc", "ble"} <= set(kinds)


async def test_what_is_wrong_is_one_sentence(tmp_path: Path) -> None:
    async with sources(configure(tmp_path, store=STORE)) as page:
        for device in (TILL, DISPLAY, NFC, BLE):
            report(page, device, UP)
        assert {device.sentence for device in section(page).values()} == {""}
        report(page, NFC, DeviceState("down", "no_reply", "usb:001:002: no answer"))
        page.health.report(f"layout/{TILL}", Condition("layout_changed", Level.ATTENTION, "1号收银小票: changed"))
        found = section(page)
        assert found[NFC].sentence.startswith("1号读卡器 has not answered since")
        assert "1号收银小票" in found[TILL].sentence
        assert "usb:001" not in repr(found), "details are for support"
        assert (found[DISPLAY].sentence, found[BLE].sentence) == ("", "")


async def test_a_device_that_never_said_anything(tmp_path: Path) -> None:
    async with sources(configure(tmp_path, store=STORE)) as page:
        found = section(page)[TILL]
        assert (found.last_seen, found.activity) == ("", (0,) * 48)
        assert found.activity_words == "Nothing in the last 24 hours."


async def test_what_it_said_in_the_last_day(tmp_path: Path) -> None:
    async with sources(configure(tmp_path, store=STORE)) as page:
        generation = page.generation
        running = generation.devices[TILL]
        now = page.clock.now()
        begins_ms = now.wall_ms // HALF_HOUR * HALF_HOUR - now.wall_ms
        for back, count in ((3, 2), (2, 5), (0, 1)):
            at = later(now, begins_ms - back * HALF_HOUR)
            await generation._record(running, [receipt(sale(f"2026{back}{n}")) for n in range(count)], at)
        found = section(page, now=now)[TILL]
        assert found.activity == (*[0] * 44, 2, 5, 0, 1)
        zone = page.config.store.zone
        begins, ends = (
            datetime.fromtimestamp((now.wall_ms + begins_ms - back * HALF_HOUR) / 1000, zone).strftime("%H:%M")
            for back in (2, 1)
        )
        assert found.activity_words == f"8 in the last 24 hours, most from {begins} to {ends}: 5."
        assert section(page, "zh", now)[TILL].activity_words == f"过去24小时共8次，最多的是{begins}到{ends}，5次。"
        assert section(page, now=later(now, DAY + HALF_HOUR))[TILL].activity == (0,) * 48
        assert section(page, now=later(now, 2 * DAY))[TILL].last_seen != ""


async def test_a_restart_keeps_when_it_was_seen_and_since_when_it_is_down(tmp_path: Path) -> None:
    config = configure(tmp_path, store=STORE)
    async with sources(config) as page:
        at = page.clock.now()
        await page.generation._record(page.generation.devices[TILL], [receipt(sale())], at)
        report(page, TILL, DeviceState("down", "unplugged"))
        await page.storage.commit(Outcome(state=page.generation._activity_rows()))
        now = page.clock.now()
        seen, down_ms = page.generation.devices[TILL].seen(now), page.generation.devices[TILL].since_ms(now)
    async with sources(config) as page:
        now = page.clock.now()
        running = page.generation.devices[TILL]
        assert (running.state, running.since_ms(now), running.seen(now)) == ("down", down_ms, seen)
        report(page, TILL, DeviceState("down", "missing"))
        assert running.since_ms(page.clock.now()) == down_ms, "another reason is no other failure"
        report(page, TILL, UP)
        assert running.since_ms(page.clock.now()) > down_ms
