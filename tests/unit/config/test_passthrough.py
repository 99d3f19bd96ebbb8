"""A device behind which a printer or a display hangs: what is refused, and why."""

from pathlib import Path

import pytest

from edge_agent.config import load
from edge_agent.config.devices import SerialSettings
from tests.unit.config.conftest import STORE, Files

OTHER = """
[[device]]
id = "other"
kind = "serial"
touchpoint = "till-1"
port = "/dev/ttyUSB7"
decoder = "lines"
"""


@pytest.mark.parametrize("where", ["/dev/ttyS1", "tcp://192.0.2.10:9100", "tcp://printer.local:9100", "tcp://[::1]:1"])
def test_a_port_or_an_address_is_taken(files: Files, where: str) -> None:
    files.write(store=f'{STORE}passthrough = "{where}"\n')

    (device,) = load(files.agent_file).store.devices

    assert isinstance(device, SerialSettings)
    assert device.passthrough == where
    assert not device.drive


def test_a_relative_path_is_taken_from_the_folder_of_the_file(files: Files) -> None:
    files.write(store=f'{STORE}passthrough = "printer"\n')

    (device,) = load(files.agent_file).store.devices

    assert isinstance(device, SerialSettings)
    assert device.passthrough == str(Path(files.agent_file).parent / "printer")


@pytest.mark.parametrize(
    "where",
    ["tcp://192.0.2.10", "tcp://192.0.2.10:0", "tcp://:9100", "http://192.0.2.10:9100", "tcp://a b:1", "ttyS1", ""],
)
def test_anything_else_is_refused(files: Files, where: str) -> None:
    files.write(store=f'{STORE}passthrough = "{where}"\n')

    (problem,) = files.problems()

    assert "device[0].passthrough: must be a" in problem


def test_a_line_is_not_passed_on_to_itself(files: Files) -> None:
    port = "/dev/ttyUSB3"
    text = STORE + OTHER.replace("/dev/ttyUSB7", port) + f'passthrough = "{port}"\n'
    files.write(store=text)

    (problem,) = files.problems()

    assert "device[1].passthrough: is taken: the device of line" in problem


@pytest.mark.parametrize("where", ["/dev/ttyUSB7", "tcp://192.0.2.10:9100"])
def test_two_devices_never_share_what_is_behind_them(files: Files, where: str) -> None:
    passed = f'passthrough = "{where}"\n'
    tcp = 'kind = "tcp"\nhost = "192.0.2.10"\nport = 9100\n'
    other = (
        OTHER
        if where.startswith("/")
        else OTHER.replace('kind = "serial"\n', tcp).replace('port = "/dev/ttyUSB7"\n', "")
    )
    files.write(store=STORE + passed + other)

    (problem,) = files.problems()

    assert "device[1].port: is taken" in problem


def test_driving_needs_the_agent_between_the_register_and_its_display(files: Files) -> None:
    files.write(store=STORE + "drive = true\n")

    (tapped, no_display) = sorted(files.problems(), key=lambda problem: "line display" in problem)

    assert "device[0].drive: a tapped line would have two transmitters; add passthrough" in tapped
    assert 'only a line display is driven: decoder = "linedisplay"' in no_display
