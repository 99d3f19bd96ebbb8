"""An NFC reader at a till, as a device under supervision: the real nfcpy on a simulated PN532."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge_agent.clock import Clock
from edge_agent.config.devices import NfcSettings
from edge_agent.devices.nfc.device import NfcDevice
from edge_agent.devices.status import Status
from edge_agent.observations import TagGone, TagRead
from tests.support.devices import Recorder, States, supervised
from tests.support.pn532 import SimulatedReader, reader

COMMANDS_A_LOOK = 8  # that nfcpy sends to the chip, for an empty field
UID, OTHER_UID = "04112233445566", "04AABBCCDDEEFF"


def settings(port: Path, **more: object) -> NfcSettings:
    """Return the settings of a PN532 on a port."""
    table = {"id": "till-1-nfc", "kind": "nfc", "touchpoint": "till-1", "path": f"{port}:pn532"}
    return NfcSettings.model_validate(table | more)


class Till:
    """A simulated reader, the device that reads it, and what came of it."""

    def __init__(self, simulated: SimulatedReader, **more: object) -> None:
        self.simulated = simulated
        self.states = States()
        self.recorder = Recorder()
        self.device = NfcDevice(settings(simulated.path, **more), Status(self.states, Clock()))

    @property
    def reads(self) -> list[TagRead]:
        return [observed for observed in self.recorder.observations if isinstance(observed, TagRead)]

    @property
    def gone(self) -> list[bytes]:
        return [observed.uid for observed in self.recorder.observations if isinstance(observed, TagGone)]

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.device.status.counts)

    @property
    def taps(self) -> dict[str, int]:
        """Return what was counted of tags; slips of a reader come of a busy machine as well."""
        return {what: count for what, count in self.counts.items() if what not in {"spurious", "reopened"}}

    async def tap(self, kind: str, *, leave_after: int | None = None, **tag: object) -> TagRead:
        """Lay a tag there; return what is said of it."""
        before = len(self.reads)
        await self.simulated.put(kind, leave_after=leave_after, **tag)
        await self.recorder.until(lambda: len(self.reads) > before)
        return self.reads[before]

    async def take(self) -> bytes:
        """Take the tag away; return the UID that is said to have gone."""
        before = len(self.gone)
        await self.simulated.do("take")
        await self.recorder.until(lambda: len(self.gone) > before)
        return self.gone[before]

    async def looks(self, count: int) -> None:
        """Wait until the reader has looked at its field about that many times more."""
        assert self.device._attempt is not None
        thread = self.device._attempt.thread
        upto = thread.beats + count * COMMANDS_A_LOOK
        async with asyncio.timeout(20):
            while thread.beats < upto:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def till(folder: Path, *, name: str = "nfc-counter", **more: object) -> AsyncIterator[Till]:
    """Run a reader and its device; it works when the block begins."""
    async with reader(folder, name=name) as simulated:
        made = Till(simulated, **more)
        async with supervised(made.device, made.recorder):
            await made.states.until_last("up")
            yield made
