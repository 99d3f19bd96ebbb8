"""An NFC reader as a device: the real nfcpy on a simulated PN532, under supervision."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge_agent.clock import Clock
from edge_agent.config.devices import NfcSettings
from edge_agent.devices.nfc import NfcDevice
from edge_agent.devices.status import Status
from edge_agent.observations import TagGone, TagRead
from tests.support.devices import Recorder, States, supervised
from tests.support.pn532 import SimulatedReader, reader

AID = "F0010203040506"
UID = "04112233445566"
OTHER = "04AABBCCDDEEFF"


class Counter:
    """A reader with the device on it, running."""

    def __init__(self, simulated: SimulatedReader, **settings: object) -> None:
        self.simulated = simulated
        self.states = States()
        self.recorder = Recorder()
        self.device = NfcDevice(
            NfcSettings.model_validate(
                {"id": "counter", "kind": "nfc", "touchpoint": "till-1", "path": f"{simulated.path}:pn532"} | settings
            ),
            Status(self.states, Clock()),
        )

    @property
    def reads(self) -> list[TagRead]:
        return [observed for observed in self.recorder.observations if isinstance(observed, TagRead)]

    @property
    def gone(self) -> list[bytes]:
        return [observed.uid for observed in self.recorder.observations if isinstance(observed, TagGone)]

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.device.status.counts)

    async def tapped(self, kind: str, *, leave_after: int | None = None, **tag: object) -> TagRead:
        """Lay a tag there and return what the next TagRead says."""
        before = len(self.reads)
        await self.simulated.put(kind, leave_after=leave_after, **tag)
        await self.recorder.until(lambda: len(self.reads) > before)
        return self.reads[before]

    async def taken(self) -> bytes:
        """Take the tag away and return the UID that the next TagGone says."""
        before = len(self.gone)
        await self.simulated.do("take")
        await self.recorder.until(lambda: len(self.gone) > before)
        return self.gone[before]


@asynccontextmanager
async def counter(folder: Path, *options: str, name: str = "nfc-counter", **settings: object) -> AsyncIterator[Counter]:
    async with reader(folder, *options, name=name) as simulated:
        made = Counter(simulated, **settings)
        async with supervised(made.device, made.recorder):
            await made.states.until_last("up")
            yield made


async def test_kinds_of_tag_are_told_apart_and_read_once(tmp_path: Path) -> None:
    async with counter(tmp_path, aids=(AID,)) as at:
        sticker = await at.tapped("ntag213", uid=UID, uri="https://x.example/a")
        assert sticker == TagRead("type2", bytes.fromhex(UID), b"\xd1\x01\x0cU\x04x.example/a")
        assert await at.taken() == bytes.fromhex(UID)
        card = await at.tapped("felica", idm="0102030405060708", text="你好")
        assert card == TagRead("type3", bytes.fromhex("0102030405060708"), b"\xd1\x01\x09T\x02zh" + "你好".encode())
        await at.taken()
        card = await at.tapped("type4", uid=OTHER, text="hello")
        assert card == TagRead("type4", bytes.fromhex(OTHER), b"\xd1\x01\x08T\x02zhhello")
        await at.taken()
        assert [read.technology for read in at.reads] == ["type2", "type3", "type4"]
