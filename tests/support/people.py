"""A shop with a till, a tag reader at it and scanners in two zones, on a clock that the test turns."""

from dataclasses import replace
from typing import Any

from edge_agent.clock import Moment
from edge_agent.contract.events import Draft
from edge_agent.identities.enrolled import enrolled
from edge_agent.identities.sdm_keys import SdmKeys
from edge_agent.observations import Advertisement, TagGone, TagRead
from edge_agent.shop.outcome import Signal
from edge_agent.shop.settings import DeviceFacts, PresenceSettings, ShopSettings
from edge_agent.simulator import beacons
from edge_agent.simulator.tags import ndef as tags_ndef
from edge_agent.simulator.tags import sdm as tags_sdm
from tests.support import slips
from tests.support.slips import Book

READER, OTHER_READER, DOOR, AISLE = "counter-nfc", "kiosk-nfc", "door-ble", "aisle-ble"
META, FILE = bytes(16), bytes(range(16))
UID = bytes.fromhex("04DE5F1EACC040")
BADGE_KEY = bytes(range(32))
STEP_S, TOKEN_BYTES = 900, 8  # what a file of carriers means if it says neither
SERVICE = "0000fcd2-0000-1000-8000-00805f9b34fb"
CARRIERS = f'service_uuid = "fcd2"\n[[carrier]]\nid = "badge-1"\nkind = "badge"\ntoken_key = "{BADGE_KEY.hex()}"\n'


def settings(**changes: Any) -> ShopSettings:
    """Return the shop's facts; ``presence``: keys of that table; the rest replaces facts."""
    sdm = SdmKeys(META, FILE)
    devices = dict(slips.settings().devices) | {
        READER: DeviceFacts(READER, "till-1", kind="nfc", zone="checkout", debounce_ms=60_000, sdm=sdm),
        OTHER_READER: DeviceFacts(OTHER_READER, "kiosk", kind="nfc", zone="kiosk", debounce_ms=60_000, sdm=sdm),
        DOOR: DeviceFacts(DOOR, "door", kind="ble", zone="entrance"),
        AISLE: DeviceFacts(AISLE, "aisle-1", kind="ble", zone="aisle"),
    }
    presence = PresenceSettings.model_validate(changes.pop("presence", {}))
    return replace(slips.settings(), devices=devices, presence=presence, enrolled=enrolled(CARRIERS), **changes)


def sdm_tag(counter: int, uid: bytes = UID, file: bytes = FILE) -> TagRead:
    """Return an NTAG 424 DNA at its so-many-th tap; with another ``file`` key it is forged."""
    url = tags_sdm.url("https://o2o.example/t?e={picc}&c={cmac}", uid, counter, META, file)
    return TagRead("type4", uid, tags_ndef.uri(url))


def uri_tag(uri: str, uid: bytes = UID) -> TagRead:
    return TagRead("type2", uid, tags_ndef.uri(uri))


class People(Book):
    """The shop, with a clock of its own in milliseconds; ``restart`` and ``reboot`` keep what is durable."""

    def __init__(self, shop_settings: ShopSettings | None = None) -> None:
        self.now = slips.at("2026-11-22T10:30:00")
        super().__init__(shop_settings or settings())

    def wait(self, seconds: float) -> None:
        """Let time pass, ticking once a second."""
        for _ in range(round(seconds)):
            self._turn(1_000)
            self.keep(self.shop.tick(self.now))

    def skip(self, seconds: float) -> None:
        """Let time pass without a tick: the agent is off, or nothing asks."""
        self._turn(round(seconds * 1000))

    def reboot(self, seconds: float) -> None:
        """Switch the box off for a while: another boot."""
        wall_ms = self.now.wall_ms + round(seconds * 1000)
        self.now = Moment(wall_ms, 20_000, "6f2f1c1e-0000-4000-8000-000000000002", self.now.quality)
        self.restart()

    def tap(self, read: TagRead, reader: str = READER, *, away: bool = True) -> list[Draft]:
        events = self.observe(read, self.now, reader)
        if away:
            self.observe(TagGone(read.uid), self.now, reader)
        return events

    def lift(self, read: TagRead, reader: str = READER) -> list[Draft]:
        return self.observe(TagGone(read.uid), self.now, reader)

    def accepted(self, read: TagRead, reader: str = READER) -> bool:
        """Tap, and return what the reader's light says."""
        outcome = self.shop.observe(reader, read, self.now)
        self.keep(outcome)
        (signal,) = outcome.effects
        assert isinstance(signal, Signal)
        assert signal.device == reader
        return signal.accepted

    def sell(self, slip: str | None = None) -> list[Draft]:
        return self.observe(slips.receipt(slip or slips.sale()), self.now)

    def badge(self, rssi: int = -60, scanner: str = DOOR, address: str = "C0:00:00:00:00:01") -> list[Draft]:
        """Hear the badge once."""
        token = beacons.rotating_token(BADGE_KEY, self.now.wall_ms / 1000, STEP_S, TOKEN_BYTES)
        heard = Advertisement(address, rssi, self.now.uptime_ms, services={SERVICE: token})
        return self.observe(heard, self.now, scanner)

    def hear_stranger(self, number: int, rssi: int = -60, scanner: str = DOOR) -> list[Draft]:
        """Hear somebody's telephone once."""
        heard = Advertisement(f"C0:00:00:00:01:{number:02X}", rssi, self.now.uptime_ms)
        return self.observe(heard, self.now, scanner)

    def stay(self, seconds: int, rssi: int = -60, scanner: str = DOOR) -> None:
        """Hear the badge once a second for a while."""
        for _ in range(seconds):
            self.wait(1)
            self.badge(rssi, scanner)

    def works(self, *scanners: str, healthy: bool = True) -> None:
        for scanner in scanners or (DOOR, AISLE):
            self.shop.people.health(scanner, healthy=healthy, at=self.now)

    def types(self, prefix: str = "") -> list[str]:
        """Return the events so far, ``o2o.`` and ``.v1`` left out."""
        names = [event.type.removeprefix("o2o.").removesuffix(".v1") for event in self.events]
        return [name for name in names if name.startswith(prefix)]

    def data(self, prefix: str) -> list[dict[str, Any]]:
        return [slips.plain(event) for event in self.events if event.type.startswith(f"o2o.{prefix}")]

    def _turn(self, ms: int) -> None:
        self.now = replace(self.now, wall_ms=self.now.wall_ms + ms, uptime_ms=self.now.uptime_ms + ms)
