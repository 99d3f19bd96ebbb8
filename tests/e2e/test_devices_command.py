"""`edge-agent devices` in a box whose hardware is known."""

import tomllib
from pathlib import Path

from edge_agent.config import load
from edge_agent.simulator.virtual_store import AGENT_TOML
from tests.support.box import Box

STORE = '[store]\nname = "x"\ntimezone = "Asia/Shanghai"\ncurrency = "CNY"\n[[touchpoint]]\nid = "till-1"\n'


def test_everything_is_named_by_a_name_that_stays(tmp_path: Path) -> None:
    box = Box(tmp_path / "box")
    box.adapter("ttyUSB0", "USB Serial")
    box.adapter("ttyUSB1", "USB Serial")
    box.adapter("ttyUSB2", "FT232R", serial="A50285BI")
    box.board_port("ttyS0", chip=True)
    box.board_port("ttyS1", chip=False)
    box.nfc_reader()
    box.bluetooth("hci0")
    box.bluetooth("hci0:64")
    done = box.run("devices")
    assert (done.returncode, done.stderr) == (0, "")
    tables = tomllib.loads(done.stdout)["device"]
    assert {table.get("port") for table in tables if table["kind"] == "serial"} == {
        "/dev/ttyS0",
        "/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0",  # twins: only their sockets tell them apart
        "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0",
        "/dev/serial/by-id/usb-1a86_FT232R_A50285BI-if00-port0",
    }
    assert [table["path"] for table in tables if table["kind"] == "nfc"] == ["usb:072f:2200"]
    assert [table["adapter"] for table in tables if table["kind"] == "ble"] == ["hci0"]
    assert "keep the plug where it is" in done.stdout

    (tmp_path / "store.toml").write_text(STORE + done.stdout, "utf-8")
    (tmp_path / "agent.toml").write_text(AGENT_TOML.format(port=9), "utf-8")
    assert len(load(tmp_path / "agent.toml").store.devices) == 6  # what it prints is a configuration


def test_an_adapter_cannot_smuggle_configuration_in(tmp_path: Path) -> None:
    box = Box(tmp_path / "box")
    box.adapter("ttyUSB0", "x\x0b[[device]]\x1b[2J")
    done = box.run("devices")
    assert done.stdout.count("\n[[device]]") == 1
    assert "\x1b" not in done.stdout


def test_an_empty_box_says_so(tmp_path: Path) -> None:
    done = Box(tmp_path / "box").run("devices")
    assert (done.returncode, done.stdout) == (0, "")
    assert "is plugged into this box" in done.stderr
