"""A version as the package installs it: from its own wheels into an empty folder, without a network."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.package import ROOT, once

pytestmark = [
    pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the package is for Debian 12's Python 3.11"),
    pytest.mark.skipif(not list(Path("/usr/share/python-wheels").glob("pip-*")), reason="needs python3-pip-whl"),
]
# A network of nobody: not even loopback is up. For a user in a user namespace of their own, where the kernel has them.
OFFLINE = ("unshare", "--net", "--map-root-user")


def offline() -> tuple[str, ...]:
    works = subprocess.run([*OFFLINE, "true"], capture_output=True, check=False).returncode == 0
    return OFFLINE if works else ()


def install(wheels: Path, target: Path) -> subprocess.CompletedProcess[str]:
    command = [*offline(), str(ROOT / "packaging/install-version"), str(wheels), str(target)]
    environment = {"PATH": "/usr/bin:/bin", "PIP_INDEX_URL": "http://127.0.0.1:9/", "PYTHONPATH": "/nowhere"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture(scope="module")
def wheels(unpacked: Path) -> Path:
    return unpacked / "usr/share/edge-agent/wheels"


@pytest.fixture(scope="module")
def version(wheels: Path, session: Path) -> Path:
    def make(opt: Path) -> None:
        done = install(wheels, opt / "9.9.9")
        assert done.returncode == 0, done.stderr

    return once(session, "opt", make) / "9.9.9"


def run(*command: str | Path) -> str:
    done = subprocess.run([*offline(), *command], capture_output=True, text=True, check=False, env={})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_its_commands_work(version: Path) -> None:
    assert run(version / "bin/edge-agent", "--version") == "edge-agent 9.9.9\n"
    told = run(version / "bin/edge-agent", "selftest").splitlines()
    assert len(told) > 5
    assert all(line.endswith(": ok") for line in told)
    assert "push-config" in run(version / "bin/edge-fleet", "--help")


def test_has_all_that_it_asks_for(version: Path) -> None:
    (pip,) = Path("/usr/share/python-wheels").glob("pip-*.whl")
    assert "No broken requirements" in run(version / "bin/python", "-I", pip / "pip", "check")


def test_brings_no_installer_into_the_shop(version: Path) -> None:
    assert not list(version.glob("bin/pip*"))
    assert not list(version.glob("lib/python*/site-packages/pip"))


def test_its_bytecode_is_made_already(version: Path) -> None:
    """The service may write nothing there: it would compile everything at every start."""
    (package,) = version.glob("lib/python*/site-packages/edge_agent")
    assert (package / "__pycache__/app.cpython-311.pyc").exists()


def test_what_runs_is_not_made_again_from_other_wheels(wheels: Path, tmp_path: Path) -> None:
    current = tmp_path / "9.9.9"
    current.mkdir()
    (current / ".complete").write_text("of other wheels\n")
    (tmp_path / "current").symlink_to("9.9.9")
    done = install(wheels, current)
    assert (done.returncode, "make another version current first" in done.stderr) == (1, True)
    assert (current / ".complete").read_text() == "of other wheels\n"


def test_one_that_is_complete_stays_as_it_is(wheels: Path, version: Path) -> None:
    before = (version / ".complete").stat().st_mtime_ns
    assert install(wheels, version).returncode == 0
    assert (version / ".complete").stat().st_mtime_ns == before


@pytest.mark.long
def test_one_that_was_cut_short_is_made_again(wheels: Path, version: Path, tmp_path: Path) -> None:
    target = tmp_path / "9.9.9"
    (target / "bin").mkdir(parents=True)
    (target / "bin/edge-agent").write_text("cut sho")
    done = install(wheels, target)
    assert done.returncode == 0, done.stderr
    assert run(target / "bin/edge-agent", "--version") == "edge-agent 9.9.9\n"


def test_a_wheel_that_was_changed_is_not_installed(wheels: Path, tmp_path: Path) -> None:
    changed = tmp_path / "wheels"
    shutil.copytree(wheels, changed)
    (wheel,) = changed.glob("aiosqlite-*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    done = install(changed, tmp_path / "9.9.9")
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert not (tmp_path / "9.9.9/.complete").exists()
