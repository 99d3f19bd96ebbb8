"""What systemd's own tools say of the files in systemd/, without running any of them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from nfc.clf.device import usb_device_map

FOLDER = Path(__file__).parents[3] / "systemd"
UNITS = ("edge-agent.service", "edge-agent-relay@.service")
MOST = 1.3  # of 10; what is left is the network, the devices and what reaches them
RULE = re.compile(r'[A-Z_]+(\{[A-Za-z_/]+\})?(==|!=|\+=|:=|=)"[^"]*"')


def said(*command: str | Path) -> str:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed: sudo apt-get install systemd")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A box with the program in place, for tools that look whether it is there."""
    program = tmp_path / "opt/edge-agent/current/bin/edge-agent"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "etc").mkdir()
    return tmp_path


@pytest.mark.parametrize("unit", UNITS)
def test_verifies_without_a_word(unit: str, root: Path) -> None:
    program = root / "opt/edge-agent/current/bin/edge-agent"
    name = unit.replace("@.", "@till-1.")
    text = (FOLDER / unit).read_text("utf-8").replace("/opt/edge-agent/current/bin/edge-agent", str(program))
    (root / name).write_text(text, "utf-8")
    assert said("systemd-analyze", "verify", "--man=no", root / name) == ""


@pytest.mark.parametrize("unit", UNITS)
def test_is_hardly_exposed(unit: str) -> None:
    told = said("systemd-analyze", "security", "--offline=true", "--no-pager", FOLDER / unit)
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", told)
    assert exposure, told
    assert float(exposure[1]) <= MOST, told


def test_the_user_and_the_groups_that_the_units_name_are_made(root: Path) -> None:
    said("systemd-sysusers", f"--root={root}", FOLDER / "edge-agent.sysusers")
    rows = [row.split(":") for row in (root / "etc/group").read_text("ascii").splitlines()]
    groups = {name: members.split(",") for name, _, _, members in rows}
    users = {row.split(":")[0] for row in (root / "etc/passwd").read_text("ascii").splitlines()}

    assert "edge-agent" in groups["dialout"]
    assert "edge-agent" in groups["bluetooth"]
    for unit in UNITS:
        settings = dict(row.split("=", 1) for row in (FOLDER / unit).read_text("utf-8").splitlines() if "=" in row)
        assert settings["User"] in users
        assert set(settings["SupplementaryGroups"].split()) <= set(groups)


def test_the_folder_of_credentials_is_roots_alone(root: Path) -> None:
    said("systemd-sysusers", f"--root={root}", FOLDER / "edge-agent.sysusers")
    said("systemd-tmpfiles", f"--root={root}", "--create", FOLDER / "edge-agent.tmpfiles")
    assert (root / "etc/edge-agent/credentials").stat().st_mode & 0o7777 == 0o700


def test_each_rule_of_udev_parses_and_its_jumps_land() -> None:
    text = (FOLDER / "70-edge-agent.rules").read_text("utf-8")
    rules = [row for row in text.splitlines() if row and not row.startswith("#")]
    for rule in rules:
        assert all(RULE.fullmatch(part) for part in rule.split(", ")), rule
    labels = re.findall(r'LABEL="(\w+)"', text)
    jumps = re.findall(r'GOTO="(\w+)"', text)
    assert set(jumps) == set(labels)


def test_every_reader_that_nfcpy_drives_is_the_services() -> None:
    text = (FOLDER / "70-edge-agent.rules").read_text("utf-8")
    named = {
        (int(vendor, 16), int(product, 16))
        for vendor, products in re.findall(r'ATTR\{idVendor\}=="(\w+)", ATTR\{idProduct\}=="([\w|]+)"', text)
        for product in products.split("|")
    }
    assert named == set(usb_device_map)
