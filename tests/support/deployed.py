"""This tree's agent in a booted machine, laid out as the package lays it out, without building one."""

import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.boxed_shop import AGENT_TOML, STORE_TOML
from tests.support.machine import Machine

ROOT = Path(__file__).parents[2]
LIBRARIES = sysconfig.get_path("purelib")
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
# What the machine is booted with. The folders lie where the service may look: it sees nobody's home.
BINDS = (
    f"--bind-ro={LIBRARIES}:/opt/edge-agent/libraries",
    f"--bind-ro={ROOT / 'edge_agent'}:/opt/edge-agent/source/edge_agent",
)
PLACES = {"sysusers": "usr/lib/sysusers.d", "tmpfiles": "usr/lib/tmpfiles.d", "modprobe": "usr/lib/modprobe.d"}
COMMAND = """\
#!/opt/edge-agent/current/bin/python
from edge_agent.__main__ import main
main()
"""
# SIGUSR2 makes the main thread wait for ever in the middle of what it does: a loop that is stuck.
HANG = "import signal; signal.signal(signal.SIGUSR2, lambda *_: __import__('time').sleep(3600))\n"


async def deploy(machine: Machine, store_toml: str = STORE_TOML, password: str = "secret") -> None:
    """Install and configure the agent; nothing is started. ``password``: goes among the credentials."""
    _virtual_environment(machine.root / "opt/edge-agent/current")
    for file in sorted((ROOT / "systemd").iterdir()):
        kind = file.suffix.removeprefix(".")
        if kind == "service":
            _write(machine.root / "lib/systemd/system" / file.name, file.read_text("utf-8"))
        elif kind in PLACES:
            _write(machine.root / PLACES[kind] / "edge-agent.conf", file.read_text("utf-8"))
    await machine.run("systemd-sysusers", "edge-agent.conf")
    await machine.run("systemd-tmpfiles", "--create", "edge-agent.conf")
    configuration = machine.root / "etc/edge-agent"
    _write(configuration / "agent.toml", AGENT_TOML)
    _write(configuration / "store.toml", store_toml)
    _write(configuration / "credentials/password", password + "\n", 0o600)
    await machine.run("systemctl", "daemon-reload")


async def drop_in(machine: Machine, unit: str, text: str) -> None:
    """Change a unit's settings, as `systemctl edit` does."""
    _write(machine.root / f"etc/systemd/system/{unit}.d/test.conf", f"[Service]\n{text}")
    await machine.run("systemctl", "daemon-reload")


def _virtual_environment(folder: Path) -> None:
    if not Path(f"/usr/bin/{PYTHON}").exists():
        pytest.skip(
            f"the libraries here are for {PYTHON}, which this system does not have itself: no user may reach them"
        )
    packages = folder / "lib" / PYTHON / "site-packages"
    _write(folder / "pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n")
    _write(packages / "agent.pth", "/opt/edge-agent/libraries\n/opt/edge-agent/source\n")
    _write(packages / "hang.pth", HANG)
    _write(folder / "bin/edge-agent", COMMAND, 0o755)
    (folder / "bin/python").symlink_to(f"/usr/bin/{PYTHON}")


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    path.chmod(mode)
    path.write_text(text, "utf-8")
