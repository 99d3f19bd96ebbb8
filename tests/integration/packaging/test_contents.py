"""What is in the package, before anybody installs it."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edge_agent import __version__
from tests.support.package import EPOCH, ROOT, build_deb

pytestmark = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the package is for Debian 12's Python 3.11")


def output(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_says_what_it_is_and_what_it_needs(deb: Path) -> None:
    fields = dict(line.split(": ", 1) for line in output("dpkg-deb", "--field", deb).splitlines() if ": " in line)
    assert fields["Package"] == "edge-agent"
    assert fields["Version"] == "9.9.9"
    # Its wheels are compiled for one processor and one Python.
    assert fields["Architecture"] == output("dpkg", "--print-architecture").strip()
    assert {"python3 (>= 3.11)", "python3 (<< 3.12)", "libusb-1.0-0"} <= set(fields["Depends"].split(", "))


def test_lays_down_everything_as_root_and_nothing_that_others_may_write(deb: Path) -> None:
    for line in output("dpkg-deb", "--contents", deb).splitlines():
        mode, owner, *_, path = line.split(" -> ")[0].split()
        assert owner == "root/root", line
        assert mode[0] in "dl-", line
        assert mode[0] == "l" or (mode[5], mode[8]) == ("-", "-"), line
        assert "s" not in mode, line
        assert not path.startswith(("./etc", "./opt", "./var", "./run")), f"{path} is not dpkg's"


def test_its_commands_are_those_of_the_current_version(unpacked: Path) -> None:
    for name in ("edge-agent", "edge-fleet"):
        assert (unpacked / "usr/bin" / name).readlink() == Path(f"/opt/edge-agent/current/bin/{name}")


def test_brings_every_file_of_systemd(deb: Path, unpacked: Path) -> None:
    laid = {
        path.read_bytes() for folder in ("lib", "usr/lib") for path in (unpacked / folder).rglob("*") if path.is_file()
    }
    for file in (ROOT / "systemd").iterdir():
        assert file.suffix == ".md" or file.read_bytes() in laid, file.name
    assert (unpacked / "lib/systemd/system/edge-agent.service").exists()


def test_brings_both_files_to_edit(deb: Path, unpacked: Path) -> None:
    for name in ("agent.toml", "store.toml"):
        assert (unpacked / "usr/share/edge-agent" / name).read_bytes() == (
            deb.parent / "tree/config" / name
        ).read_bytes()


def test_carries_what_the_lock_names_and_no_other_version(unpacked: Path) -> None:
    locked = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    wheels = [path.name.split("-")[:2] for path in (unpacked / "usr/share/edge-agent/wheels").glob("*.whl")]
    carried = {name.replace("_", "-").lower(): version for name, version in wheels}
    assert carried.pop("edge-agent") == "9.9.9"
    carried.pop("pyscard", None)  # where it can be built
    assert carried == locked


def test_tells_nothing_of_the_machine_that_built_it(unpacked: Path) -> None:
    """Of what was built here; wheels of others come as they are, and tell of their own machines."""
    private = {str(ROOT).encode(), sys.base_prefix.encode() + b"/", b"/tmp/pip-"} - {b"/usr/"}
    seen = 0
    for path in (path for path in unpacked.rglob("*") if path.is_file() and not path.is_symlink()):
        if path.suffix != ".whl":
            parts = {path.name: path.read_bytes()}
        elif path.name.startswith(("edge_agent-", "pydes-", "pyscard-")):
            with zipfile.ZipFile(path) as wheel:
                parts = {name: wheel.read(name) for name in wheel.namelist()}
        else:
            continue
        for name, data in parts.items():
            seen += 1
            assert not [word for word in private if word in data], f"{path.name}: {name}"
    assert seen > 100


def test_the_same_tree_gives_the_same_bytes(deb: Path, tmp_path: Path) -> None:
    again = tmp_path / "elsewhere"
    shutil.copytree(deb.parent / "tree", again)
    assert build_deb(tmp_path, "9.9.9", again).read_bytes() == deb.read_bytes()


def test_a_release_candidate_comes_before_its_release(tmp_path: Path) -> None:
    deb = build_deb(tmp_path, "9.9.9rc1")
    assert output("dpkg-deb", "--field", deb, "Version").strip() == "9.9.9~rc1"
    subprocess.run(["dpkg", "--compare-versions", "9.9.9~rc1", "lt", "9.9.9"], check=True)


def test_the_version_is_that_of_the_program() -> None:
    """Where nothing else is asked for; the gate of an upgrade compares it with what the daemon reports."""
    text = (ROOT / "edge_agent/__init__.py").read_text()
    assert re.findall(r'^__version__ = "(.*)"$', text, re.MULTILINE) == [__version__]


@pytest.mark.parametrize("version", ["", "v1", "1.0-2", "../1.0", "1.0 2"])
def test_refuses_what_is_no_version(version: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / "packaging/build-deb", "--version", version, "--out", tmp_path],
        capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": EPOCH},
    )  # fmt: skip
    assert done.returncode == 2
    assert "is no version" in done.stderr
    assert not list(tmp_path.iterdir())
