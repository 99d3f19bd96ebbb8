"""ACR122U readers on USB: nfcpy's own driver, over CCID, on the simulated chip."""

import errno

import pytest

from edge_agent.clock import Clock
from edge_agent.config.devices import NfcSettings
from edge_agent.devices import Signalling
from edge_agent.devices.nfc.device import NfcDevice
from edge_agent.devices.status import Status
from edge_agent.observations import TagGone, TagRead
from edge_agent.simulator.tags.type2 import Ntag213
from tests.support.acr122 import POWER_DOWN, Usb, plug_in
from tests.support.devices import Recorder, States, supervised
from tests.support.nfc import UID

GREEN = "FF00400E0400000000"
ACCEPTED, REFUSED = "FF00400D0403000101", "FF00400D0401010201"


def device(path: str = "usb:072f:2200") -> tuple[NfcDevice, Recorder, States]:
    settings = NfcSettings.model_validate({"id": "till-1-nfc", "kind": "nfc", "touchpoint": "till-1", "path": path})
    states = States()
    return NfcDevice(settings, Status(states, Clock())), Recorder(), states


async def test_a_busy_first_reader_does_not_keep_from_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    readers = Usb(1, refuses=errno.EBUSY), Usb(2)
    plug_in(monkeypatch, readers)
    nfc, recorder, states = device()
    readers[1].chip.put(Ntag213(bytes.fromhex(UID), b""))
    async with supervised(nfc, recorder):
        await states.until_last("up")
        await recorder.until(lambda: recorder.observations == [TagRead("type2", bytes.fromhex(UID), b"")])
        readers[1].chip.take()
        await recorder.until(lambda: recorder.observations[1:] == [TagGone(bytes.fromhex(UID))])
    assert [reader.opened for reader in readers] == [0, 0]


async def test_two_devices_take_a_reader_each_and_a_third_finds_them_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, (Usb(1), Usb(2)))
    (one, recorder, first), (two, _, second), (three, _, third) = device(), device(), device()
    async with supervised(one, recorder):
        await first.until_last("up")
        async with supervised(two, recorder):
            await second.until_last("up")
            async with supervised(three, recorder):
                await third.until_last("busy")


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.EBUSY, "busy"), (errno.EACCES, "permission"), (errno.ENODEV, "missing")]
)
async def test_why_a_reader_cannot_be_had_is_told(monkeypatch: pytest.MonkeyPatch, number: int, reason: str) -> None:
    usb = Usb(1, refuses=number)
    plug_in(monkeypatch, [usb])
    nfc, recorder, states = device()
    async with supervised(nfc, recorder):
        await states.until_last(reason)
        usb.refuses = 0
        await states.until_last("up")


async def test_without_libusb_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library() -> None:
        raise OSError(errno.ENOENT, "cannot find a suitable libusb-1.0")

    monkeypatch.setattr("nfc.clf.transport.libusb.getVersion", no_library)
    nfc, recorder, states = device()
    async with supervised(nfc, recorder):
        await states.until_last("missing")
    assert "libusb" in states.all[0].detail


async def test_pulled_out_and_put_back_it_reads_again(monkeypatch: pytest.MonkeyPatch) -> None:
    usb = Usb(1)
    plug_in(monkeypatch, [usb])
    nfc, recorder, states = device()
    async with supervised(nfc, recorder):
        await states.until_last("up")
        usb.gone = True
        await states.until_last("unplugged", "missing")
        usb.gone = False
        await states.until_last("up")
    assert usb.opened == 0


async def test_it_is_closed_so_that_it_can_be_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    usb = Usb(1)
    plug_in(monkeypatch, [usb])
    for _ in range(3):
        nfc, recorder, states = device()
        async with supervised(nfc, recorder):
            await states.until_last("up")
        assert usb.opened == 0
    assert states.reasons == ["up"]
    assert not any(command[6:7] == bytes([POWER_DOWN]) for _, command in usb.told)


async def test_it_lights_up_in_its_own_thread_for_what_was_recorded_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    usb = Usb(1)
    plug_in(monkeypatch, [usb])
    nfc, recorder, states = device()
    assert isinstance(nfc, Signalling)
    nfc.signal(accepted=True)  # not open: there is nobody to see it
    async with supervised(nfc, recorder):
        await states.until_last("up")
        before = len(usb.lights)
        usb.chip.put(Ntag213(bytes.fromhex(UID), b""))
        await recorder.until(lambda: bool(recorder.observations))
        assert usb.lights[before:] == []
        nfc.signal(accepted=True)
        nfc.signal(accepted=False)
        usb.chip.take()
        await recorder.until(lambda: len(recorder.observations) == 2)
        assert usb.lights[before:] == [ACCEPTED, GREEN, REFUSED, GREEN]
    assert {thread for thread, _ in usb.told} == {"nfc-till-1-nfc"}
