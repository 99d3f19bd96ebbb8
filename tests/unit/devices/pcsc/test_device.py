"""The PC/SC device where there is nothing to speak to."""

import sys

import pytest

from edge_agent.clock import Clock
from edge_agent.config.devices import PcscSettings
from edge_agent.devices.pcsc.device import PcscDevice
from edge_agent.devices.status import Status
from edge_agent.errors import DeviceError
from tests.support.devices import Recorder, States


async def test_without_pyscard_the_device_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("smartcard", "edge_agent.devices.pcsc.reader"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("edge_agent.devices.pcsc.reader", raising=False)
    monkeypatch.setitem(sys.modules, "smartcard", None)  # what an import of it finds is nothing
    settings = PcscSettings(id="counter", touchpoint="counter", kind="pcsc", reader="PICC")
    device = PcscDevice(settings, Status(States(), Clock()))
    with pytest.raises(DeviceError, match="make setup") as told:
        await device.run(Recorder())
    assert told.value.reason == "not_installed"
    device.signal(accepted=True)  # nobody is there to see it
