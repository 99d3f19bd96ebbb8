"""Taps and visits in a generation: recorded with the state they imply, shown on the reader, forgotten when asked."""

from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.clock import Moment
from edge_agent.contract.events import Stream
from edge_agent.devices.line import Emit
from edge_agent.devices.status import DeviceState, Status
from edge_agent.errors import StorageError
from edge_agent.generation.generation import STARTING_MS
from edge_agent.observations import Advertisement, Observation, Scan, TagRead
from edge_agent.simulator import beacons
from edge_agent.simulator.tags import ndef as tags_ndef
from edge_agent.simulator.tags import sdm as tags_sdm
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
from tests.support.generation import Running, configure, running
from tests.support.shop import until
from tests.support.storage import of, order

READER, RADIO, TILL = "till-1-nfc", "door-ble", "till-1-printer"
UID = bytes.fromhex("04A1B2C3D4E5F6")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sdm-keys.toml").write_text("".join(f'{name} = "{key}"\n' for name, key in SDM_KEYS.items()))
    (tmp_path / "tokens.toml").write_text(TOKENS_TOML)
    return tmp_path


class Light:
    """A device with a light, for those that stand behind one."""

    name = READER

    def __init__(self, shop: Running) -> None:
        self.shown: list[tuple[bool, int]] = []
        self.status = Status(lambda state: None, shop.clock)
        self._storage = shop.storage

    async def run(self, emit: Emit) -> None:
        """Nothing lies on it."""

    def signal(self, *, accepted: bool) -> None:
        """Note what is shown, and how many check-ins were on disk then."""
        self.shown.append((accepted, self._storage.last(Stream.CHECKINS)))


def card(counter: int) -> TagRead:
    meta, file = (bytes.fromhex(SDM_KEYS[name]) for name in ("meta", "file"))
    url = tags_sdm.url("https://o2o.example/m?e={picc}&c={cmac}", UID, counter, meta, file)
    return TagRead("type4", UID, tags_ndef.uri(url))


async def say(shop: Running, device: str, *observations: Observation) -> None:
    await shop.generation._record(shop.generation.devices[device], observations, shop.clock.now())


def badge(at: Moment) -> Advertisement:
    token = beacons.rotating_token(bytes.fromhex(BADGE_KEY), at.wall_ms / 1000, BADGE_STEP_S, BADGE_TOKEN_BYTES)
    return Advertisement("C0:FF:EE:00:00:42", -55, at.uptime_ms, services={BADGE_SERVICE: token})


async def test_the_light_comes_after_the_disk(folder: Path) -> None:
    async with running(configure(folder, store=STORE_TOML + PEOPLE_TOML), devices=False) as shop:
        light = Light(shop)
        shop.generation.devices[READER].device = light
        await say(shop, READER, card(1))
        await say(shop, READER, card(1))

    assert light.shown == [(True, 1), (False, 1)]


async def test_a_tap_that_could_not_be_recorded_lights_nothing_and_may_be_tapped_again(folder: Path) -> None:
    config = configure(folder, store=STORE_TOML + PEOPLE_TOML)
    async with running(config, devices=False) as shop:
        await shop.storage.commit(of(order(1)))
    light = Light(shop)
    shop.generation.devices[READER].device = light
    with pytest.raises(StorageError):
        await say(shop, READER, card(7))
    assert light.shown == []
    async with running(config, devices=False) as shop:
        await say(shop, READER, card(7))
        assert shop.storage.last(Stream.CHECKINS) == 1


async def test_a_radio_that_is_down_holds_everybody_in_the_store(folder: Path) -> None:
    async with running(configure(folder, store=STORE_TOML + PEOPLE_TOML), devices=False) as shop:
        radio = shop.generation.devices[RADIO]
        assert shop.generation.shop.people.frozen == 1
        shop.generation._report(radio, DeviceState("up"))
        assert shop.generation.shop.people.frozen == 0
        shop.generation._report(radio, DeviceState("down", "no_bluetoothd"))
        assert shop.generation.shop.people.frozen == 1


async def test_a_device_that_does_not_even_fail_is_told(folder: Path) -> None:
    async with running(configure(folder, store=STORE_TOML + PEOPLE_TOML), devices=False) as shop:
        at = shop.clock.now()
        for running_device in shop.generation.devices.values():
            shop.generation._expect(running_device, at)
        assert shop.health.conditions() == []
        late = replace(at, uptime_ms=at.uptime_ms + STARTING_MS)
        for running_device in shop.generation.devices.values():
            shop.generation._expect(running_device, late)
        assert {reported.condition.code for reported in shop.health.conditions()} == {"device_not_started"}


async def test_advertisements_reach_the_disk_only_when_something_happens(folder: Path) -> None:
    async with running(configure(folder, store=STORE_TOML + PEOPLE_TOML), devices=False) as shop:
        shop.generation._report(shop.generation.devices[RADIO], DeviceState("up"))
        for _ in range(200):
            at = shop.clock.now()
            await say(shop, RADIO, badge(at), Advertisement("C0:FF:EE:00:00:01", -50, at.uptime_ms))
        await until(lambda: shop.storage.last(Stream.PRESENCE) == 1)
        assert shop.storage.last(Stream.CHECKINS) == 1


async def test_a_member_is_forgotten_in_state_events_and_files(folder: Path) -> None:
    config = configure(folder, store=STORE_TOML + PEOPLE_TOML)
    async with running(config, devices=False) as shop:
        shop.generation._report(shop.generation.devices[RADIO], DeviceState("up"))
        await say(shop, READER, card(1))
        for _ in range(3):
            await say(shop, RADIO, badge(shop.clock.now()))
        await say(shop, READER, TagRead("type2", b"\x04other!", tags_ndef.uri("https://o2o.example/m/77")))
        assert shop.storage.last(Stream.CHECKINS) == 3

        forgotten = await shop.generation.forget_member("badge-0042")

        assert forgotten == 2, "a check-in and an entering"
        frames = [
            frame
            for stream in (Stream.CHECKINS, Stream.PRESENCE)
            for frame in await shop.storage.pending(stream, 0, 10, 1 << 20)
        ]
        assert [(frame.first, frame.last) for frame in frames][-1] == (1, 1)
        assert not any(b"badge-0042" in file.read_bytes() for file in state_files(folder)), "it is still on the disk"
        assert shop.storage.last(Stream.CHECKINS) == 3


async def test_a_members_code_is_forgotten_where_it_was_presented(folder: Path) -> None:
    async with running(configure(folder, store=STORE_TOML + PEOPLE_TOML), devices=False) as shop:
        await say(shop, TILL, Scan("M-10086"))
        await say(shop, TILL, Scan("6901234567892"))

        assert await shop.generation.forget_member("M-10086") == 1
        assert not any(b"M-10086" in file.read_bytes() for file in state_files(folder))


def state_files(folder: Path) -> list[Path]:
    return [file for file in (folder / "state").rglob("*") if file.is_file()]
