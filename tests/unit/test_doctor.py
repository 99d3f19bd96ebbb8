"""What doctor says of readers that something else on the box may hold."""

from pathlib import Path

import pytest

from edge_agent.commands import doctor
from edge_agent.config.devices import NfcSettings


@pytest.mark.parametrize(("path", "is_taken"), [("usb:072f:2200", True), ("udp", False), ("/dev/null:pn532", False)])
def test_the_kernels_driver_takes_readers_on_usb_only(
    path: str, is_taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "KERNEL_PN533", tmp_path)
    monkeypatch.setattr(doctor, "PCSCD_SOCKET", tmp_path / "none")
    reader = NfcSettings.model_validate({"id": "counter", "kind": "nfc", "touchpoint": "till-1", "path": path})

    assert ("pn533" in doctor._device(reader).detail) is is_taken
